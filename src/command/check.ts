import { OwnEndpointError } from '../endpoint/own-endpoint.ts';
import { type Budget, startBudget, systemClock } from '../exchange/budget.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import { ExchangeError, type ExchangeProblem } from '../exchange/errors.ts';
import type { AppTokenSource } from '../exchange/exchange.ts';
import type { AppToken, Assertion, ExchangeRequest } from '../exchange/request.ts';
import type { Answered, ExchangeObserver, TryEnded } from '../exchange/transport.ts';
import { sanitizeForLog } from '../hosts/sanitize.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { Point, PointKind } from '../messages/check.ts';
import * as texts from '../messages/check.ts';
import type { Invocation, PreparedCommand } from './invocation.ts';
import { print } from './output.ts';

/**
 * `entra-app-token check`: the whole way, as a list of points. The requests are those of the exchange itself, so what
 * passes here passes in a job, and nothing else is asked.
 */
export async function checkTheWay(invocation: Invocation): Promise<number> {
  const points = inOrder(await walk(invocation), invocation.request);
  const passed = points.every(({ status }) => status === 'passed');
  await print(
    invocation.options['output'] === 'json'
      ? `${JSON.stringify({ passed, points }, undefined, 2)}\n`
      : `${sanitizeForLog(texts.listPoints(points))}\n`,
  );
  return passed ? 0 : 1;
}

async function walk(invocation: Invocation): Promise<readonly Point[]> {
  const { host, request, prepare, explain } = invocation;
  const settings = pass('settings', texts.describeSettings(request));
  let because: string;
  let prepared: PreparedCommand;
  try {
    // Before the process is prepared, which removes the variables that name a proxy.
    ({ because } = await host.proxyFor(new URL(request.authorityHost)));
    prepared = await prepare();
  } catch (error) {
    const text = await explain(error);
    const atMachine = error instanceof ExchangeError || error instanceof OwnEndpointError;
    return atMachine ? [settings, fail('machine', text)] : [fail('settings', text)];
  }
  const start = [
    settings,
    pass('machine', texts.describeMachine(prepared.request.origin, prepared.context.secrets)),
  ];
  const { createTokenSource } = await import('../exchange/exchange.ts');
  const watched = watch(prepared.observer);
  const source = createTokenSource(prepared.request, watched.observer);
  const budget = startBudget(prepared.request.timeBudget, systemClock, Math.random);
  try {
    let assertion: Assertion;
    try {
      assertion = await source.ownAssertion(budget);
    } catch (error) {
      return [...start, ...(await failedIdentity(error, watched.seen, explain))];
    }
    const { secrets } = prepared.context;
    const identity = [
      ...endpointPoints(watched.seen),
      pass('identity', texts.describeIdentity(assertion, secrets)),
    ];
    const blueprint =
      request.agentIdentityId === undefined ? undefined : await outcomeOfBlueprint(source, budget);
    // Without the blueprint's token nothing can be asked as its agent identity.
    const tokens =
      blueprint !== undefined && 'error' in blueprint
        ? []
        : await askForAll(source, prepared.request, budget);
    const parts = { tokens, blueprint, assertion, prepared, because, seen: watched.seen, request, explain };
    return [...start, ...identity, ...(await entraPoints(parts))];
  } finally {
    budget.cancel();
  }
}

/** What was seen on the way. */
interface Seen {
  /** The last try at the machine's endpoint. */
  identity?: TryEnded;
  /** Entra's first answer, and when it came. */
  entra?: { readonly answer: Answered; readonly at: number };
}

function watch(observer: ExchangeObserver): { readonly observer: ExchangeObserver; readonly seen: Seen } {
  const seen: Seen = {};
  return {
    seen,
    observer: {
      ...observer,
      tryEnded: (ended) => {
        if (ended.leg === 'identity') seen.identity = ended;
        observer.tryEnded(ended);
      },
      answered: (answer) => {
        if (answer.leg === 'entra') seen.entra ??= { answer, at: Date.now() };
      },
    },
  };
}

/** A pod's token is read from a file: nobody is asked. */
function endpointPoints({ identity }: Seen): readonly Point[] {
  return identity === undefined ? [] : [pass('endpoint', texts.describeEndpoint(identity))];
}

/** An endpoint that answers can be reached, whatever it says about the identity. */
async function failedIdentity(
  error: unknown,
  seen: Seen,
  explain: Invocation['explain'],
): Promise<readonly Point[]> {
  const text = await explain(error);
  const kind = problemOf(error)?.kind;
  if (kind === 'unreachable' || kind === 'timed-out') return [fail('endpoint', text)];
  return [...endpointPoints(seen), fail('identity', text)];
}

/** What came of the request as an agent identity's blueprint. */
type BlueprintOutcome = { readonly token: Assertion } | { readonly error: unknown };

async function outcomeOfBlueprint(source: AppTokenSource, budget: Budget): Promise<BlueprintOutcome> {
  try {
    return { token: await source.assertion(budget) };
  } catch (error) {
    return { error };
  }
}

/** What came of each scope and registry. */
type Outcome = { readonly subject: string; readonly registry?: true } & (
  | { readonly token: AppToken }
  | { readonly error: unknown }
);

