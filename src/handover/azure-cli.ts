import { chownSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Cloud, clouds } from '../azure/clouds.ts';
import { type Clock, systemClock } from '../exchange/budget.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import type { ForwardProxy } from '../exchange/request.ts';
import { nextWait, retryTable } from '../exchange/retries.ts';
import { entraCodesIn } from './azure-cli-errors.ts';
import type { Program } from './child-process.ts';
import { type ChildRun, runChild } from './child-process.ts';
import { type ChildEnd, HandoverError, type SignInStage, systemWords } from './errors.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import { configDirectoryName, type Owner } from './private-directory.ts';

export interface AzureCliSignIn {
  readonly clientId: string;
  readonly tenantId: string;
  readonly subscriptionId?: string;
  readonly cloud: Cloud;
  readonly tokenFile: string;
  /** The step's own private directory. */
  readonly directory: string;
  readonly environment: JobEnvironment;
  readonly owner?: Owner | undefined;
  /** The proxy that the host prescribes for Entra. */
  readonly proxy?: ForwardProxy | undefined;
  /** Takes a line about each command. */
  readonly debug?: (text: string) => void;
}

/** The variables with which the job's later steps find the session. */
export type AzureCliVariables = Readonly<Record<'AZURE_CONFIG_DIR' | 'AZURE_EXTENSION_DIR', string>>;

/** For the whole sign-in. Milliseconds. */
const limit = 120_000;

/** az sends no telemetry, and its stderr has only errors. https://learn.microsoft.com/cli/azure/azure-cli-configuration */
const quiet = {
  AZURE_CORE_COLLECT_TELEMETRY: 'false',
  AZURE_CORE_SURVEY_MESSAGE: 'false',
  AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
  AZURE_CORE_NO_COLOR: 'true',
};

/**
 * Signs the Azure CLI in, in a directory of its own: the sessions of the user and of other jobs are neither read nor
 * changed. az gets the assertion by its file's name, because every process of the machine can read the arguments of
 * another. https://learn.microsoft.com/cli/azure/reference-index#az-login
 *
 * @throws HandoverError with az's own words
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
  makeConfigDirectory(variables.AZURE_CONFIG_DIR, signIn.owner);
  copyVersionCheck(environment, variables.AZURE_CONFIG_DIR);
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
      const duration = Math.round(clock.now() - started - elapsed);
      signIn.debug?.(`${program.path} ${own.join(' ')}: ${endWord(end)} after ${duration} ms`);
      if (end.kind === 'done') return;
      const wait = waitAfter(end, tries, clock.now() - started);
      if (wait === undefined) {
        const problem = { program: program.path, stage, arguments: own, end, tries, limit };
        throw new HandoverError({ kind: 'sign-in-failed', tool: 'azure-cli', ...problem });
      }
      await clock.sleep(wait, new AbortController().signal);
    }
  };

  if (cloud !== clouds.public) await az('cloud', 'cloud', 'set', '--name', cloud.azureCli);
  await az(
    'identity',
    'login',
    '--service-principal',
    '--username',
    clientId,
    '--tenant',
    tenantId,
    '--federated-token',
    // az reads an argument that begins with @ from the file that it names, without the line break at its end
    // (azure-cli-core, `commands/__init__.py`; before that knack, `parser.py`).
    `@${tokenFile}`,
    '--allow-no-subscriptions',
  );
  if (subscriptionId !== undefined) {
    await az('subscription', 'account', 'set', '--subscription', subscriptionId);
  }
  return variables;
}

function makeConfigDirectory(path: string, owner: Owner | undefined): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    if (owner) chownSync(path, owner.uid, owner.gid);
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'directory', path, detail }, { cause: error });
  }
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
 * In a new directory az first asks a server of its own for its latest version, and waits ten seconds and more if that
 * server cannot be reached, unless it finds when it last asked (azure-cli-core, `util.py`, `handle_version_update`).
 * Nothing else is copied.
 */
function copyVersionCheck(environment: JobEnvironment, directory: string): void {
  const name = 'versionCheck.json';
  try {
    copyFileSync(
      join(configuredDirectory(environment), name),
      join(directory, name),
      constants.COPYFILE_EXCL,
    );
  } catch {
    // az has not been used on this machine, so it asks.
  }
}

function endWord(end: ChildEnd): string {
  return end.kind === 'failed' ? `exit ${end.code}` : end.kind;
}

/** Entra's temporary errors reach az as they reach the exchange, and az does not try again. */
function waitAfter(end: ChildEnd, tries: number, elapsed: number): number | undefined {
  if (end.kind !== 'failed') return undefined;
  const retry = entraCodeRow(entraCodesIn(end.words))?.retry;
  const row = retry && retryTable.entra[retry];
  const wait = row && nextWait(row, tries, elapsed, undefined, Math.random());
  return wait !== undefined && elapsed + wait < limit ? wait : undefined;
}

/** az knows only the environment's proxy settings, not an agent's. The environment's win if they name a proxy. */
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
