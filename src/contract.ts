/** The names of the contract, as GitHub writes them; Azure Pipelines writes the same in camelCase. */

export const inputNames = [
  'client-id',
  'tenant-id',
  'managed-identity-client-id',
  'managed-identity-object-id',
  'managed-identity-resource-id',
  'scopes',
  'export',
  'login',
  'subscription-id',
  'cloud',
  'authority-host',
  'audience',
  'allow-fork-pull-requests',
  'timeout-seconds',
] as const;
export type InputName = (typeof inputNames)[number];

export const outputNames = [
  'access-token',
  'access-tokens',
  'expires-on',
  'federated-token-file',
  'federated-token-expires-on',
] as const;
export type OutputName = (typeof outputNames)[number];

/** `client-id` → `clientId`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
