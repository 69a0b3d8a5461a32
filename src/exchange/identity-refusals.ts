/**
 * Refusals of the machine's identity endpoint: what each means and what mends it.
 * `{identity}` stands for the identity as it was named, `{assign}` for the commands that assign it to a machine.
 * Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
 */
export interface IdentityRefusalRow {
  /** The endpoint's own words, or the start of them. */
  readonly text: string;
  readonly matches: RegExp;
  readonly cause: string;
  readonly remedy: string;
}

export const identityRefusals: readonly IdentityRefusalRow[] = [
  {
    text: 'Identity not found',
    matches: /identity not found|no user[- ]assigned.*(found|exists)|no managed identity found/iu,
    cause: '{identity} is not assigned to this machine (or the ID is another kind than the input says).',
    remedy: 'Check the ID, or assign the identity to the machine:\n{assign}',
  },
  {
    text: 'Multiple user assigned identities exist',
    matches: /multiple user assigned identities/iu,
    cause: 'The machine has several identities and did not understand which one is meant.',
    remedy: 'Name it by `managed-identity-client-id`.',
  },
  {
    text: 'AADSTS500011',
    matches: /AADSTS50001|invalid_resource|resource principal named/iu,
    cause: 'The token-exchange audience is unknown to the identity’s tenant.',
    remedy: 'Check `cloud` and `audience`: the machine’s cloud decides which audience exists.',
  },
  {
    text: 'Request with X-Forwarded-For is not allowed',
    matches: /forwarded/iu,
    cause: 'The request went through a proxy or port forwarder, which the metadata service refuses.',
    remedy: 'Let the job’s container reach 169.254.169.254 directly.',
  },
];

export function identityRefusalRow(description: string): IdentityRefusalRow | undefined {
  return identityRefusals.find((row) => row.matches.test(description));
}
