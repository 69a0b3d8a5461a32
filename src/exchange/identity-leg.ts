import { ManagedIdentityCredential } from '@azure/identity';
import type { Budget } from './budget.ts';
import { assertionClaims, expiryClaim } from './claims.ts';
import { agentWithConnectLimit } from './connections.ts';
import { ExchangeFailure } from './failure.ts';
import type { ExchangeObserver } from './observer.ts';
import type { Assertion, ExchangeRequest } from './request.ts';
import { tryLimits } from './retries.ts';
import { settle } from './settle.ts';
import { createTransport } from './transport.ts';

/** In the resource ID (`xms_mirid`) of every user-assigned managed identity. */
const userAssigned = '/userassignedidentities/';

/** The machine's part: its managed identity's token, which is to be the app's client assertion. */
export async function identityLeg(
  request: ExchangeRequest,
  budget: Budget,
  observer: ExchangeObserver,
): Promise<Assertion> {
  // Whatever proxies there are, the machine's own endpoint is asked past them.
  const direct = { agent: agentWithConnectLimit('http:', tryLimits.identity.connect) };
  const transport = createTransport('identity', direct, budget, (retrying) => observer.retrying(retrying));
  const { kind, value } = request.identity;
  const options = { httpClient: transport.httpClient, retryOptions: { maxRetries: 0 } };
  const credential =
    kind === 'client-id'
      ? new ManagedIdentityCredential({ clientId: value, ...options })
      : kind === 'object-id'
        ? new ManagedIdentityCredential({ objectId: value, ...options })
        : new ManagedIdentityCredential({ resourceId: value, ...options });
  const { token, expiresOnTimestamp } = await settle(transport, credential.getToken(request.audience), {});
  observer.secret(token);
  const claims = assertionClaims(token);
  const { resourceId = userAssigned } = claims;
  if (!resourceId.toLowerCase().includes(userAssigned)) {
    const { host } = new URL(request.machine.endpoint);
    throw new ExchangeFailure({
      ...{ kind: 'unusable', leg: 'identity', host, status: 200, flaw: 'system-assigned', found: resourceId },
      attempts: { tries: 1, elapsed: 0 },
    });
  }
  return { token, expiresOn: expiryClaim(token) ?? new Date(expiresOnTimestamp), claims };
}
