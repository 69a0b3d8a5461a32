// A scale set for runners or agents that has the managed identity. The `setUp` script registers the runners or agents.

@description('The resource ID of the user-assigned managed identity.')
param identityId string

@description('The resource ID of the subnet. The machines must be able to reach the sign-in address.')
param subnetId string

@description('The SSH public key of the administrator.')
param sshPublicKey string

@description('A cloud-init script that installs and registers the runner or agent.')
@secure()
param setUp string = ''

param name string = 'runners'
param location string = resourceGroup().location
param instances int = 1
param size string = 'Standard_D2s_v5'

resource machines 'Microsoft.Compute/virtualMachineScaleSets@2024-07-01' = {
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
    upgradePolicy: {
      mode: 'Manual'
    }
    virtualMachineProfile: {
      osProfile: {
        computerNamePrefix: name
        adminUsername: 'runner'
        customData: empty(setUp) ? null : base64(setUp)
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
