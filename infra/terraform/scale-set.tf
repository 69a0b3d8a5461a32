# A scale set for runners or agents that has the managed identity. Created only if `subnet_id` is set.

resource "azurerm_linux_virtual_machine_scale_set" "runners" {
  count = var.subnet_id == null ? 0 : 1

  name                = var.scale_set_name
  resource_group_name = data.azurerm_resource_group.runners.name
  location            = data.azurerm_resource_group.runners.location
  sku                 = var.size
  instances           = var.instances
  # Azure DevOps requires manual upgrades. They also never restart a machine that runs a job.
  upgrade_mode  = "Manual"
  overprovision = false
  # More than 100 machines, and machines wherever there is room: runners do not need to be near each other.
  single_placement_group      = false
  platform_fault_domain_count = 1
  admin_username              = "runner"
  custom_data                 = var.cloud_init == null ? null : base64encode(var.cloud_init)

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.runners.id]
  }

  admin_ssh_key {
    username   = "runner"
    public_key = var.ssh_public_key
  }

  source_image_reference {
    publisher = "Canonical"
    offer     = "ubuntu-24_04-lts"
    sku       = "server"
    version   = "latest"
  }

  os_disk {
    caching              = "ReadOnly"
    storage_account_type = "Premium_LRS"
  }

  network_interface {
    name    = "primary"
    primary = true

    ip_configuration {
      name      = "primary"
      primary   = true
      subnet_id = var.subnet_id
    }
  }

  lifecycle {
    # Azure DevOps sets these for its scale set agents.
    ignore_changes = [extension, instances, tags]

    precondition {
      condition     = var.ssh_public_key != null
      error_message = "A scale set needs ssh_public_key."
    }
  }
}
