import { Command, CommanderError, Option } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import { type InputName, inputDefaults } from '../contract.ts';
import type { GivenOption } from '../hosts/command-line.ts';
import { isHarmless } from '../inputs/errors.ts';
import { type Invocation, invoke } from './invocation.ts';
import { handleLostReaders, print } from './output.ts';

/** How a subcommand ends if it fails, and if its words are wrong. */
const exitCodes = { failure: 1, usage: 2 } as const;
/** A code that says that the command itself did not run: `run` ends with the command's own code otherwise. */
const runExitCodes = { failure: 125, usage: 125 } as const;

interface InputOption {
  readonly value: string;
  readonly help: string;
}

/** The inputs of the step that are options too. */
const inputOptions: Readonly<Partial<Record<InputName, InputOption>>> = {
  'client-id': { value: 'ID', help: 'the app registration’s application (client) ID' },
  'tenant-id': { value: 'TENANT', help: 'the directory that tokens are for: its ID or a domain name' },
  'managed-identity-client-id': { value: 'ID', help: 'this machine’s managed identity: its client ID,' },
  'managed-identity-object-id': { value: 'ID', help: 'or its object (principal) ID,' },
  'managed-identity-resource-id': { value: 'ID', help: 'or its Azure resource ID' },
  'agent-identity-id': {
    value: 'ID',
    help: 'act as this agent identity of the blueprint --client-id (preview)',
  },
  'federated-token-file': { value: 'PATH', help: 'instead, in a pod: its projected service account token' },
  cloud: { value: 'CLOUD', help: `public, usgovernment or china (default: ${inputDefaults.cloud})` },
  'authority-host': { value: 'URL', help: 'another sign-in address, https only' },
  audience: { value: 'AUDIENCE', help: 'the audience of the identity’s token' },
  'timeout-seconds': {
    value: 'SECONDS',
    help: `the limit of one exchange, retries included (default: ${inputDefaults['timeout-seconds']})`,
  },
};

/** A list of scopes, as each subcommand calls it. */
interface ScopesOption {
  readonly name: 'scopes' | 'allow';
  readonly help: string;
}

const wantedScopes: ScopesOption = {
  name: 'scopes',
  help: '[NAME =] SCOPE: arm, graph, storage, https://…, api://…, acr:…; can be repeated (default: arm)',
};

const variableOf = (name: string): string => `ENTRA_APP_TOKEN_${name.toUpperCase().replaceAll('-', '_')}`;

/**
 * Reads the command line and runs the subcommand.
 *
 * @returns the exit code
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  handleLostReaders();
  let exitCode: number = 0;
  let help: Promise<void> | undefined;
  const codes = words[0] === 'run' ? runExitCodes : exitCodes;
  const program = new Command('entra-app-token')
    .description(
      'Act as an Entra app registration from this machine’s managed identity, without a stored secret.\n\nAll options but --debug, --output, --shell and --show can also be variables: --client-id is ENTRA_APP_TOKEN_CLIENT_ID.',
    )
    .version(packageFile.version)
    .enablePositionalOptions()
    // Subcommands inherit both. The variables of options follow one rule, which the description says.
    .configureHelp({
      optionDescription: ({ description, argChoices }) =>
        argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`,
    })
    .configureOutput({
      writeOut: (text) => {
        help = print(text);
      },
      outputError: (text, write) => write(parserMessage(text, words)),
    })
    .showHelpAfterError('Options: entra-app-token --help')
    .exitOverride();

  /** Loads a subcommand only when it runs. */
  const add = (
    name: string,
    summary: string,
    scopes: ScopesOption | undefined,
    load: () => Promise<(invocation: Invocation) => Promise<number>>,
  ): Command => {
    const command = program
      .command(name)
      .description(summary)
      .allowExcessArguments(false)
      .showHelpAfterError(`Options: entra-app-token ${name} --help`);
    for (const [input, { value, help }] of Object.entries(inputOptions)) {
      command.addOption(
        new Option(`--${input} <${value}>`, help).env(variableOf(input)).argParser(once(input)),
      );
    }
    if (scopes) command.addOption(listOption(scopes));
    command.option('--debug', 'show every request and the claims of tokens on stderr, never a token');
    return command.action(async () => {
      exitCode = await invoke(await load(), {
        given: givenOptions(command, scopes?.name),
        scopesOption: scopes?.name ?? 'scopes',
        options: command.opts(),
        operands: command.args,
        exitCodes: codes,
      });
    });
  };

  add(
    'token',
    'Prints an access token of the app.',
    wantedScopes,
    async () => (await import('./token.ts')).printTokens,
  )
    .addOption(outputOption('text', 'json', 'env'))
    .addOption(
      new Option('--shell <SHELL>', 'for --output env: whose quotes').choices(['sh', 'pwsh']).default('sh'),
    )
    .option('--show', 'print even to a terminal');
  add(
    'run',
    'Runs a command that finds the app’s tokens where SDKs look for a managed identity’s.',
    { name: 'allow', help: 'hand out tokens for this scope only; can be repeated (default: any)' },
    async () => (await import('./run.ts')).runWithEndpoint,
  )
    .argument('<command...>', 'the command and its arguments, after --')
    .passThroughOptions();
  add(
    'git-credential',
    'Answers git as a credential helper for Azure Repos. Set it as credential.https://dev.azure.com.helper.',
    undefined,
    async () => (await import('./git-credential.ts')).helpGit,
  ).argument('<operation>', 'what git asks: get, store or erase');

  add(
    'check',
    'Walks the whole way to the app’s tokens and says what works and what does not.',
    wantedScopes,
    async () => (await import('./check.ts')).checkTheWay,
  ).addOption(outputOption('text', 'json'));

  try {
    const known = [program, ...program.commands].flatMap(({ options }) => options.map(({ long }) => long));
    await program.parseAsync(withoutUnknownValues(words, new Set(known)), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // The parser has printed its message, or the help that was asked for.
    return error.exitCode === 0 ? await endOf(help) : codes.usage;
  }
  return exitCode;
}

