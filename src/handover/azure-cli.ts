import { constants, copyFileSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Cloud, clouds } from '../azure/clouds.ts';
import { type Clock, systemClock } from '../exchange/clock.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import { nextWait, retryTable } from '../exchange/retries.ts';
import type { ForwardProxy } from '../hosts/host.ts';
import { entraCodesIn } from './azure-cli-complaints.ts';
import { type ChildEnd, type ChildRun, runChild } from './child-process.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import { configDirectoryName } from './layout.ts';
import { HandoverFailure, type SignInStage } from './problem.ts';
import type { Program } from './program.ts';

export interface AzureCliSignIn {
  readonly clientId: string;
  readonly tenantId: string;
  readonly subscriptionId?: string;
  readonly cloud: Cloud;
  readonly tokenFile: string;
  /** The step's own private directory. */
  readonly directory: string;
  readonly environment: JobEnvironment;
  /** The one the host prescribes for Entra. */
  readonly proxy?: ForwardProxy;
}

/** The variables by which the job's later steps find the session. */
export type AzureCliVariables = Readonly<Record<'AZURE_CONFIG_DIR' | 'AZURE_EXTENSION_DIR', string>>;

/** For the whole sign-in. Milliseconds. */
const limit = 120_000;

/** az keeps to itself, and its stderr to what went wrong. https://learn.microsoft.com/cli/azure/azure-cli-configuration */
const quiet = {
  AZURE_CORE_COLLECT_TELEMETRY: 'false',
  AZURE_CORE_SURVEY_MESSAGE: 'false',
  AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
  AZURE_CORE_NO_COLOR: 'true',
};

/**
 * Signs the Azure CLI in, in a directory of its own: the user's session and other jobs' are neither read nor changed.
 * The assertion goes by its file's name, since every process of the machine can read the arguments of another.
 * https://learn.microsoft.com/cli/azure/reference-index#az-login
 *
 * @throws HandoverFailure with az's own words
 */
export async function signInAzureCli(
  program: Program,
  signIn: AzureCliSignIn,
  run: (run: ChildRun) => Promise<ChildEnd> = runChild,
  clock: Pick<Clock, 'now' | 'sleep'> = systemClock,
): Promise<AzureCliVariables> {
  const { environment, directory, cloud, clientId, tenantId, tokenFile, subscriptionId } = signIn;
  const variables = {
    AZURE_CONFIG_DIR: join(directory, configDirectoryName),
    AZURE_EXTENSION_DIR: extensionDirectory(environment),
  };
  mkdirSync(variables.AZURE_CONFIG_DIR, { mode: 0o700 });
  carryOverVersionCheck(environment, variables.AZURE_CONFIG_DIR);
  const started = clock.now();
  const child = {
    program,
    directory,
    environment: {
      ...environment,
      variables: { ...environment.variables, ...proxyVariables(signIn), ...quiet, ...variables },
    },
  };

  const az = async (stage: SignInStage, ...words: string[]): Promise<void> => {
    const own = [...words, '--output', 'none'];
    for (let tries = 1; ; tries += 1) {
      const elapsed = clock.now() - started;
      const end = await run({ ...child, arguments: own, limit: Math.max(0, limit - elapsed) });
      if (end.kind === 'done') return;
      const wait = waitAfter(end, tries, clock.now() - started);
      if (wait === undefined) {
        const problem = { program: program.path, stage, arguments: own, end, tries, limit };
        throw new HandoverFailure({ kind: 'sign-in-failed', tool: 'azure-cli', ...problem });
      }
      await clock.sleep(wait, new AbortController().signal);
    }
  };

  if (cloud !== clouds.public) await az('cloud', 'cloud', 'set', '--name', cloud.azureCli);
  await az(
    'identity',
    ...['login', '--service-principal', '--username', clientId, '--tenant', tenantId],
    // az reads an argument that begins with @ from the file it names, without the line break at its end
    // (azure-cli-core, `commands/__init__.py`; before that knack, `parser.py`).
    ...['--federated-token', `@${tokenFile}`, '--allow-no-subscriptions'],
  );
  if (subscriptionId !== undefined) {
    await az('subscription', 'account', 'set', '--subscription', subscriptionId);
  }
  return variables;
}

/** Extensions stay where the job has them. Source: azure-cli-core, `extension/__init__.py`. */
function extensionDirectory(environment: JobEnvironment): string {
  return (
    variableOf(environment, 'AZURE_EXTENSION_DIR') || join(configuredDirectory(environment), 'cliextensions')
  );
}

/** Where the job's az keeps its settings and sessions so far. Source: azure-cli-core, `_environment.py`. */
function configuredDirectory(environment: JobEnvironment): string {
  const home = variableOf(environment, environment.windows ? 'USERPROFILE' : 'HOME') || homedir();
  return variableOf(environment, 'AZURE_CONFIG_DIR') || join(home, '.azure');
}

/**
 * In a new directory az first asks a server of its own for its latest version, ten seconds and more where that server
 * cannot be reached, unless it finds when it last did (azure-cli-core, `util.py`, `handle_version_update`). Nothing
 * but that is carried over.
 */
function carryOverVersionCheck(environment: JobEnvironment, directory: string): void {
  const name = 'versionCheck.json';
  try {
    copyFileSync(
      join(configuredDirectory(environment), name),
      join(directory, name),
      constants.COPYFILE_EXCL,
    );
  } catch {
    // az has not been used on this machine, and asks.
  }
}

/** Entra's passing refusals come to az as they come to the exchange, and az does not try again. */
function waitAfter(end: ChildEnd, tries: number, elapsed: number): number | undefined {
  if (end.kind !== 'failed') return undefined;
  const retry = entraCodeRow(entraCodesIn(end.words))?.retry;
  const row = retry && retryTable.entra[retry];
  const wait = row && nextWait(row, tries, elapsed, undefined, Math.random());
  return wait !== undefined && elapsed + wait < limit ? wait : undefined;
}

/** An agent's proxy settings are the agent's own: az knows only the environment's, which win where they name one. */
function proxyVariables({ proxy, environment }: AzureCliSignIn): Readonly<Record<string, string>> {
  if (proxy === undefined) return {};
  const named = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].some(
    (name) => variableOf(environment, name) !== '',
  );
  if (named) return {};
  const url = new URL(proxy.url);
  url.username = encodeURIComponent(proxy.username ?? '');
  url.password = encodeURIComponent(proxy.password ?? '');
  return { HTTPS_PROXY: url.href };
}
