import { beginExchange } from './exchange/begin.ts';
import { ExchangeFailure } from './exchange/failure.ts';
import { detectMachine, type Machine } from './exchange/machine.ts';
import type { ExchangeObserver } from './exchange/observer.ts';
import type { Exchanged } from './exchange/request.ts';
import { type PublishedToken, publishTokens } from './handover/tokens.ts';
import type { ReadiedTools, Received } from './handover/tools.ts';
import type { ForwardProxy, Host } from './hosts/host.ts';
import { readStepRequest, type StepRequest } from './inputs/read.ts';
import { type ProcessFacts, prepareProcess, showMachine } from './process-environment.ts';
import { StepRefusal } from './refusal.ts';
import type { KnownOfRun } from './wording/known.ts';

/** One step, the same for both hosts: read the inputs, exchange, hand over, say so. Never throws. */
export async function runStep(host: Host): Promise<void> {
  let known: KnownOfRun = { spell: host.spell };
  try {
    const request = readStepRequest((name) => host.readInput(name));
    known = { ...known, request };
    await refuseForks(host, request);
    const proxy = await host.proxyFor(new URL(request.authorityHost));
    const facts = prepareProcess(process.env);
    known = { ...known, facts };
    if (facts.tlsVerificationOff) throw new StepRefusal({ kind: 'tls-verification-off' });
    const tools = await readyTools(host, request, facts, proxy);
    const machine = findMachine(host, facts);
    const exchanged = await performExchange(host, request, machine, proxy, known);
    const received = await tools?.receive(exchanged);
    publishTokens(host, tokensToPublish(request, exchanged));
    received?.publish();
    const { describeSuccess } = await import('./wording/success.ts');
    host.info(describeSuccess(request, exchanged, host.spell));
    if (received) await tellOfTools(host, request, received);
  } catch (error) {
    const { describeFailure } = await import('./wording/failures.ts');
    host.fail(describeFailure(error, known));
  }
}

async function refuseForks(host: Host, { allowForkPullRequests }: StepRequest): Promise<void> {
  if (allowForkPullRequests) return;
  const reason = await host.forkPullRequest();
  if (reason !== undefined) throw new StepRefusal({ kind: 'fork', reason });
}

/** Tools are readied before anything is asked for, and their part is loaded only when there are some. */
async function readyTools(
  host: Host,
  request: StepRequest,
  { environment }: ProcessFacts,
  proxy: ForwardProxy | undefined,
): Promise<ReadiedTools | undefined> {
  if (request.exports.length + request.logins.length === 0) return undefined;
  const { readyTools } = await import('./handover/tools.ts');
  return readyTools(host, request, environment, proxy);
}

async function tellOfTools(host: Host, request: StepRequest, received: Received): Promise<void> {
  const { describeEarlyEnd, describeReceived } = await import('./wording/received.ts');
  host.info(describeReceived(request, received));
  if (received.endsSoon) host.warning(describeEarlyEnd(received));
}

function findMachine(host: Host, facts: ProcessFacts): Machine {
  const machine = detectMachine(facts.machine);
  if (machine.kind === 'machine-unfit' || machine.kind === 'metadata-override') {
    throw new ExchangeFailure(machine);
  }
  if (machine.secret !== undefined) host.registerSecret(machine.secret);
  showMachine(process.env, machine.variables);
  return machine;
}

/** The libraries are loaded by this and not before: the process is prepared for them now. */
async function performExchange(
  host: Host,
  request: StepRequest,
  machine: Machine,
  proxy: ForwardProxy | undefined,
  known: KnownOfRun,
): Promise<Exchanged> {
  const { identity, audience, authorityHost, tenantId, clientId, scopes, timeBudget } = request;
  const observer: ExchangeObserver = {
    secret: (value) => host.registerSecret(value),
    retrying: announceOnce(host, known),
  };
  const certificateAuthority = host.certificateAuthority();
  return beginExchange(
    {
      ...{ machine, identity, audience, authorityHost, tenantId, clientId, scopes, timeBudget },
      ...(proxy && { proxy }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
    },
    observer,
  );
}

/** Every retry is a line; a diagnosis that waiting seldom mends is told in full, once however many scopes meet it. */
function announceOnce(host: Host, known: KnownOfRun): ExchangeObserver['retrying'] {
  let announced = false;
  return (retrying) => {
    const announce = retrying.announce && !announced;
    announced ||= announce;
    import('./wording/failures.ts').then(({ describeDiagnosis, describeRetry }) => {
      if (announce) host.info(describeDiagnosis(retrying, known));
      host.info(describeRetry(retrying));
    });
  };
}

function tokensToPublish(request: StepRequest, { tokens }: Exchanged): readonly PublishedToken[] {
  return request.published.map(({ scope, written, name }) => {
    const token = tokens.get(scope);
    if (token === undefined) throw new Error(`no token for ${scope}`);
    return { ...token, written, ...(name !== undefined && { name }) };
  });
}
