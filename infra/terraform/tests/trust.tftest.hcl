# `terraform test` runs these without Azure. The IDs are invented.

mock_provider "azurerm" {
  mock_data "azurerm_resource_group" {
    defaults = {
      location = "westeurope"
    }
  }
  mock_resource "azurerm_user_assigned_identity" {
    defaults = {
      id           = "/subscriptions/50b5c217-0000-4000-8000-00000000aa01/resourceGroups/runners/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runners"
      principal_id = "0b1ec700-1111-4000-8000-000000000001"
      client_id    = "a1b2c3d4-1111-4000-8000-000000000001"
      tenant_id    = "c0470505-0000-4000-8000-00000000c001"
    }
  }
}

mock_provider "azuread" {
  mock_data "azuread_client_config" {
    defaults = {
      tenant_id = "c0470505-0000-4000-8000-00000000c001"
      object_id = "0b1ec700-9999-4000-8000-000000000001"
    }
  }
  mock_resource "azuread_application" {
    defaults = {
      id        = "/applications/0b1ec700-2222-4000-8000-000000000001"
      client_id = "d3b10700-2222-4000-8000-000000000001"
    }
  }
  mock_resource "azuread_service_principal" {
    defaults = {
      object_id = "0b1ec700-3333-4000-8000-000000000001"
    }
  }
}

variables {
  resource_group_name = "runners"
  identity_name       = "runners"
  app_name            = "deployer"
}

run "the_app_trusts_the_identity" {
  assert {
    condition     = azuread_application_federated_identity_credential.trust.issuer == "https://login.microsoftonline.com/c0470505-0000-4000-8000-00000000c001/v2.0"
    error_message = "Wrong issuer: ${azuread_application_federated_identity_credential.trust.issuer}"
  }
  assert {
    condition     = azuread_application_federated_identity_credential.trust.subject == "0b1ec700-1111-4000-8000-000000000001"
    error_message = "The subject must be the identity's object ID."
  }
  assert {
    condition     = one(azuread_application_federated_identity_credential.trust.audiences) == "api://AzureADTokenExchange"
    error_message = "Wrong audience."
  }
  assert {
    condition     = length(azurerm_linux_virtual_machine_scale_set.runners) == 0 && length(azurerm_role_assignment.app) == 0
    error_message = "Without subnet_id and roles, there is no scale set and no role."
  }
}

run "another_cloud" {
  variables {
    environment = "usgovernment"
  }
  assert {
    condition     = startswith(azuread_application_federated_identity_credential.trust.issuer, "https://login.microsoftonline.us/")
    error_message = "Wrong issuer."
  }
  assert {
    condition     = one(azuread_application_federated_identity_credential.trust.audiences) == "api://AzureADTokenExchangeUSGov"
    error_message = "Wrong audience."
  }
}

# After the runs above, the identity's tenant is known when this one is planned.
run "an_app_in_another_tenant_is_refused" {
  command = plan
  override_data {
    target = data.azuread_client_config.current
    values = {
      tenant_id = "fab41ca0-0000-4000-8000-00000000c002"
      object_id = "0b1ec700-9999-4000-8000-000000000002"
    }
  }
  expect_failures = [azuread_application_federated_identity_credential.trust]
}

run "an_unknown_cloud_is_refused" {
  command = plan
  variables {
    environment = "AzureCloud"
  }
  expect_failures = [var.environment]
}

run "a_scale_set_needs_a_key" {
  command = plan
  variables {
    subnet_id = "/subscriptions/50b5c217-0000-4000-8000-00000000aa01/resourceGroups/runners/providers/Microsoft.Network/virtualNetworks/runners/subnets/runners"
  }
  expect_failures = [azurerm_linux_virtual_machine_scale_set.runners]
}

run "a_scale_set_with_roles_for_the_app" {
  variables {
    subnet_id      = "/subscriptions/50b5c217-0000-4000-8000-00000000aa01/resourceGroups/runners/providers/Microsoft.Network/virtualNetworks/runners/subnets/runners"
    ssh_public_key = "ssh-ed25519 AAAA"
    cloud_init     = "#cloud-config"
    roles = {
      read = { role = "Reader", scope = "/subscriptions/50b5c217-0000-4000-8000-00000000aa01" }
    }
  }
  assert {
    condition     = one(one(azurerm_linux_virtual_machine_scale_set.runners[0].identity).identity_ids) == azurerm_user_assigned_identity.runners.id
    error_message = "The machines must have the identity."
  }
  assert {
    condition     = azurerm_linux_virtual_machine_scale_set.runners[0].custom_data == base64encode("#cloud-config")
    error_message = "The machines must run the script."
  }
  assert {
    condition     = azurerm_role_assignment.app["read"].principal_id == azuread_service_principal.app.object_id
    error_message = "The app gets the role, not the identity."
  }
}
