#!/usr/bin/env bash
# Creates an agent identity (preview) for the jobs of a machine: the blueprint with its principal, the blueprint's trust in
# the machine's managed identity, the agent identity, and one role assignment. Uses az and Microsoft Graph's beta version.
#
#   ./set-up-agent-identity.sh <resource group> <identity> <blueprint> <agent identity> <sponsor> <role> <scope>
#
# <identity> is a user-assigned managed identity that exists, <sponsor> the object ID of the user who answers for the agent
# (or groups/<object ID>), <scope> the resource ID for <role>, such as /subscriptions/<ID>/resourceGroups/<group>.
#
# Sign az in as an app, not as a user: Graph creates agent identities only for application permissions. The app needs
# AgentIdentityBlueprint.ReadWrite.All, AgentIdentityBlueprintPrincipal.Create, AgentIdentity.Create.All and
# Application.Read.All, and the right to assign the role. You can run the script again: it keeps what already exists.
set -euo pipefail

if (($# != 7)) || [[ $1 == -* ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
group=$1 identity=$2 blueprint_name=$3 agent_name=$4 sponsor=$5 role=$6 scope=$7
[[ $sponsor == */* ]] || sponsor=users/$sponsor

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
graph=${graph%/}
principal=$(az identity show --resource-group "$group" --name "$identity" --query principalId --output tsv)
identity_client=$(az identity show --resource-group "$group" --name "$identity" --query clientId --output tsv)

# New objects take minutes to appear in every part of Entra. Until then Graph and Azure answer that they do not exist.
# A command that fails for another reason ends the script.
when_it_exists() {
  local words deadline=$((SECONDS + 300))
  for (( ; ; )); do
    # The command's output stays stdout, and its words are read here.
    if { words=$("$@" 2>&1 >&3); } 3>&1; then return 0; fi
    if ((SECONDS > deadline)) || ! grep -qiE 'not found|does not exist|ResourceNotFound|PrincipalDoesNotExist|PrincipalNotFound|does not reference' <<<"$words"; then
      printf '%s\n' "$words" >&2
      return 1
    fi
    echo 'Waiting until the new object appears everywhere …' >&2
    sleep 5
  done
}

# post PATH BODY [az's words]
post() {
  local path=$1 body=$2
  shift 2
  when_it_exists az rest --method POST --url "$graph/beta/$path" --body "$body" \
    --headers Content-Type=application/json OData-Version=4.0 "$@"
}

# A text as a part of a JSON string, and as a part of a filter.
json() {
  local text=${1//\\/\\\\}
  printf %s "${text//\"/\\\"}"
}
quote=\'
in_filter() { printf %s "${1//$quote/$quote$quote}"; }

# client_id_of COLLECTION NAME QUERY: the client ID of the one object with this display name that fits the query.
# Display names are not unique. With several matches, the trust could go to somebody else's blueprint.
client_id_of() {
  local ids
  ids=$(az rest --method GET --url "$graph/beta/$1" --url-parameters "\$filter=displayName eq '$(in_filter "$2")'" \
    --query "value[?$3].appId" --output tsv)
  if [[ $ids == *$'\n'* ]]; then
    echo "There are several objects named $2. Choose another name." >&2
    return 1
  fi
  printf %s "$ids"
}

# The blueprint. Its ID is its client ID.
sponsors="\"sponsors@odata.bind\": [\"$graph/v1.0/$(json "$sponsor")\"]"
blueprint=$(client_id_of applications/microsoft.graph.agentIdentityBlueprint "$blueprint_name" 'appId != null')
if [[ -z $blueprint ]]; then
  blueprint=$(post applications \
    "{\"@odata.type\": \"Microsoft.Graph.AgentIdentityBlueprint\", \"displayName\": \"$(json "$blueprint_name")\", $sponsors}" \
    --query appId --output tsv)
fi

# Its principal, without which it has no agent identities.
principals=$(client_id_of servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal "$blueprint_name" "appId == '$blueprint'")
if [[ -z $principals ]]; then
  post servicePrincipals/graph.agentIdentityBlueprintPrincipal "{\"appId\": \"$blueprint\"}" --output none
fi

# The trust. `az ad app federated-credential` does not know blueprints.
credentials=applications/$blueprint/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials
trusted=$(when_it_exists az rest --method GET --url "$graph/beta/$credentials" --output tsv \
  --query "value[?subject=='$principal' && issuer=='$authority/$tenant/v2.0' && audiences[0]=='$audience'].name | [0]")
if [[ -z $trusted ]]; then
  post "$credentials" \
    "{\"name\": \"$identity\", \"issuer\": \"$authority/$tenant/v2.0\", \"subject\": \"$principal\", \"audiences\": [\"$audience\"]}" \
    --output none
fi

# The agent identity. It has no credential: only its blueprint can get tokens for it.
agent=$(client_id_of servicePrincipals/microsoft.graph.agentIdentity "$agent_name" "agentIdentityBlueprintId == '$blueprint'")
if [[ -z $agent ]]; then
  agent=$(post servicePrincipals/Microsoft.Graph.AgentIdentity \
    "{\"displayName\": \"$(json "$agent_name")\", \"agentIdentityBlueprintId\": \"$blueprint\", $sponsors}" \
    --query appId --output tsv)
fi

# The role is the agent identity's own. Roles of the blueprint do not count. An assignment that exists is kept.
when_it_exists az role assignment create --assignee-object-id "$agent" --assignee-principal-type ServicePrincipal \
  --role "$role" --scope "$scope" --output none

cat <<END
client-id: $blueprint
tenant-id: $tenant
managed-identity-client-id: $identity_client
agent-identity-id: $agent
END
