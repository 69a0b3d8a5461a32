output "client_id" {
  description = "The step's input client-id."
  value       = azuread_application.app.client_id
}

output "tenant_id" {
  description = "The step's input tenant-id."
  value       = azurerm_user_assigned_identity.runners.tenant_id
}

output "managed_identity_client_id" {
  description = "The step's input managed-identity-client-id."
  value       = azurerm_user_assigned_identity.runners.client_id
}

output "managed_identity_id" {
  description = "The resource ID of the identity, to assign it to more machines."
  value       = azurerm_user_assigned_identity.runners.id
}

output "service_principal_object_id" {
  description = "The object ID of the app's service principal, to give it more roles."
  value       = azuread_service_principal.app.object_id
}