/** The exit code of a help that was asked for. */
async function endOf(help: Promise<void> | undefined): Promise<number> {
  try {
    await help;
    return 0;
  } catch (error) {
    process.stderr.write(`entra-app-token: ${(error as Error).message}\n`);
    return exitCodes.failure;
  }
}

/** The parser suggests a name for `--cleint-id`, but not for `--cleint-id=VALUE`. Words of another command stay. */
function withoutUnknownValues(words: readonly string[], known: ReadonlySet<string | undefined>): string[] {
  const separator = words.indexOf('--');
  const end = separator === -1 && words[0] !== 'run' ? words.length : separator;
  return words.map((word, index) => {
    const [name = '', ...values] = word.split('=');
    return index < end && name.startsWith('--') && values.length > 0 && !known.has(name) ? name : word;
  });
}

/**
 * The parser's message, as ours begin. It quotes wrong words, and a wrong word may be a secret, also one with quotes in it.
 */
function parserMessage(text: string, words: readonly string[]): string {
  const quotable = [
    ...words,
    // The value of `--name=value`, and what is left of letters of which the first were options.
    ...words.map((word) => word.slice(word.indexOf('=') + 1)),
    ...words.flatMap((word) => Array.from(word, (_, start) => `-${word.slice(start + 1)}`)),
  ]
    .filter((word) => !isHarmless(word))
    .sort((one, other) => other.length - one.length);
  const hidden = quotable.reduce(
    (shown, word) => shown.replaceAll(`'${word}'`, `of ${word.length} characters`),
    text,
  );
  return hidden.replace(/^error: /u, 'entra-app-token: ');
}

/** An option with two values is a mistake. */
function once(name: string): (given: string) => string {
  let seen = false;
  return (given) => {
    if (seen) {
      process.stderr.write(`entra-app-token: option '--${name}' is given twice\n`);
      throw new CommanderError(exitCodes.usage, 'entra-app-token.repeated', name);
    }
    seen = true;
    return given;
  };
}

function outputOption(...formats: readonly string[]): Option {
  return new Option('--output <FORMAT>', 'how to print').choices(formats).default('text');
}

function listOption({ name, help }: ScopesOption): Option {
  return new Option(`--${name} <SCOPE>`, help)
    .env(variableOf(name))
    .argParser((given: string, before: string | undefined) =>
      before === undefined ? given : `${before}\n${given}`,
    );
}

/** The values that stand for inputs, and where each was given. */
function givenOptions(
  command: Command,
  scopes: ScopesOption['name'] | undefined,
): ReadonlyMap<InputName, GivenOption> {
  const names = Object.keys(inputOptions).map((input) => [input, input] as const);
  const all = scopes === undefined ? names : [...names, ['scopes', scopes] as const];
  const values = command.opts<Record<string, string | undefined>>();
  return new Map(
    all.flatMap(([input, name]) => {
      const key = name.replace(/-([a-z])/gu, (_, letter: string) => letter.toUpperCase());
      const value = values[key];
      if (value === undefined) return [];
      const source = command.getOptionValueSource(key) === 'env' ? variableOf(name) : `--${name}`;
      return [[input as InputName, { value, source }] as const];
    }),
  );
}
