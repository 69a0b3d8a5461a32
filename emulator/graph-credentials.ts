import { graphError } from './graph-error.ts';
import type { ServiceResponse } from './handler.ts';
import type { FederatedIdentityCredential } from './world.ts';

/** The maximum number on one application: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations */
const MAX_CREDENTIALS = 20;

/** Reads a credential from a request body. `undefined` if a member is missing or has the wrong type. */
export function readCredential(
  body: Record<string, unknown> | undefined,
): FederatedIdentityCredential | undefined {
  if (body === undefined) return undefined;
  const { name, issuer, subject, audiences, description } = body;
  if (typeof name !== 'string' || typeof issuer !== 'string' || typeof subject !== 'string') return undefined;
  if (!Array.isArray(audiences) || audiences.some((one) => typeof one !== 'string')) return undefined;
  return {
    name,
    issuer,
    subject,
    audiences: audiences as string[],
    ...(typeof description === 'string' && { description }),
  };
}

/**
 * Checks a credential as Graph does. Graph accepts a wrong issuer, subject or audience. Only the exchange shows it.
 * https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
 */
export function checkCredential(
  wanted: FederatedIdentityCredential,
  others: readonly FederatedIdentityCredential[],
): ServiceResponse | undefined {
  const badRequest = (message: string): ServiceResponse => graphError(400, 'Request_BadRequest', message);
  if (wanted.name.length < 3 || wanted.name.length > 120) {
    return badRequest('The name of a federated identity credential must have 3 to 120 characters.');
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(wanted.name)) {
    return badRequest('The name of a federated identity credential must be URL friendly.');
  }
  if (wanted.audiences.length !== 1) {
    return badRequest('A federated identity credential must have exactly one audience.');
  }
  for (const [property, value] of Object.entries({
    issuer: wanted.issuer,
    subject: wanted.subject,
    audience: wanted.audiences[0] ?? '',
  })) {
    if (value.length < 1 || value.length > 600)
      return badRequest(`The ${property} must have 1 to 600 characters.`);
  }
  if (!URL.canParse(wanted.issuer) || new URL(wanted.issuer).protocol !== 'https:') {
    return badRequest('The issuer must be an https address.');
  }
  if (others.some((one) => one.name === wanted.name)) {
    return graphError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `FederatedIdentityCredential with name ${wanted.name} already exists.`,
    );
  }
  if (others.some((one) => one.issuer === wanted.issuer && one.subject === wanted.subject)) {
    return graphError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `FederatedIdentityCredential with Issuer ${wanted.issuer} and Subject ${wanted.subject} already exists on application.`,
    );
  }
  if (others.length >= MAX_CREDENTIALS) {
    return graphError(
      400,
      'Directory_QuotaExceeded',
      `An application can have at most ${MAX_CREDENTIALS} federated identity credentials.`,
    );
  }
  return undefined;
}
