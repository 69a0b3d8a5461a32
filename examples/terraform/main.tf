terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }

  # The step's ARM_* variables set the client, the tenant, the subscription and the token file.
  backend "azurerm" {
    storage_account_name = "contosostate"
    container_name       = "state"
    key                  = "example.tfstate"
    use_azuread_auth     = true
  }
}

provider "azurerm" {
  features {}

  # Provider registration needs a role on the whole subscription.
  resource_provider_registrations = "none"
}

resource "azurerm_resource_group" "example" {
  name     = "example"
  location = "westeurope"
}
