import type { Agent } from 'node:http';
import { blueprintClient, tokenClient } from './agent-identity.ts';
import { type EntraClient, fetchAppToken, tenantOf } from './app-token.ts';
import { type Budget, type Clock, startBudget, systemClock } from './budget.ts';
import { assertionClaims } from './claims.ts';
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
  /**
   * What is presented to Entra for app tokens; with an agent identity, its blueprint's token.
   *
   * @throws ExchangeError if the assertion cannot be had
   */
  assertion(budget: Budget): Promise<Assertion>;
  /** The machine's or pod's own assertion. @throws ExchangeError if it cannot be had */
  ownAssertion(budget: Budget): Promise<Assertion>;
  /** @throws ExchangeError if the assertion or the token cannot be had */
  token(scope: string, budget: Budget): Promise<AppToken>;
  /** @throws ExchangeError if the registry's token cannot be had */
  registryToken(registry: Registry, appToken: AppToken, budget: Budget): Promise<AppToken>;
}

/** The source for `request`. It sends nothing until it is asked. */
export function createTokenSource(request: ExchangeRequest, observer: ExchangeObserver): AppTokenSource {
  const { authorityHost, certificateAuthority, proxy, origin, audience, clientId, agentIdentityId } = request;
  const authorities = certificateAuthority === undefined ? undefined : authoritiesWith(certificateAuthority);
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
  const ask = (
    client: EntraClient,
    scope: string,
    assertion: () => Promise<Assertion>,
    budget: Budget,
  ): Promise<AppToken> =>
    fetchAppToken({
      request,
      client,
      scope,
      assertion,
      agent: agentFor(budget, authorityHost, proxy),
      budget,
      observer,
    });

  const ofMachine = sourceFor(origin, audience, observer);
  const assertion =
    // A file of an earlier exchange already has the blueprint's token.
    agentIdentityId === undefined || origin.kind === 'assertion-file'
      ? ofMachine
      : keepAssertion(
          blueprintToken(ofMachine, (presented, budget) =>
            ask(blueprintClient(clientId, agentIdentityId), `${audience}/.default`, presented, budget),
          ),
        );
  return {
    assertion,
    ownAssertion: ofMachine,
    token: async (scope, budget) => ask(tokenClient(request), scope, () => assertion(budget), budget),
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
 * A blueprint's token as the source of client assertions, for its agent identity. It is requested with the assertions of
 * another source, which are asked for before each try.
 */
function blueprintToken(
  source: AssertionSource,
  ask: (assertion: () => Promise<Assertion>, budget: Budget) => Promise<AppToken>,
): AssertionSource {
  return async (budget) => {
    let presented: Assertion | undefined;
    const { token, expiresOn } = await ask(async () => {
      presented = await source(budget);
      return presented;
    }, budget);
    return {
      token,
      expiresOn,
      claims: assertionClaims(token),
      ...(presented && { obtainedWith: presented.claims }),
    };
  };
}

/**
 * One whole exchange: one request to the machine, with an agent identity one to Entra as its blueprint, then one to
 * Entra for each scope, side by side. Registries are asked as soon as the app's token for them is there; all registries
 * of a cloud accept the same one.
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
    requireOneTenant(request, wanted.keys(), appTokens);
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

/**
 * A domain name does not say which tenant it is, but it is one.
 *
 * @throws ExchangeError if two tokens are for two tenants
 */
function requireOneTenant(
  { authorityHost }: ExchangeRequest,
  scopes: Iterable<string>,
  tokens: readonly AppToken[],
): void {
  const named = [...scopes].flatMap((scope, index) => {
    const token = tokens[index];
    const tenant = token && tenantOf(token)?.toLowerCase();
    return tenant === undefined ? [] : [{ scope, tenant }];
  });
  const other = named.find(({ tenant }) => tenant !== named[0]?.tenant);
  if (other === undefined) return;
  throw new ExchangeError({
    kind: 'unusable-answer',
    leg: 'entra',
    host: new URL(authorityHost).host,
    status: 200,
    reason: 'other-tenant',
    found: `${named[0]?.tenant ?? ''} and ${other.tenant}`,
    scope: other.scope,
    attempts: { tries: 1, elapsed: 0 },
  });
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
