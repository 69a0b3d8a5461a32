import { ExchangeError } from './exchange/errors.ts';
import { detectMachine, type Machine } from './exchange/machine.ts';
import type { AssertionOrigin, Exchanged, ForwardProxy, Registry } from './exchange/request.ts';
import type { ExchangeObserver } from './exchange/transport.ts';
import { HandoverError } from './handover/errors.ts';
import { type PublishedToken, publish, tokenPublications } from './handover/tokens.ts';
import type { PreparedTools, ToolHandover } from './handover/tools.ts';
import type { Host } from './hosts/host.ts';
import { exposeMachineVariables, type ProcessFacts, prepareProcess } from './inputs/environment.ts';
import { StepDeclined } from './inputs/errors.ts';
import { readStepRequest, type StepRequest } from './inputs/read.ts';
import type { MessageContext } from './messages/explanation.ts';

/** What messages need to know, while secrets are still added to it. */
type RunContext = MessageContext & { readonly secrets: Set<string> };

/** One step, the same for both hosts: read the inputs, exchange, hand over, report. Never throws. */
export async function runStep(host: Host): Promise<void> {
  const secrets = new Set<string>();
  let context: RunContext = { inputLabel: host.inputLabel, secrets };
  let tools: PreparedTools | undefined;
  try {
    const request = readStepRequest((name) => host.readInput(name));
    context = { ...context, request };
    await declineForks(host, request);
    const unusable = host.unusableCommandFile();
    if (unusable) throw new HandoverError({ kind: 'unusable-command-file', ...unusable });
    // Before the process is prepared: that removes the proxy variables which this reads.
    const shown = new Set<string>();
    const proxy = await chooseProxy(host, request.authorityHost, shown);
    const registries: Registry[] = [];
    for (const registry of request.registries) {
      const way = await chooseProxy(host, `https://${registry.loginServer}`, shown);
      registries.push({ ...registry, ...(way && { proxy: way }) });
    }
    const facts = prepareProcess(process.env);
    context = { ...context, facts };
    if (facts.tlsVerificationOff) throw new StepDeclined('tls-verification-off');
    // Before any request: whatever can be known to fail fails here.
    tools = await prepareTools(host, request, facts, proxy);
    const origin = await findOrigin(host, request, facts, secrets);
    const exchanged = await performExchange(host, request, { origin, registries, proxy }, context);
    const handover = await tools?.handOver(exchanged);
    const tokens = tokensToPublish(request, exchanged);
    publish(host, [...tokenPublications(tokens), ...(handover?.publications ?? [])]);
    await reportSuccess(host, request, exchanged, handover, facts);
  } catch (error) {
    // A host may run a failed step again, and its clean-up then knows only the last run's directory.
    tools?.undo();
    await reportFailure(host, error, context);
  } finally {
    tools?.finish();
  }
}

async function declineForks(host: Host, { allowForkPullRequests }: StepRequest): Promise<void> {
  if (allowForkPullRequests) return;
  const reason = await host.forkPullRequest();
  if (reason !== undefined) throw new StepDeclined('fork', reason);
}

/** @param shown notices that the log already has: every address meets the same settings */
async function chooseProxy(
  host: Host,
  address: string,
  shown: Set<string>,
): Promise<ForwardProxy | undefined> {
  const { proxy, because, notices, remarks } = await host.proxyFor(new URL(address));
  for (const notice of notices.filter((text) => !shown.has(text))) {
    shown.add(notice);
    host.info(notice);
  }
  for (const remark of remarks) host.debug(remark);
  host.debug(
    proxy === undefined
      ? `Proxy to ${address}: none (${because}).`
      : `Proxy to ${address}: ${new URL(proxy.url).host} (${because}).`,
  );
  return proxy;
}

/** The tools' part is loaded only if there are tools. */
async function prepareTools(
  host: Host,
  request: StepRequest,
  { environment, windows }: ProcessFacts,
  proxy: ForwardProxy | undefined,
): Promise<PreparedTools | undefined> {
  if (request.exports.length + request.logins.length === 0) return undefined;
  const { prepareTools } = await import('./handover/tools.ts');
  return prepareTools(host, request, { variables: environment, windows }, proxy);
}

/** The machine is looked for only if its identity is wanted. */
async function findOrigin(
  host: Host,
  { origin }: StepRequest,
  facts: ProcessFacts,
  secrets: Set<string>,
): Promise<AssertionOrigin> {
  if (origin.kind === 'token-file') return origin;
  return { ...origin, machine: await findMachine(host, facts, secrets) };
}

