import { constants, copyFileSync, readFileSync } from 'node:fs';
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
import { closing, type OpenDirectory } from './open-directory.ts';
import { configDirectoryName, requireInPlace } from './private-directory.ts';

export interface AzureCliSignIn {
  readonly clientId: string;
  readonly tenantId: string;
  readonly subscriptionId?: string;
  readonly cloud: Cloud;
  /** The file with the assertion. */
  readonly tokenFile?: string;
  /** The variables of the job's identity endpoint, through which az then signs in. */
  readonly endpoint?: Readonly<Partial<Record<string, string>>>;
  /** The step's own private directory. */
  readonly directory: OpenDirectory;
  readonly environment: JobEnvironment;
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
 * @throws HandoverError with az's own words, or if az reports success and left no session
 */
export async function signInAzureCli(
  program: Program,
  signIn: AzureCliSignIn,
  run: (run: ChildRun) => Promise<ChildEnd> = runChild,
  clock: Pick<Clock, 'now' | 'sleep'> = systemClock,
): Promise<AzureCliVariables> {
  const { environment, directory, cloud, clientId, tenantId, tokenFile, endpoint, subscriptionId } = signIn;
  const variables = {
    AZURE_CONFIG_DIR: join(directory.path, configDirectoryName),
    AZURE_EXTENSION_DIR: extensionDirectory(environment),
  };
  makeConfigDirectory(directory, environment);
  const started = clock.now();
  const child = {
    program,
    directory: directory.path,
    environment: {
      ...environment,
      variables: { ...environment.variables, ...proxyVariables(signIn), ...endpoint, ...quiet, ...variables },
    },
  };

  const az = async (stage: SignInStage, ...words: string[]): Promise<void> => {
    const own = [...words, '--output', 'none'];
    for (let tries = 1; ; tries += 1) {
      const elapsed = clock.now() - started;
      requireInPlace(directory);
      const end = await run({ ...child, arguments: own, limit: Math.max(0, limit - elapsed) });
      const duration = Math.round(clock.now() - started - elapsed);
      signIn.debug?.(`${program.path} ${own.join(' ')}: ${endWord(end)} after ${duration} ms`);
      requireInPlace(directory);
      if (end.kind === 'done' && (stage !== 'identity' || hasSession(directory, clientId))) return;
      const wait = waitAfter(end, tries, clock.now() - started);
      if (wait === undefined) {
        const problem = { program: program.path, stage, arguments: own, end, tries, limit };
        throw new HandoverError({ kind: 'sign-in-failed', tool: 'azure-cli', ...problem });
      }
      await clock.sleep(wait, new AbortController().signal);
    }
  };

  if (endpoint !== undefined) await requireEndpointVersion(child, run);
  if (cloud !== clouds.public) await az('cloud', 'cloud', 'set', '--name', cloud.azureCli);
  const identity =
    endpoint !== undefined
      ? ['--identity', '--client-id', clientId]
      : ['--service-principal', '--username', clientId, '--tenant', tenantId, '--federated-token'].concat(
          // az reads an argument that begins with @ from the file that it names, without the line break at its end
          // (azure-cli-core, `commands/__init__.py`; before that knack, `parser.py`).
          `@${tokenFile}`,
        );
  await az('identity', 'login', ...identity, '--allow-no-subscriptions');
  if (subscriptionId !== undefined) {
    await az('subscription', 'account', 'set', '--subscription', subscriptionId);
  }
  return variables;
}

/** Since this version az asks the endpoint in its environment, not always IMDS: azure-cli release notes, 2.73.0. */
const endpointVersion = '2.73.0';

/** Before any sign-in: an older az would sign in as the machine's own identity, and say nothing. */
async function requireEndpointVersion(
  child: Pick<ChildRun, 'program' | 'directory' | 'environment'>,
  run: (run: ChildRun) => Promise<ChildEnd>,
): Promise<void> {
  const words = ['version', '--output', 'json'];
  const end = await run({ ...child, arguments: words, limit, keepsOutput: true });
  const program = child.program.path;
  if (end.kind !== 'done') {
    const problem = { program, stage: 'version' as const, arguments: words, end, tries: 1, limit };
    throw new HandoverError({ kind: 'sign-in-failed', tool: 'azure-cli', ...problem });
  }
  const found = /"azure-cli":\s*"(\d{1,4}\.\d{1,4}\.\d{1,4})/u.exec(end.output ?? '')?.[1] ?? '';
  if (found === '' || compareVersions(found, endpointVersion) < 0) {
    throw new HandoverError({
      kind: 'tool-too-old',
      tool: 'azure-cli',
      program,
      found,
      needed: endpointVersion,
    });
  }
}

function compareVersions(a: string, b: string): number {
  const other = b.split('.').map(Number);
  return (
    a
      .split('.')
      .map((part, index) => Number(part) - (other[index] ?? 0))
      .find((difference) => difference !== 0) ?? 0
  );
}

function makeConfigDirectory(directory: OpenDirectory, environment: JobEnvironment): void {
  try {
    closing(directory.make(configDirectoryName), (config) => copyVersionCheck(environment, config));
  } catch (error) {
    const [path, detail] = [join(directory.path, configDirectoryName), systemWords(error)];
    throw new HandoverError({ kind: 'not-written', what: 'directory', path, detail }, { cause: error });
  }
}

/**
 * Whether az wrote down that the app is signed in, which every version of it does: the exit code alone can come from a
 * wrapper that keeps its sessions elsewhere. az writes `{}` without a session (azure-cli-core, `_profile.py`, `_session.py`).
 */
function hasSession(directory: OpenDirectory, clientId: string): boolean {
  try {
    const text = closing(directory.open(configDirectoryName), (config) =>
      readFileSync(config.at('azureProfile.json'), 'utf8'),
    );
    const { subscriptions } = JSON.parse(text.replace(/^\uFEFF/u, '')) as {
      readonly subscriptions: readonly {
        readonly user: { readonly name: string; readonly assignedIdentityInfo?: string };
      }[];
    };
    // Through an identity endpoint the app is a user-assigned identity to az (azure-cli-core, `_profile.py`).
    const wanted = [clientId, `MSIClient-${clientId}`].map((name) => name.toLowerCase());
    return subscriptions.some(({ user }) =>
      [user.name, user.assignedIdentityInfo ?? ''].some((name) => wanted.includes(name.toLowerCase())),
    );
  } catch {
    return false;
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
function copyVersionCheck(environment: JobEnvironment, directory: OpenDirectory): void {
  const name = 'versionCheck.json';
  try {
    copyFileSync(join(configuredDirectory(environment), name), directory.at(name), constants.COPYFILE_EXCL);
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
