// The app's trust in a Kubernetes service account of an AKS cluster, by the cluster's own OIDC issuer.
// No managed identity is involved: the pod's projected token is the app's assertion.

extension microsoftGraphV1

@description('The name of the cluster, in this resource group.')
param clusterName string

@description('The display name of the app registration. Also its unique name, by which a later deployment finds it.')
param appName string

@description('The namespace and the name of the service account of the runner pods.')
param namespace string = 'runners'
param serviceAccount string = 'runner'

// US Government and China have an audience of their own.
var audiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' existing = {
  name: clusterName
}

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: appName
  displayName: appName
  signInAudience: 'AzureADMyOrg'
}

resource trust 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${app.uniqueName}/${clusterName}-${namespace}-${serviceAccount}'
  description: 'Pods of ${clusterName} with the service account ${namespace}/${serviceAccount} act as this app.'
  // With its trailing slash: Entra compares letter by letter.
  issuer: cluster.properties.oidcIssuerProfile.issuerURL
  subject: 'system:serviceaccount:${namespace}:${serviceAccount}'
  audiences: [
    audiences[environment().name]
  ]
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

output clientId string = app.appId
output tenantId string = tenant().tenantId
output servicePrincipalObjectId string = servicePrincipal.id
output issuer string = trust.issuer
