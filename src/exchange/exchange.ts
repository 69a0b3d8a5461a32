import type { Agent } from 'node:http';
import { fetchAppToken, tenantOf } from './app-token.ts';
import { type Budget, type Clock, startBudget, systemClock } from './budget.ts';
import { authoritiesWith, createAgent } from './connections.ts';
import { ExchangeError } from './errors.ts';
import { managedIdentity } from './managed-identity.ts';
import { fetchRegistryToken } from './registry-token.ts';
import type {
  AppToken,
  Assertion,
  AssertionOrigin,
  AssertionSource,
  Exchanged,
  ExchangeRequest,
  ForwardProxy,
  Registry,
} from './request.ts';
import { tryLimits } from './retries.ts';
import { assertionFile, tokenFile } from './token-file.ts';
import type { ExchangeObserver } from './transport.ts';

/**
 * The app's tokens, fetched on demand: a managed identity's assertion is kept while it is valid, a projected file is read
 * again at each try, app tokens are not kept.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export interface AppTokenSource {
  /** @throws ExchangeError if the assertion cannot be had */
  assertion(budget: Budget): Promise<Assertion>;
  /** @throws ExchangeError if the assertion or the token cannot be had */
  token(scope: string, budget: Budget): Promise<AppToken>;
  /** @throws ExchangeError if the registry's token cannot be had */
  registryToken(registry: Registry, appToken: AppToken, budget: Budget): Promise<AppToken>;
}

/** The source for `request`. It sends nothing until it is asked. */
export function createTokenSource(request: ExchangeRequest, observer: ExchangeObserver): AppTokenSource {
  const { authorityHost, certificateAuthority, proxy, origin, audience } = request;
  const authorities = certificateAuthority === undefined ? undefined : authoritiesWith(certificateAuthority);
  const assertion = sourceFor(origin, audience, observer);
  /** Requests of one exchange through one proxy share an agent, and with it TLS sessions. */
  const agents = new WeakMap<Budget, Map<string, Agent>>();
  const agentFor = (budget: Budget, url: string, way: ForwardProxy | undefined): Agent => {
    const { protocol } = new URL(url);
    const key = `${protocol} ${way?.url ?? 'direct'}`;
    const known = agents.get(budget) ?? new Map<string, Agent>();
    agents.set(budget, known);
    const agent =
      known.get(key) ??
      createAgent(protocol, {
        connectLimit: tryLimits.entra.connect,
        signal: budget.signal,
        ...(authorities && { authorities }),
        ...(way && { proxy: way }),
      });
    if (!known.has(key)) budget.signal.addEventListener('abort', () => agent.destroy(), { once: true });
    known.set(key, agent);
    return agent;
  };
  const token: AppTokenSource['token'] = async (scope, budget) =>
    fetchAppToken({
      request,
      scope,
      assertion: () => assertion(budget),
      agent: agentFor(budget, authorityHost, proxy),
      budget,
      observer,
    });
  return {
    assertion,
    token,
    registryToken: async (registry, appToken, budget) =>
      fetchRegistryToken({
        request,
        registry,
        appToken,
        agent: agentFor(budget, `https://${registry.loginServer}`, registry.proxy),
        budget,
        observer,
      }),
  };
}

function sourceFor(origin: AssertionOrigin, audience: string, observer: ExchangeObserver): AssertionSource {
  switch (origin.kind) {
    case 'managed-identity':
      return keepAssertion(managedIdentity(origin, audience, observer));
    case 'token-file':
      return tokenFile(origin.path, audience, observer);
    case 'assertion-file':
      return keepAssertion(assertionFile(origin.path, observer));
  }
}

/**
 * One whole exchange: one request to the machine, then one to Entra for each scope, side by side. Registries are asked
 * as soon as the app's token for them is there; all registries of a cloud accept the same one.
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
    const wanted = new Map<string, Promise<AppToken>>();
    const tokenFor = (scope: string): Promise<AppToken> => {
      const token = wanted.get(scope) ?? source.token(scope, budget);
      wanted.set(scope, token);
      return token;
    };
    const [pairs, registryPairs] = await Promise.all([
      Promise.all(request.scopes.map(async (scope) => [scope, await tokenFor(scope)] as const)),
      Promise.all(
        request.registries.map(async (registry) => {
          const appToken = await tokenFor(registry.scope);
          return [registry.loginServer, await source.registryToken(registry, appToken, budget)] as const;
        }),
      ),
    ]);
    const appTokens = await Promise.all(wanted.values());
    const tenantId = appTokens.map(tenantOf).find((tenant) => tenant !== undefined);
    return {
      // A projected file may have been replaced meanwhile.
      assertion: await source.assertion(budget).catch(() => assertion),
      tokens: new Map(pairs),
      registryTokens: new Map(registryPairs),
      ...(tenantId !== undefined && { tenantId }),
    };
  } finally {
    // Ends what is still under way and closes every connection, so that the process can end.
    budget.cancel();
  }
}

/** An assertion with less time left is replaced before it is used. Entra allows five minutes of clock skew. */
const leastTimeLeft = 5 * 60_000;

/** An assertion, or the request for it that is under way. */
interface KeptAssertion {
  readonly askedIn: Budget;
  readonly assertion: Promise<Assertion>;
  expiresOn: number;
  /** The request failed because the exchange that made it was over. */
  cutShort: boolean;
}

/**
 * The same source, asked again only when the last assertion is nearly over, and at most once in one exchange: a machine
 * that returns a token with little time left would return it again. Callers at the same time share one request. If the
 * time of the exchange that made it runs out, the others, which have a time of their own, ask again.
 */
function keepAssertion(source: AssertionSource): AssertionSource {
  let current: KeptAssertion | undefined;
  const ask = (budget: Budget): KeptAssertion => {
    const asked: KeptAssertion = {
      askedIn: budget,
      assertion: source(budget),
      expiresOn: Number.POSITIVE_INFINITY,
      cutShort: false,
    };
    current = asked;
    asked.assertion.then(
      ({ expiresOn }) => {
        asked.expiresOn = expiresOn.getTime();
      },
      (error: unknown) => {
        asked.cutShort =
          budget.cancelled() || (error instanceof ExchangeError && 'outOfTime' in error.detail);
        if (current === asked) current = undefined;
      },
    );
    return asked;
  };
  return async (budget) => {
    for (;;) {
      const kept =
        current !== undefined &&
        (current.askedIn === budget || current.expiresOn - budget.date() > leastTimeLeft)
          ? current
          : ask(budget);
      try {
        return await kept.assertion;
      } catch (error) {
        if (kept.askedIn === budget || !kept.cutShort || budget.cancelled()) throw error;
      }
    }
  };
}
