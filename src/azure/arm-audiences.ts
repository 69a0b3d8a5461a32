/**
 * Azure Resource Manager has two audiences in each cloud, and clients ask for either. Source: azure-cli
 * `azure/cli/core/cloud.py`, `resource_manager` and `active_directory_resource_id`.
 */
export const armAudiences: readonly (readonly [string, string])[] = [
  ['https://management.azure.com', 'https://management.core.windows.net'],
  ['https://management.usgovcloudapi.net', 'https://management.core.usgovcloudapi.net'],
  ['https://management.chinacloudapi.cn', 'https://management.core.chinacloudapi.cn'],
];
