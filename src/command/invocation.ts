import type { InputName } from '../contract.ts';
import { type CommandLineHost, commandLineHost, type GivenOption } from '../hosts/command-line.ts';
import { InputError } from '../inputs/errors.ts';
import { readStepRequest, type StepRequest } from '../inputs/read.ts';
import {
  chooseRoutes,
  debug,
  findRealMachine,
  type PreparedExchange,
  prepareExchange,
  prepareSession,
  type RunContext,
} from '../session.ts';
import { OutputError } from './output.ts';

/** What a subcommand was started with. */
export interface Words {
  readonly given: ReadonlyMap<InputName, GivenOption>;
  /** The option that lists scopes. */
  readonly scopesOption: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
  readonly exitCodes: { readonly failure: number; readonly usage: number };
}

/** A subcommand with valid options. Nothing was requested yet. */
export interface Invocation {
  readonly host: CommandLineHost;
  readonly request: StepRequest;
  /**
   * Prepares the process and finds the machine. To be called once.
   *
   * @throws HostSettingError, StepDeclined, OwnEndpointError or ExchangeError if that is not possible
   */
  prepare(): Promise<PreparedCommand>;
  /** The whole text about a failure, with its cause and its fix. */
  explain(error: unknown): Promise<string>;
  readonly options: Words['options'];
  readonly operands: readonly string[];
}

/** Everything that an exchange of a subcommand needs. */
export interface PreparedCommand extends PreparedExchange {
  readonly context: Required<RunContext>;
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
  const words = { inputLabel: host.inputLabel, inputNoun: 'Option', debugSwitch: '--debug' };
  let context: RunContext = { ...words, secrets };
  const explain = async (error: unknown): Promise<string> => {
    const { describeFailure } = await import('../messages/failures.ts');
    const { error: text, diagnosis } = describeFailure(error, context);
    return diagnosis ?? text;
  };
  try {
    const request = readStepRequest((name) => host.readInput(name));
    context = { ...context, request };
    const prepare = async (): Promise<PreparedCommand> => {
      const routes = await chooseRoutes(host, request);
      const facts = await findRealMachine(request, prepareSession());
      const known = { ...words, request, facts, secrets };
      context = known;
      return { ...(await prepareExchange(host, request, routes, facts, secrets)), context: known };
    };
    return await subcommand({ host, request, prepare, explain, options, operands });
  } catch (error) {
    if (error instanceof UsageError) {
      host.fail(error.message);
      return exitCodes.usage;
    }
    if (error instanceof OutputError) {
      host.fail(error.message);
      return exitCodes.failure;
    }
    await debug(host, ({ debugError }) => debugError(error, secrets));
    host.fail(await explain(error));
    return error instanceof InputError ? exitCodes.usage : exitCodes.failure;
  }
}
