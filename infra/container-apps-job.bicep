// GitHub runners as a Container Apps job. Starts one container for each queued job of the repository.
// https://learn.microsoft.com/azure/container-apps/tutorial-ci-cd-runners-jobs

@description('The resource ID of the user-assigned managed identity.')
param identityId string

@description('The resource ID of the Container Apps environment.')
param environmentId string

@description('The image with the runner and a start script that registers it as an ephemeral runner.')
param image string

@description('The login server of a private Azure Container Registry that has the image, for example contoso.azurecr.io. The identity needs the role AcrPull there. Empty for a public image.')
param registryServer string = ''

@description('The owner of the repository.')
param repositoryOwner string

@description('The name of the repository whose jobs the runners run.')
param repository string

@description('A GitHub personal access token that can register runners. It gives no access to Azure.')
@secure()
param personalAccessToken string

@description('The label of the runners.')
param label string = 'container-apps'

param name string = 'runners'
param location string = resourceGroup().location

resource runners 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      triggerType: 'Event'
      replicaTimeout: 3600
      replicaRetryLimit: 0
      registries: empty(registryServer)
        ? []
        : [
            {
              server: registryServer
              identity: identityId
            }
          ]
      // The containers of the job can use the identity. An init container cannot.
      identitySettings: [
        {
          identity: identityId
          lifecycle: 'Main'
        }
      ]
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: 10
          pollingInterval: 30
          rules: [
            {
              name: 'queued-jobs'
              type: 'github-runner'
              metadata: {
                githubAPIURL: 'https://api.github.com'
                owner: repositoryOwner
                runnerScope: 'repo'
                repos: repository
                labels: label
                targetWorkflowQueueLength: '1'
              }
              auth: [
                {
                  secretRef: 'personal-access-token'
                  triggerParameter: 'personalAccessToken'
                }
              ]
            }
          ]
        }
      }
      secrets: [
        {
          name: 'personal-access-token'
          value: personalAccessToken
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'runner'
          image: image
          resources: {
            cpu: json('2.0')
            memory: '4Gi'
          }
          env: [
            {
              name: 'GITHUB_PAT'
              secretRef: 'personal-access-token'
            }
            {
              name: 'GH_URL'
              value: 'https://github.com/${repositoryOwner}/${repository}'
            }
            {
              name: 'REGISTRATION_TOKEN_API_URL'
              value: 'https://api.github.com/repos/${repositoryOwner}/${repository}/actions/runners/registration-token'
            }
            {
              name: 'LABELS'
              value: label
            }
          ]
        }
      ]
    }
  }
}

output jobId string = runners.id
