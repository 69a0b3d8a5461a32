// The managed identity of the machines, the app registration, and the federated credential with which the app trusts
// the identity.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity

extension microsoftGraphV1

@description('The name of the user-assigned managed identity.')
param identityName string

@description('The display name of the app registration. Also its unique name, by which a later deployment finds it.')
param appName string

@description('Whether other tenants can use the app.')
param multitenant bool = false

@description('The location of the identity.')
param location string = resourceGroup().location

// Identity and app are in the same tenant. US Government and China have their own audiences.
var audiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}
// The issuer must be equal letter by letter. environment().authentication.loginEndpoint ends in a slash, and in China it
// is an older address, so the addresses stand here.
var signInAddresses = {
  #disable-next-line no-hardcoded-env-urls
  AzureCloud: 'https://login.microsoftonline.com'
  AzureUSGovernment: 'https://login.microsoftonline.us'
  AzureChinaCloud: 'https://login.partner.microsoftonline.cn'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: identityName
  location: location
}

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: appName
  displayName: appName
  signInAudience: multitenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'
}

resource trust 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${app.uniqueName}/${identityName}'
  description: 'Machines with the managed identity ${identityName} act as this app.'
  issuer: '${signInAddresses[environment().name]}/${tenant().tenantId}/v2.0'
  // The object ID, not the client ID.
  subject: identity.properties.principalId
  audiences: [
    audiences[environment().name]
  ]
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

output clientId string = app.appId
output tenantId string = tenant().tenantId
output managedIdentityClientId string = identity.properties.clientId
output managedIdentityId string = identity.id
output servicePrincipalObjectId string = servicePrincipal.id
