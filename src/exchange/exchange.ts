import { startBudget } from './budget.ts';
import { isGuid, readClaims, textClaim } from './claims.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Route } from './connections.ts';
import { entraLeg } from './entra-leg.ts';
import { identityLeg } from './identity-leg.ts';
import type { ExchangeObserver } from './observer.ts';
import type { Exchanged, ExchangeRequest } from './request.ts';

/**
 * Turns the machine's managed identity into tokens of an app registration that trusts it: one request to the
 * machine, one to Entra for each scope, these side by side.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 *
 * @param route the way to Entra
 * @throws ExchangeFailure when either leg fails; then no token is returned, whatever the other scopes did.
 */
export async function exchange(
  request: ExchangeRequest,
  observer: ExchangeObserver,
  route: Route,
  clock: Clock = systemClock,
): Promise<Exchanged> {
  const budget = startBudget(request.timeBudget, clock, Math.random);
  const assertion = await identityLeg(request, budget, observer);
  const pairs = await Promise.all(
    request.scopes.map(
      async (scope) =>
        [scope, await entraLeg({ request, scope, assertion, route, budget, observer })] as const,
    ),
  ).finally(() => budget.cancel());
  const tenantId = pairs
    .map(([, { token }]) => textClaim(readClaims(token), 'tid'))
    .find((tid) => tid !== undefined && isGuid(tid));
  return { assertion, tokens: new Map(pairs), ...(tenantId !== undefined && { tenantId }) };
}
