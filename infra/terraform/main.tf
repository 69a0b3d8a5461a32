# The managed identity of the machines, the app registration, the federated credential with which the app trusts the
# identity, and the roles of the app.
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity

terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
  }
}

# Sign in with `az login`, and set ARM_SUBSCRIPTION_ID.
provider "azurerm" {
  features {}
  environment = var.environment
}

provider "azuread" {
  environment = var.environment
}

locals {
  # Identity and app are in the same tenant. US Government and China have their own audiences.
  clouds = {
    public = {
      sign_in_address = "https://login.microsoftonline.com"
      audience        = "api://AzureADTokenExchange"
    }
    usgovernment = {
      sign_in_address = "https://login.microsoftonline.us"
      audience        = "api://AzureADTokenExchangeUSGov"
    }
    china = {
      sign_in_address = "https://login.partner.microsoftonline.cn"
      audience        = "api://AzureADTokenExchangeChina"
    }
  }
  cloud = local.clouds[var.environment]
}

data "azuread_client_config" "current" {}

data "azurerm_resource_group" "runners" {
  name = var.resource_group_name
}

resource "azurerm_user_assigned_identity" "runners" {
  name                = var.identity_name
  resource_group_name = data.azurerm_resource_group.runners.name
  location            = data.azurerm_resource_group.runners.location
}

resource "azuread_application" "app" {
  display_name     = var.app_name
  sign_in_audience = var.multitenant ? "AzureADMultipleOrgs" : "AzureADMyOrg"
  # The creator becomes the owner, so that the permission Application.ReadWrite.OwnedBy is enough.
  owners                  = [data.azuread_client_config.current.object_id]
  prevent_duplicate_names = true
}

resource "azuread_service_principal" "app" {
  client_id = azuread_application.app.client_id
  owners    = [data.azuread_client_config.current.object_id]
}

resource "azuread_application_federated_identity_credential" "trust" {
  application_id = azuread_application.app.id
  display_name   = var.identity_name
  description    = "Machines with the managed identity ${var.identity_name} act as this app."
  issuer         = "${local.cloud.sign_in_address}/${azurerm_user_assigned_identity.runners.tenant_id}/v2.0"
  # The object ID, not the client ID.
  subject   = azurerm_user_assigned_identity.runners.principal_id
  audiences = [local.cloud.audience]

  lifecycle {
    precondition {
      condition     = data.azuread_client_config.current.tenant_id == azurerm_user_assigned_identity.runners.tenant_id
      error_message = "The app and the identity must be in the same tenant. Sign in to the tenant of the subscription, or set ARM_TENANT_ID to it."
    }
  }
}

resource "azurerm_role_assignment" "app" {
  for_each = var.roles

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azuread_service_principal.app.object_id
  # Resource Manager then does not look for a service principal that it may not know yet.
  principal_type = "ServicePrincipal"
}
