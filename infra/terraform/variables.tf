variable "resource_group_name" {
  description = "The name of the resource group of the machines. It must exist."
  type        = string
}

variable "identity_name" {
  description = "The name of the user-assigned managed identity."
  type        = string
}

variable "app_name" {
  description = "The display name of the app registration."
  type        = string
}

variable "multitenant" {
  description = "Whether other tenants can use the app."
  type        = bool
  default     = false
}

variable "environment" {
  description = "The Azure cloud: public, usgovernment or china."
  type        = string
  default     = "public"

  validation {
    condition     = contains(["public", "usgovernment", "china"], var.environment)
    error_message = "Use public, usgovernment or china."
  }
}

variable "roles" {
  description = "The roles of the app. Each key is a name of your choice."
  type        = map(object({ role = string, scope = string }))
  default     = {}
}

variable "subnet_id" {
  description = "The resource ID of the scale set's subnet. The machines must be able to reach the sign-in address. Without it, no scale set is created."
  type        = string
  default     = null
}

variable "ssh_public_key" {
  description = "The SSH public key of the scale set's administrator."
  type        = string
  default     = null
}

variable "cloud_init" {
  description = "A cloud-init script that installs and registers the runner. Without it for scale set agents: Azure DevOps installs the agent. The state file contains the script."
  type        = string
  default     = null
  sensitive   = true
}

variable "scale_set_name" {
  description = "The name of the scale set. The names of the machines start with it."
  type        = string
  default     = "runners"
}

variable "instances" {
  description = "The number of machines."
  type        = number
  default     = 1
}

variable "size" {
  description = "The size of the machines."
  type        = string
  default     = "Standard_D2s_v5"
}
