import { fetchAppToken } from './app-token.ts';
import { type Budget, type Clock, startBudget, systemClock } from './budget.ts';
import { isGuid, readClaims, textClaim } from './claims.ts';
import { authoritiesWith, createAgent } from './connections.ts';
import { managedIdentity } from './managed-identity.ts';
import type { AppToken, Assertion, AssertionSource, Exchanged, ExchangeRequest } from './request.ts';
import { tryLimits } from './retries.ts';
import type { ExchangeObserver } from './transport.ts';

/**
 * The app's tokens, fetched on demand: the assertion is kept while it is valid, app tokens are not kept.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export interface AppTokenSource {
  /** @throws ExchangeError if the assertion cannot be had */
  assertion(budget: Budget): Promise<Assertion>;
  /** @throws ExchangeError if the assertion or the token cannot be had */
  token(scope: string, budget: Budget): Promise<AppToken>;
}

/** The source for `request`. It sends nothing until it is asked. */
export function createTokenSource(request: ExchangeRequest, observer: ExchangeObserver): AppTokenSource {
  const { authorityHost, certificateAuthority, proxy } = request;
  const authorities = certificateAuthority === undefined ? undefined : authoritiesWith(certificateAuthority);
  const assertion = keepAssertion(managedIdentity(request, observer));
  const { protocol } = new URL(authorityHost);
  /** Requests of one exchange share an agent, and with it TLS sessions. */
  const agents = new WeakMap<Budget, ReturnType<typeof createAgent>>();
  const agentOf = (budget: Budget): ReturnType<typeof createAgent> => {
    const known = agents.get(budget);
    if (known) return known;
    const agent = createAgent(protocol, {
      connectLimit: tryLimits.entra.connect,
      signal: budget.signal,
      ...(authorities && { authorities }),
      ...(proxy && { proxy }),
    });
    budget.signal.addEventListener('abort', () => agent.destroy(), { once: true });
    agents.set(budget, agent);
    return agent;
  };
  return {
    assertion,
    token: async (scope, budget) =>
      fetchAppToken({
        request,
        scope,
        assertion: await assertion(budget),
        agent: agentOf(budget),
        budget,
        observer,
      }),
  };
}

/**
 * One whole exchange: one request to the machine, then one to Entra for each scope, side by side.
 *
 * @throws ExchangeError if any part fails; then no token is returned, whatever the other scopes did
 */
export async function exchange(
  request: ExchangeRequest,
  observer: ExchangeObserver,
  clock: Clock = systemClock,
): Promise<Exchanged> {
  const budget = startBudget(request.timeBudget, clock, Math.random);
  const source = createTokenSource(request, observer);
  try {
    // First, so that a failure of the machine is reported once and not once for each scope.
    const assertion = await source.assertion(budget);
    const pairs = await Promise.all(
      request.scopes.map(async (scope) => [scope, await source.token(scope, budget)] as const),
    );
    const tenantId = pairs
      .map(([, { token }]) => textClaim(readClaims(token), 'tid'))
      .find((tid) => tid !== undefined && isGuid(tid));
    return { assertion, tokens: new Map(pairs), ...(tenantId !== undefined && { tenantId }) };
  } finally {
    // Ends what is still under way and closes every connection, so that the process can end.
    budget.cancel();
  }
}

/** An assertion with less time left is replaced before it is used. Entra allows five minutes of clock skew. */
const leastTimeLeft = 5 * 60_000;

/** The same source, asked again only when the last assertion is nearly over. Callers at the same time share one request. */
function keepAssertion(source: AssertionSource): AssertionSource {
  let current: Promise<Assertion> | undefined;
  let expiresOn = 0;
  return (budget) => {
    if (current !== undefined && expiresOn - budget.date() > leastTimeLeft) return current;
    expiresOn = Number.POSITIVE_INFINITY;
    const fetched = source(budget);
    current = fetched;
    fetched.then(
      (assertion) => {
        expiresOn = assertion.expiresOn.getTime();
      },
      () => {
        current = undefined;
      },
    );
    return fetched;
  };
}
