import { graphError } from './graph-error.ts';
import type { Answer } from './service.ts';
import type { FederatedIdentityCredential } from './world.ts';

/** At most so many on one application: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations */
const MOST = 20;

/** A credential out of a request's body; `undefined` when a member is missing or of the wrong type. */
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
 * What Graph holds against a credential. That issuer, subject or audience might be *wrong* is not among it: that
 * shows at the exchange only. https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
 */
export function credentialProblem(
  wanted: FederatedIdentityCredential,
  others: readonly FederatedIdentityCredential[],
): Answer | undefined {
  const bad = (message: string): Answer => graphError(400, 'Request_BadRequest', message);
  if (wanted.name.length < 3 || wanted.name.length > 120) {
    return bad('The name of a federated identity credential must have 3 to 120 characters.');
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(wanted.name)) {
    return bad('The name of a federated identity credential must be URL friendly.');
  }
  if (wanted.audiences.length !== 1) {
    return bad('A federated identity credential must have exactly one audience.');
  }
  for (const [property, value] of Object.entries({
    issuer: wanted.issuer,
    subject: wanted.subject,
    audience: wanted.audiences[0] ?? '',
  })) {
    if (value.length < 1 || value.length > 600) return bad(`The ${property} must have 1 to 600 characters.`);
  }
  if (!URL.canParse(wanted.issuer) || new URL(wanted.issuer).protocol !== 'https:') {
    return bad('The issuer must be an https address.');
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
  if (others.length >= MOST) {
    return graphError(
      400,
      'Directory_QuotaExceeded',
      `An application can have at most ${MOST} federated identity credentials.`,
    );
  }
  return undefined;
}
