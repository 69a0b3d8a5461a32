/**
 * The names and defaults of the contract, as GitHub writes them; Azure Pipelines uses the same names in camelCase.
 * A test holds `action.yml` and `task.json` to them.
 */

export const inputNames = [
  'client-id',
  'tenant-id',
  'managed-identity-client-id',
  'managed-identity-object-id',
  'managed-identity-resource-id',
  'agent-identity-id',
  'federated-token-file',
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

/** The value of an input that is not given; all others are empty. */
export const inputDefaults = {
  cloud: 'public',
  'allow-fork-pull-requests': 'false',
  'timeout-seconds': '120',
} as const satisfies Partial<Record<InputName, string>>;

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
