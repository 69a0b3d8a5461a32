#!/usr/bin/env bash
# Identity, app, trust, and the identity on a machine that exists: the same as identity-and-trust.bicep, by az.
#
#   ./set-up.sh <resource group> <identity> <app> <virtual machine>
#
# Signed in to the tenant of the machine. It can be run again: what is there stays.
set -euo pipefail

if (($# != 4)); then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
group=$1 identity=$2 app_name=$3 machine=$4

case $(az cloud show --query name --output tsv) in
  AzureCloud) authority=https://login.microsoftonline.com audience=api://AzureADTokenExchange ;;
  AzureUSGovernment) authority=https://login.microsoftonline.us audience=api://AzureADTokenExchangeUSGov ;;
  AzureChinaCloud) authority=https://login.partner.microsoftonline.cn audience=api://AzureADTokenExchangeChina ;;
  *)
    echo 'This cloud is not known here: see docs/clouds.md.' >&2
    exit 1
    ;;
esac
tenant=$(az account show --query tenantId --output tsv)

# The identity. The subject of the trust is its principal (object) ID.
az identity create --resource-group "$group" --name "$identity" --output none
principal=$(az identity show --resource-group "$group" --name "$identity" --query principalId --output tsv)
identity_client=$(az identity show --resource-group "$group" --name "$identity" --query clientId --output tsv)
identity_id=$(az identity show --resource-group "$group" --name "$identity" --query id --output tsv)

# The app and its service principal.
# Display names are not unique, and a trust given to somebody else's app is theirs.
found=$(az ad app list --filter "displayName eq '$app_name'" --query 'length(@)' --output tsv)
if ((found > 1)); then
  echo "There are $found apps named $app_name. Choose another name, or give the trust by hand." >&2
  exit 1
fi
app=$(az ad app list --filter "displayName eq '$app_name'" --query '[0].appId' --output tsv)
if [[ -z $app ]]; then
  app=$(az ad app create --display-name "$app_name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
if ! az ad sp show --id "$app" --output none 2>/dev/null; then az ad sp create --id "$app" --output none; fi

# The trust.
trusted=$(az ad app federated-credential list --id "$app" --output tsv \
  --query "[?subject=='$principal' && issuer=='$authority/$tenant/v2.0' && audiences[0]=='$audience'].name | [0]")
if [[ -z $trusted ]]; then
  az ad app federated-credential create --id "$app" --output none --parameters @- <<EOF
{
  "name": "$identity",
  "issuer": "$authority/$tenant/v2.0",
  "subject": "$principal",
  "audiences": ["$audience"]
}
EOF
fi

# The machine. Of a scale set: az vmss identity assign.
az vm identity assign --resource-group "$group" --name "$machine" --identities "$identity_id" --output none

cat <<EOF
client-id: $app
tenant-id: $tenant
managed-identity-client-id: $identity_client
EOF