async function findMachine(host: Host, facts: ProcessFacts, secrets: Set<string>): Promise<Machine> {
  const machine = detectMachine(facts.machine);
  if (!('endpoint' in machine)) throw new ExchangeError(machine);
  if (machine.secret !== undefined) {
    secrets.add(machine.secret);
    host.registerSecret(machine.secret);
  }
  exposeMachineVariables(process.env, machine.variables);
  await debug(host, ({ debugMachine }) => debugMachine(machine));
  return machine;
}

async function performExchange(
  host: Host,
  request: StepRequest,
  {
    origin,
    registries,
    proxy,
  }: {
    readonly origin: AssertionOrigin;
    readonly registries: readonly Registry[];
    readonly proxy: ForwardProxy | undefined;
  },
  context: RunContext,
): Promise<Exchanged> {
  const { audience, authorityHost, tenantId, clientId, scopes, timeBudget } = request;
  const certificateAuthority = readCertificateAuthority(host);
  // The libraries are loaded only now, after the process was prepared for them.
  const { exchange } = await import('./exchange/exchange.ts');
  return exchange(
    {
      origin,
      audience,
      authorityHost,
      tenantId,
      clientId,
      scopes,
      registries,
      timeBudget,
      ...(proxy && { proxy }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
    },
    observeExchange(host, context),
  );
}

function readCertificateAuthority(host: Host): string | undefined {
  const authority = host.certificateAuthority();
  if (authority?.kind === 'unreadable') {
    host.warning(
      `Cannot read ${authority.setting}, ${authority.path}: ${authority.detail}. The step continues without it. In a container job, mount the file at the same path.`,
    );
  }
  return authority?.kind === 'certificate' ? authority.pem : undefined;
}

function observeExchange(host: Host, { secrets }: RunContext): ExchangeObserver {
  let announced = false;
  return {
    secret: (value) => {
      if (secrets.has(value)) return;
      secrets.add(value);
      host.registerSecret(value);
    },
    retrying: (retrying) => {
      // Many scopes may meet the same missing trust: it is announced once.
      if (retrying.announce && announced) return;
      announced ||= retrying.announce;
      void import('./messages/progress.ts').then(({ describeRetry, describeTrustRetry }) =>
        host.info(retrying.announce ? describeTrustRetry(retrying) : describeRetry(retrying)),
      );
    },
    tryEnded: (ended) => void debug(host, ({ debugTry }) => debugTry(ended, secrets)),
    accepted: (leg, claims) => void debug(host, ({ debugClaims }) => debugClaims(leg, claims, secrets)),
  };
}

/** The texts of debug lines are loaded only if the host shows them. */
async function debug(
  host: Host,
  write: (texts: typeof import('./messages/progress.ts')) => string,
): Promise<void> {
  if (host.isDebug()) host.debug(write(await import('./messages/progress.ts')));
}

function tokensToPublish(
  request: StepRequest,
  { tokens, registryTokens }: Exchanged,
): readonly PublishedToken[] {
  return request.published.map(({ scope, registry, written, name }) => {
    const token = registry === undefined ? tokens.get(scope) : registryTokens.get(registry);
    if (token === undefined) throw new Error(`no token for ${written}`);
    return { ...token, written, ...(name !== undefined && { name }) };
  });
}

async function reportSuccess(
  host: Host,
  request: StepRequest,
  exchanged: Exchanged,
  handover: ToolHandover | undefined,
  { environment }: ProcessFacts,
): Promise<void> {
  const { describeEarlyExpiry, describeReplacedTokens, describeSuccess, describeTools } = await import(
    './messages/success.ts'
  );
  host.info(describeSuccess(request, exchanged, host.inputLabel));
  const replaced = request.published.flatMap(({ name }) => (name && environment[name] ? [name] : []));
  if (replaced.length > 0) host.info(describeReplacedTokens(replaced));
  if (handover === undefined) return;
  host.info(describeTools(request, handover));
  if (handover.expiresSoon) host.warning(describeEarlyExpiry(handover));
}

async function reportFailure(host: Host, error: unknown, context: MessageContext): Promise<void> {
  await debug(host, ({ debugError }) => debugError(error, context.secrets));
  const { describeFailure } = await import('./messages/failures.ts');
  const { error: text, diagnosis } = describeFailure(error, context);
  if (diagnosis !== undefined) for (const line of diagnosis.split('\n')) host.info(line);
  host.fail(text);
}
