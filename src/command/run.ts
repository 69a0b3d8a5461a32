import { basename } from 'node:path';
import { identityEndpointConflicts } from '../azure/tools.ts';
import { type Endpoint, startEndpoint } from '../endpoint/server.ts';
import { actingClientId, type ExchangeRequest } from '../exchange/request.ts';
import type { ExchangeObserver } from '../exchange/transport.ts';
import { endpointVariables } from '../handover/endpoint-variables.ts';
import { systemWords } from '../handover/errors.ts';
import { conflictsIn } from '../handover/job-environment.ts';
import type { ProcessFacts } from '../inputs/environment.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { MessageContext } from '../messages/explanation.ts';
import { runInForeground } from './foreground.ts';
import { type Invocation, UsageError } from './invocation.ts';

export interface RunOptions {
  /** The exchange that gives each token. Its own scopes and registries do not matter. */
  readonly exchange: ExchangeRequest;
  readonly observer: ExchangeObserver;
  /** For messages. Its facts are those of the process before it was prepared, and the command's environment. */
  readonly context: MessageContext & {
    readonly request: StepRequest;
    readonly facts: ProcessFacts;
    readonly secrets: Set<string>;
  };
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The only scopes that are handed out, as full scopes. Without it all are. */
  readonly allow?: readonly string[];
  /** Takes a text for the user: on stderr, made harmless and with the end of its line. */
  readonly log: (text: string) => void;
}

/** Exit codes for failures that are not the command's own, as `env` and `timeout` have them. */
const exitCodes = { noEndpoint: 125, notExecutable: 126, notFound: 127 } as const;

/**
 * Runs a command with an identity endpoint that hands out the app's tokens, as long as the command runs. Asks nobody for
 * anything until the command wants a token. Never throws.
 *
 * @returns the command's own exit code, 128 and the number of the signal that ended it, or 125 to 127
 */
export async function runCommand(options: RunOptions): Promise<number> {
  const { exchange, observer, context, command, allow, log } = options;
  const { request, facts, secrets } = context;
  const texts = await import('../messages/endpoint.ts');
  let handOuts = 0;
  let endpoint: Endpoint;
  try {
    endpoint = await startEndpoint({
      clientId: actingClientId(request),
      // The libraries are loaded only when the command asks for a token.
      source: once(async () =>
        (await import('../exchange/exchange.ts')).createTokenSource(exchange, observer),
      ),
      timeBudget: exchange.timeBudget,
      machine: facts.machine.variables,
      allow,
      observer: {
        handedOut: (handOut) => {
          handOuts += 1;
          log(texts.describeHandOut(handOut));
        },
        refused: (refusal) => log(texts.describeRefusal(refusal, context)),
      },
      explain: async (refusal) => texts.explainToClient(refusal, context),
    });
  } catch (error) {
    log(texts.describeNoEndpoint(systemWords(error)));
    return exitCodes.noEndpoint;
  }
  secrets.add(endpoint.secret);
  try {
    const environment = { variables: facts.environment, windows: facts.windows };
    const conflicts = conflictsIn(identityEndpointConflicts, request.cloud, environment);
    for (const conflict of conflicts) log(texts.describeRemoved(conflict));
    const removed = new Set(conflicts.map(({ name }) => name));
    const set = endpointVariables(endpoint, actingClientId(request), environment);
    const end = await runInForeground(command, {
      ...withoutNames(facts.environment, (name) => removed.has(name) || isSet(name, set, facts.windows)),
      ...set,
    });
    if (end.kind === 'not-started') {
      log(texts.describeNotStarted(command[0], end.words));
      return end.code === 'ENOENT' ? exitCodes.notFound : exitCodes.notExecutable;
    }
    if (handOuts === 0 && signsInAzureCli(command)) log(texts.azureCliDidNotAsk);
    return end.exitCode;
  } finally {
    endpoint.stop();
    await endpoint.stopped;
  }
}

/** `entra-app-token run`. */
export async function runWithEndpoint(invocation: Invocation): Promise<number> {
  const { host, request, prepare, operands } = invocation;
  const [program, ...words] = operands;
  if (program === undefined) throw new UsageError('Write the command to run after --.');
  if (request.registries.length > 0) {
    throw new UsageError(
      `${host.inputLabel('scopes')}: the endpoint hands out the app’s tokens, not those of container registries. Use entra-app-token token for them.`,
    );
  }
  const { request: exchange, observer, context } = await prepare();
  return runCommand({
    exchange,
    observer,
    context,
    command: [program, ...words],
    ...(host.readInput('scopes') !== '' && { allow: request.scopes }),
    log: host.info,
  });
}

/** Makes it at the first call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function withoutNames(
  variables: Readonly<Record<string, string>>,
  isUnwanted: (name: string) => boolean,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isUnwanted(name)));
}

/** Names of variables ignore letter case on Windows: two spellings of one would both be passed on. */
function isSet(name: string, set: Readonly<Record<string, string>>, windows: boolean): boolean {
  return windows ? Object.keys(set).includes(name.toUpperCase()) : name in set;
}

/** `az login --identity`: an az before 2.73 asks IMDS whatever the environment says. */
function signsInAzureCli([program, ...words]: readonly [string, ...string[]]): boolean {
  return (
    /^az(\.cmd|\.exe)?$/iu.test(basename(program)) &&
    words[0] === 'login' &&
    words.some((word) => word === '--identity' || word === '-i')
  );
}
