import type { InputName } from '../contract.ts';
import { type CommandLineHost, commandLineHost, type GivenOption } from '../hosts/command-line.ts';
import { InputError } from '../inputs/errors.ts';
import { readStepRequest, type StepRequest } from '../inputs/read.ts';
import {
  chooseRoutes,
  findRealMachine,
  type PreparedExchange,
  prepareExchange,
  prepareSession,
  type RunContext,
} from '../session.ts';

/** What a subcommand was started with. */
export interface Words {
  readonly given: ReadonlyMap<InputName, GivenOption>;
  /** The option that lists scopes. */
  readonly scopesOption: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
  readonly exitCodes: { readonly failure: number; readonly usage: number };
}

/** A subcommand with valid options, on a machine that is known. Nothing was requested yet. */
export interface Invocation {
  readonly host: CommandLineHost;
  readonly request: StepRequest;
  readonly context: Required<RunContext>;
  /** Finds the machine. @throws ExchangeError if it cannot be used */
  prepare(): Promise<PreparedExchange>;
  readonly options: Words['options'];
  readonly operands: readonly string[];
}

/** Wrong words of the user's. The parser finds most of them; this is for what it cannot know. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Validates the options, prepares the process, and runs a subcommand. Never throws.
 *
 * @returns the subcommand's own exit code, or one of `exitCodes`
 */
export async function invoke(
  subcommand: (invocation: Invocation) => Promise<number>,
  { given, scopesOption, options, operands, exitCodes }: Words,
): Promise<number> {
  const secrets = new Set<string>();
  const host = commandLineHost(given, { debug: options['debug'] === true, scopesOption });
  let context: RunContext = { inputLabel: host.inputLabel, inputNoun: 'Option', secrets };
  try {
    const request = readStepRequest((name) => host.readInput(name));
    context = { ...context, request };
    const routes = await chooseRoutes(host, request);
    const facts = await findRealMachine(request, prepareSession());
    const known = { ...context, inputNoun: 'Option', request, facts };
    context = known;
    return await subcommand({
      host,
      request,
      context: known,
      prepare: () => prepareExchange(host, request, routes, facts, secrets),
      options,
      operands,
    });
  } catch (error) {
    if (error instanceof UsageError) {
      host.fail(error.message);
      return exitCodes.usage;
    }
    const { describeFailure } = await import('../messages/failures.ts');
    const { error: text, diagnosis } = describeFailure(error, context);
    host.fail(diagnosis ?? text);
    return error instanceof InputError ? exitCodes.usage : exitCodes.failure;
  }
}
