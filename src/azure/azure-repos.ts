/** Azure Repos, the git service of Azure DevOps. It exists only in the public cloud. */

/** Where its repositories are, as git matches addresses: https://git-scm.com/docs/gitcredentials#_credential_contexts */
export const azureReposAddresses = ['https://dev.azure.com', 'https://*.visualstudio.com'] as const;

/** https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity */
export const azureReposScope = '499b84ac-1321-427f-aa17-267ca6975798/.default';

/** Whether a host, with its port if the address has one, is one that gets the app's token. */
export function isAzureReposHost(host: string): boolean {
  return /^(dev\.azure\.com|[a-z0-9][a-z0-9-]{0,62}\.visualstudio\.com)(:443)?$/iu.test(host);
}
