import type { ErrorResponse } from './errors.ts';

/**
 * Error responses of a container registry to the exchange: what each means and how to fix it. Templates as in
 * `entra-codes.ts`; `{registry}` is the login server, `{registryName}` the name of the registry in it.
 *
 * Sources: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md,
 * https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login, for the firewall the
 * response in docker/build-push-action#1214, for the roles
 * https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-overview.
 */
export interface RegistryErrorRow {
  /** How the documentation shows it: the registry's own words, or its status. */
  readonly text: string;
  readonly applies: (response: ErrorResponse) => boolean;
  readonly cause: string;
  readonly fix: string;
}

export const registryErrors: readonly RegistryErrorRow[] = [
  {
    text: 'DENIED: client with IP … is not allowed access',
    applies: ({ description }) => /client with IP|aka\.ms\/acr\/firewall/iu.test(description),
    cause: 'The firewall of registry {registry} does not allow this machine’s address.',
    fix: 'Allow the address that the registry names above, or run the job on a machine in the registry’s virtual network:\n  az acr network-rule add --name {registryName} --ip-address <address>',
  },
  {
    // A registry gives the same answer for a missing role and for a token of a tenant that it does not know.
    text: 'HTTP 401 UNAUTHORIZED: authentication required',
    applies: ({ status }) => status === 401 || status === 403,
    cause:
      'App {app} has no role on registry {registry}, or the subscription of the registry is not in tenant {tenant}.',
    fix: 'Give the app AcrPull or AcrPush on the registry (in a registry with repository permissions, Container Registry Repository Reader or Writer), or correct {input:tenant-id}. A new role assignment can take minutes to work:\n  az role assignment create --assignee {app} --role AcrPull --scope "$(az acr show --name {registryName} --query id --output tsv)"',
  },
  {
    text: 'HTTP 404 from the registry',
    applies: ({ status }) => status === 404 || status === 405,
    cause: 'What answers as {registry} does not exchange tokens. It is not an Azure container registry.',
    fix: 'Check the login server, and which proxy or DNS entry answers for it:\n  az acr show --name {registryName} --query loginServer --output tsv',
  },
  {
    text: 'HTTP 400 from the registry',
    applies: ({ status }) => status === 400,
    cause:
      'Registry {registry} did not accept the request. This is a defect of this step, or of a proxy on the way.',
    fix: 'Report it with the registry’s words above.',
  },
];

/** The row for an error response of a registry, if there is one. */
export function registryErrorRow(response: ErrorResponse): RegistryErrorRow | undefined {
  return registryErrors.find((row) => row.applies(response));
}
