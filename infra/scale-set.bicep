// A scale set for runners or agents that has the managed identity. The `cloudInit` script registers the runners.

@description('The resource ID of the user-assigned managed identity.')
param identityId string

@description('The resource ID of the subnet. The machines must be able to reach the sign-in address.')
param subnetId string

@description('The SSH public key of the administrator.')
param sshPublicKey string

@description('A cloud-init script that installs and registers the runner. Empty for scale set agents: Azure DevOps installs the agent.')
@secure()
param cloudInit string = ''

@description('The name of the scale set. The names of the machines start with it.')
param name string = 'runners'

param location string = resourceGroup().location
param instances int = 1
param size string = 'Standard_D2s_v5'

resource machines 'Microsoft.Compute/virtualMachineScaleSets@2025-04-01' = {
  name: name
  location: location
  sku: {
    name: size
    capacity: instances
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    orchestrationMode: 'Uniform'
    overprovision: false
    // More than 100 machines, and machines wherever there is room: runners do not need to be near each other.
    singlePlacementGroup: false
    platformFaultDomainCount: 1
    // Azure DevOps requires manual upgrades. They also never restart a machine that runs a job.
    upgradePolicy: {
      mode: 'Manual'
    }
    virtualMachineProfile: {
      osProfile: {
        computerNamePrefix: name
        // Not a secret: only the SSH key signs in.
        #disable-next-line adminusername-should-not-be-literal
        adminUsername: 'runner'
        customData: empty(cloudInit) ? null : base64(cloudInit)
        linuxConfiguration: {
          disablePasswordAuthentication: true
          ssh: {
            publicKeys: [
              {
                path: '/home/runner/.ssh/authorized_keys'
                keyData: sshPublicKey
              }
            ]
          }
        }
      }
      storageProfile: {
        imageReference: {
          publisher: 'Canonical'
          offer: 'ubuntu-24_04-lts'
          sku: 'server'
          version: 'latest'
        }
        osDisk: {
          createOption: 'FromImage'
          caching: 'ReadOnly'
          managedDisk: {
            storageAccountType: 'Premium_LRS'
          }
        }
      }
      networkProfile: {
        networkInterfaceConfigurations: [
          {
            name: 'primary'
            properties: {
              primary: true
              ipConfigurations: [
                {
                  name: 'primary'
                  properties: {
                    subnet: {
                      id: subnetId
                    }
                  }
                }
              ]
            }
          }
        ]
      }
    }
  }
}

output scaleSetId string = machines.id
