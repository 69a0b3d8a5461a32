import { AsyncLocalStorage } from 'node:async_hooks';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { ManagedIdentityCredential } from '@azure/identity';
import { assertionClaims, expiryClaim, readClaims } from './claims.ts';
import { createAgent } from './connections.ts';
import { ExchangeError } from './errors.ts';
import type { AssertionOrigin, AssertionSource } from './request.ts';
import { tryLimits } from './retries.ts';
import { assertionMismatch } from './token-checks.ts';
import { createTransport, type ExchangeObserver } from './transport.ts';

/** Part of the resource ID (`xms_mirid`) of every user-assigned managed identity. */
const userAssigned = '/userassignedidentities/';

/**
 * The library keeps the HTTP client of the first credential of the process for all later ones (@azure/msal-node,
 * `ManagedIdentityClient.identitySource`). So it gets one that finds the transport of the call it belongs to.
 */
const transports = new AsyncLocalStorage<HttpClient>();
const httpClient: HttpClient = {
  sendRequest: (request) => {
    const current = transports.getStore();
    if (current === undefined) throw new Error('a request to the identity endpoint outside of a call');
    return current.sendRequest(request);
  },
};

/** The machine's managed identity as the source of client assertions: one request to its identity endpoint. */
export function managedIdentity(
  { machine, identity }: Extract<AssertionOrigin, { kind: 'managed-identity' }>,
  audience: string,
  observer: ExchangeObserver,
): AssertionSource {
  const { host, protocol } = new URL(machine.endpoint);
  return async (budget) => {
    // Whatever proxies there are, the machine's own endpoint is asked directly.
    const agent = createAgent(protocol, {
      connectLimit: tryLimits.identity.connect,
      signal: budget.signal,
    });
    try {
      const transport = createTransport({ leg: 'identity', agent, budget, observer });
      const options = { httpClient, retryOptions: { maxRetries: 0 } };
      const credential =
        identity.kind === 'client-id'
          ? new ManagedIdentityCredential({ clientId: identity.value, ...options })
          : identity.kind === 'object-id'
            ? new ManagedIdentityCredential({ objectId: identity.value, ...options })
            : new ManagedIdentityCredential({ resourceId: identity.value, ...options });
      const { token, expiresOnTimestamp } = await transport.resultOf(
        transports.run(transport.httpClient, () => credential.getToken(audience)),
      );
      observer.secret(token);
      const claims = assertionClaims(token);
      const { resourceId = userAssigned } = claims;
      const mismatch = resourceId.toLowerCase().includes(userAssigned)
        ? assertionMismatch(identity, readClaims(token), transport.answeredAt() ?? budget.date())
        : ({ reason: 'system-assigned', found: resourceId } as const);
      if (mismatch) {
        throw new ExchangeError({
          kind: 'unusable-answer',
          leg: 'identity',
          host,
          status: 200,
          ...mismatch,
          attempts: { tries: 1, elapsed: 0 },
        });
      }
      observer.accepted('identity', readClaims(token));
      return { token, expiresOn: expiryClaim(token) ?? new Date(expiresOnTimestamp), claims };
    } finally {
      agent.destroy();
    }
  };
}
