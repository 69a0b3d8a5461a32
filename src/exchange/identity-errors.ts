import type { ErrorResponse } from './errors.ts';

/**
 * Error responses of the machine's identity endpoint: what each means and how to fix it. Templates as in
 * `entra-codes.ts`; `{assign}` stands for the commands that assign the identity to a machine.
 * Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
 * and https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export interface IdentityErrorRow {
  /** How the documentation shows it: the endpoint's own words, or its status. */
  readonly text: string;
  readonly applies: (response: ErrorResponse, kind: 'imds' | 'app-service') => boolean;
  readonly cause: string;
  readonly fix: string;
}

export const identityErrors: readonly IdentityErrorRow[] = [
  {
    text: 'Identity not found',
    applies: says(/identity not found|no user[- ]assigned.{0,80}(found|exists)|no managed identity found/iu),
    cause: '{identity} is not assigned to this machine, or the ID is of a different kind than the input.',
    fix: 'Check the ID. If it is right, assign the identity to the machine with the command below (virtual machine or scale set).\n{assign}',
  },
  {
    text: 'Multiple user assigned identities exist',
    applies: says(/multiple user assigned identities/iu),
    cause: 'The machine has several identities and did not recognize the one in the request.',
    fix: 'Select the identity with {input:managed-identity-client-id}.',
  },
  {
    text: 'AADSTS500011',
    applies: says(/AADSTS50001|invalid_resource|resource principal named/iu),
    cause: 'The identity’s tenant does not know the token-exchange audience.',
    fix: 'Check {input:cloud} and {input:audience}. The machine’s cloud decides which audience exists.',
  },
  {
    text: 'Request with X-Forwarded-For is not allowed',
    applies: says(/forwarded/iu),
    cause:
      'The request went through a proxy or a port forwarder. The metadata service rejects such requests.',
    fix: 'Let the job’s container reach 169.254.169.254 directly.',
  },
  {
    text: 'HTTP 401 from IDENTITY_ENDPOINT',
    applies: ({ status }, kind) => kind === 'app-service' && (status === 401 || status === 403),
    cause: 'The identity endpoint rejected IDENTITY_HEADER. The value does not belong to this container.',
    fix: 'Make sure that neither the job nor an image sets IDENTITY_ENDPOINT or IDENTITY_HEADER.',
  },
  {
    text: 'HTTP 400 from IDENTITY_ENDPOINT',
    applies: ({ status }, kind) => kind === 'app-service' && status === 400,
    cause:
      'The identity endpoint rejected the request. Usually the identity is not assigned to this app, or the ID is of a different kind than the input.',
    fix: 'Check the ID, and assign the identity to the app: az webapp identity assign, or az containerapp identity assign (az containerapp job identity assign for a job).',
  },
];

/** The row for an error response of the endpoint, if there is one. */
export function identityErrorRow(
  response: ErrorResponse,
  kind: 'imds' | 'app-service',
): IdentityErrorRow | undefined {
  return identityErrors.find((row) => row.applies(response, kind));
}

function says(pattern: RegExp): IdentityErrorRow['applies'] {
  return ({ error, description }) => pattern.test(`${error} ${description}`);
}