/** Side by side, as the exchange does it; but each fails by itself. */
async function askForAll(
  source: AppTokenSource,
  { scopes, registries }: ExchangeRequest,
  budget: Budget,
): Promise<readonly Outcome[]> {
  const wanted = new Map<string, Promise<AppToken>>();
  const tokenFor = (scope: string): Promise<AppToken> => {
    const token = wanted.get(scope) ?? source.token(scope, budget);
    wanted.set(scope, token);
    return token;
  };
  const outcomeOf = async (
    subject: string,
    token: Promise<AppToken>,
  ): Promise<{ subject: string; token: AppToken } | { subject: string; error: unknown }> => {
    try {
      return { subject, token: await token };
    } catch (error) {
      return { subject, error };
    }
  };
  return Promise.all([
    ...scopes.map((scope) => outcomeOf(scope, tokenFor(scope))),
    ...registries.map(async (registry) => {
      const token = tokenFor(registry.scope).then((appToken) =>
        source.registryToken(registry, appToken, budget),
      );
      return { ...(await outcomeOf(registrySubject(registry.loginServer), token)), registry: true as const };
    }),
  ]);
}

const registrySubject = (loginServer: string): string => `acr:${loginServer}`;

/**
 * The points from Entra on. A failure that says nothing about its scope, because it stands before all of them, is a
 * point of its own, and the scopes that met it were not reached.
 */
async function entraPoints({
  tokens,
  blueprint,
  assertion,
  prepared,
  because,
  seen: { entra },
  request,
  explain,
}: {
  readonly tokens: readonly Outcome[];
  readonly blueprint: BlueprintOutcome | undefined;
  readonly assertion: Assertion;
  readonly prepared: PreparedCommand;
  readonly because: string;
  readonly seen: Seen;
  readonly request: StepRequest;
  readonly explain: Invocation['explain'];
}): Promise<readonly Point[]> {
  const { facts, secrets } = prepared.context;
  const outcomes = [...(blueprint === undefined ? [] : [blueprint]), ...tokens];
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  const reached = (host: string): Point =>
    pass('entra', texts.describeEntra(host, { proxy: prepared.request.proxy, because }));
  if (entra === undefined) {
    const [error] = errors;
    const text = await explain(error);
    const problem = problemOf(error);
    // The server's certificate, not that of a proxy on the way: somebody answered.
    const atServer = problem?.kind === 'unreachable' && problem.certificate && !problem.proxy;
    return atServer ? [reached(problem.host), fail('tls', text)] : [fail('entra', text)];
  }
  const { answer, at } = entra;
  const points: Point[] = [
    reached(answer.host),
    pass('tls', texts.describeTls(answer, facts.environment, secrets)),
    { kind: 'clock', ...texts.describeClock(answer, skewOf(answer, at)) },
  ];
  const untrusted = errors.find(isAboutTheTrust);
  if (outcomes.some((outcome) => 'token' in outcome)) {
    points.push(pass('trust', texts.describeTrust(assertion, request, secrets)));
  } else if (untrusted !== undefined) {
    points.push(fail('trust', await explain(untrusted)));
  }
  if (blueprint !== undefined && 'token' in blueprint) {
    points.push(pass('blueprint', texts.describeBlueprint(blueprint.token, request)));
  } else if (blueprint !== undefined && untrusted === undefined) {
    points.push(fail('blueprint', await explain(blueprint.error)));
  }
  for (const outcome of tokens) {
    const { subject } = outcome;
    if ('token' in outcome) {
      const found = outcome.registry
        ? texts.describeRegistry(outcome.token)
        : texts.describeScope(outcome.token, secrets);
      points.push({ ...pass('scope', found), subject });
    } else if (untrusted === undefined || !isAboutTheTrust(outcome.error)) {
      points.push({ ...fail('scope', await explain(outcome.error)), subject });
    }
  }
  return points;
}

function problemOf(error: unknown): ExchangeProblem | undefined {
  return error instanceof ExchangeError ? error.detail : undefined;
}

/** Entra compared the assertion with what the app trusts, or would not do so. */
function isAboutTheTrust(error: unknown): boolean {
  const problem = problemOf(error);
  if (problem?.kind !== 'error-response' || problem.leg !== 'entra') return false;
  // Then Entra compared the blueprint's token, which nobody has to trust: it is about the agent identity.
  if (problem.actor === 'agent-identity') return false;
  return (
    entraCodeRow(problem.response.codes)?.show === 'trust' ||
    problem.response.codes.some((code) => assertionCodes.test(code))
  );
}

/** Further codes about the assertion: `entra-codes.ts`. */
const assertionCodes = /^7002(?:206|22|26|27|36)/u;

/** Milliseconds that this machine's clock is ahead. A server's time is in whole seconds, so half of one is the best guess. */
function skewOf({ date }: Answered, at: number): number | undefined {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : at - (time + 500);
}

function pass(kind: PointKind, found: Pick<Point, 'text' | 'facts'>): Point {
  return { kind, status: 'passed', ...found };
}

function fail(kind: PointKind, text: string): Point {
  return { kind, status: 'failed', text };
}

/** All points in the order of the way, with those that were not reached. */
function inOrder(found: readonly Point[], request: StepRequest): readonly Point[] {
  const { origin, agentIdentityId, scopes, registries } = request;
  const kinds: readonly PointKind[] = [
    'settings',
    'machine',
    ...(origin.kind === 'managed-identity' ? (['endpoint'] as const) : []),
    'identity',
    'entra',
    'tls',
    'clock',
    'trust',
    ...(agentIdentityId === undefined ? [] : (['blueprint'] as const)),
  ];
  const subjects = [...scopes, ...registries.map(({ loginServer }) => registrySubject(loginServer))];
  const expected: readonly Pick<Point, 'kind' | 'subject'>[] = [
    ...kinds.map((kind) => ({ kind })),
    ...subjects.map((subject) => ({ kind: 'scope' as const, subject })),
  ];
  return expected.map((one) => ({
    ...one,
    ...(found.find(({ kind, subject }) => kind === one.kind && subject === one.subject) ?? {
      status: 'not-reached',
      ...texts.notReached,
    }),
  }));
}
