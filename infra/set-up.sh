#!/usr/bin/env bash
# Creates the managed identity, the app and the trust, as identity-and-trust.bicep does, and assigns the identity to an
# existing virtual machine or scale set. Uses az.
#
#   ./set-up.sh <resource group> <identity> <app> <virtual machine>
#   ./set-up.sh --scale-set <resource group> <identity> <app> <scale set>
#
# Sign in to the tenant of the machine first. You can run the script again: it keeps what already exists.
set -euo pipefail

kind=vm
if [[ ${1-} == --scale-set ]]; then
  kind=vmss
  shift
fi
if (($# != 4)) || [[ $1 == -* ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
group=$1 identity=$2 app_name=$3 machine=$4

case $(az cloud show --query name --output tsv) in
  AzureCloud) authority=https://login.microsoftonline.com audience=api://AzureADTokenExchange ;;
  AzureUSGovernment) authority=https://login.microsoftonline.us audience=api://AzureADTokenExchangeUSGov ;;
  AzureChinaCloud) authority=https://login.partner.microsoftonline.cn audience=api://AzureADTokenExchangeChina ;;
  *)
    echo 'This script does not know this cloud. See docs/clouds.md.' >&2
    exit 1
    ;;
esac
tenant=$(az account show --query tenantId --output tsv)
graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)

# The identity. The subject of the trust is its principal (object) ID.
az identity create --resource-group "$group" --name "$identity" --output none
principal=$(az identity show --resource-group "$group" --name "$identity" --query principalId --output tsv)
identity_client=$(az identity show --resource-group "$group" --name "$identity" --query clientId --output tsv)
identity_id=$(az identity show --resource-group "$group" --name "$identity" --query id --output tsv)

# The app and its service principal.
# In a filter, a quotation mark is written twice.
quote=\'
named="displayName eq '${app_name//$quote/$quote$quote}'"
# Display names are not unique. With several matches, the trust could go to somebody else's app.
found=$(az ad app list --filter "$named" --query 'length(@)' --output tsv)
if ((found > 1)); then
  echo "There are $found apps named $app_name. Choose another name, or create the federated credential yourself." >&2
  exit 1
fi
app=$(az ad app list --filter "$named" --query '[0].appId' --output tsv)
if [[ -z $app ]]; then
  app=$(az ad app create --display-name "$app_name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
# Bicep finds an app only by its unique name. It can be set once and never changed.
application=${graph%/}/v1.0/applications\(appId=\'$app\'\)
unique=$(az rest --method GET --url "$application?\$select=uniqueName" --query uniqueName --output tsv)
if [[ -z $unique ]]; then
  escaped=${app_name//\\/\\\\}
  escaped=${escaped//\"/\\\"}
  az rest --method PATCH --url "$application" --headers Content-Type=application/json --output none \
    --body "{\"uniqueName\": \"$escaped\"}"
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

# The machine.
az "$kind" identity assign --resource-group "$group" --name "$machine" --identities "$identity_id" --output none

# With manual upgrades, the machines that already run have no identity yet. The upgrade applies every change of the scale
# set since the last one, so this script does not run it.
if [[ $kind == vmss ]]; then
  mode=$(az vmss show --resource-group "$group" --name "$machine" --query upgradePolicy.mode --output tsv)
  if [[ $mode == Manual ]]; then
    cat >&2 <<EOF
The scale set $machine has manual upgrades. Give its running machines the identity with:
  az vmss update-instances --resource-group $(printf %q "$group") --name $(printf %q "$machine") --instance-ids '*'
EOF
  fi
fi

cat <<EOF
client-id: $app
tenant-id: $tenant
managed-identity-client-id: $identity_client
EOF
