import type { Exchanged, ForwardProxy } from './exchange/request.ts';
import { HandoverError } from './handover/errors.ts';
import { publish, tokenPublications } from './handover/tokens.ts';
import type { PreparedTools, ToolHandover } from './handover/tools.ts';
import type { Host } from './hosts/host.ts';
import type { ProcessFacts } from './inputs/environment.ts';
import { StepDeclined } from './inputs/errors.ts';
import { readStepRequest, type StepRequest } from './inputs/read.ts';
import type { MessageContext } from './messages/explanation.ts';
import {
  chooseRoutes,
  debug,
  findRealMachine,
  prepareExchange,
  prepareSession,
  publishedTokens,
  type RunContext,
} from './session.ts';

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
    const routes = await chooseRoutes(host, request);
    let facts = prepareSession();
    context = { ...context, facts };
    // Before any request: whatever can be known to fail fails here.
    tools = await prepareTools(host, request, facts, routes.proxy);
    facts = await findRealMachine(request, facts);
    context = { ...context, facts };
    const prepared = await prepareExchange(host, request, routes, facts, secrets);
    tools?.begin(prepared.request, facts.machine);
    // The libraries are loaded only now, after the process was prepared for them.
    const { exchange } = await import('./exchange/exchange.ts');
    const exchanged = await exchange(prepared.request, prepared.observer);
    const handover = await tools?.handOver(exchanged);
    const tokens = publishedTokens(request, exchanged);
    publish(host, [...tokenPublications(tokens), ...(handover?.publications ?? [])]);
    await tools?.keep();
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

async function reportSuccess(
  host: Host,
  request: StepRequest,
  exchanged: Exchanged,
  handover: ToolHandover | undefined,
  { environment }: ProcessFacts,
): Promise<void> {
  const {
    describeAgentIdentitySession,
    describeEarlyExpiry,
    describePodSession,
    describeReplacedTokens,
    describeSuccess,
    describeTools,
  } = await import('./messages/success.ts');
  host.info(describeSuccess(request, exchanged, host.inputLabel));
  const replaced = request.published.flatMap(({ name }) => (name && environment[name] ? [name] : []));
  if (replaced.length > 0) host.info(describeReplacedTokens(replaced));
  if (handover === undefined) return;
  host.info(describeTools(request, handover));
  if (handover.expiresSoon) host.warning(describeEarlyExpiry(handover));
  if (handover.endsWithProjectedToken) host.warning(describePodSession(handover));
  const { expiresOn, endWithBlueprintToken: signedIn = [] } = handover;
  if (signedIn.length > 0) host.warning(describeAgentIdentitySession(expiresOn, signedIn));
}

async function reportFailure(host: Host, error: unknown, context: MessageContext): Promise<void> {
  await debug(host, ({ debugError }) => debugError(error, context.secrets));
  const { describeFailure } = await import('./messages/failures.ts');
  const { error: text, diagnosis } = describeFailure(error, context);
  if (diagnosis !== undefined) for (const line of diagnosis.split('\n')) host.info(line);
  host.fail(text);
}
