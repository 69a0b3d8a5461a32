terraform {
  required_version = ">= 1.8"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }

  # Client, tenant, subscription and the token's file come from the ARM_* variables of the step.
  backend "azurerm" {
    storage_account_name = "contosostate"
    container_name       = "state"
    key                  = "example.tfstate"
    use_azuread_auth     = true
  }
}

provider "azurerm" {
  features {}

  # Registering providers needs a role on the whole subscription.
  resource_provider_registrations = "none"
}

resource "azurerm_resource_group" "example" {
  name     = "example"
  location = "westeurope"
}
