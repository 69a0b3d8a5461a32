import { readFileSync } from 'node:fs';
import { azureReposAddresses } from '../azure/azure-repos.ts';
import { clouds } from '../azure/clouds.ts';
import { type InputName, inputNames, type OutputName, outputNames } from '../contract.ts';
import type { ForwardProxy } from '../exchange/request.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { EndpointAddress } from './endpoint-process.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import type { OpenDirectory } from './open-directory.ts';
import { gitSettingsName, writePrivateFile } from './private-directory.ts';

/** What git's credential helper of this job knows. A password of the proxy is the only secret that can be in it. */
export interface GitCredentialSettings {
  readonly version: 1;
  readonly request: StepRequest;
  /**
   * The file with the assertion, or the job's own identity endpoint. One of them is given. In a pod, the helper reads the
   * pod's own file instead.
   */
  readonly tokenFile?: string;
  readonly endpoint?: EndpointAddress;
  readonly proxy?: ForwardProxy;
  readonly certificateAuthority?: string;
  /** How the host writes the names of inputs and outputs, for messages. */
  readonly labels: Readonly<Record<InputName | OutputName, string>>;
}

/** How a later step's git starts the helper. */
export interface GitCredentialProgram {
  /** The full path of Node. */
  readonly node: string;
  /** The full path of the helper's bundle. */
  readonly script: string;
}

/**
 * Writes the helper's settings and returns the variables through which the job's later steps find the helper. The
 * user's own git configuration is neither read nor changed. Needs git 2.31:
 * https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
 *
 * @throws HandoverError if the settings cannot be written
 */
export function signInGit(
  program: GitCredentialProgram,
  settings: GitCredentialSettings,
  {
    directory,
    environment,
  }: {
    readonly directory: OpenDirectory;
    readonly environment: JobEnvironment;
  },
): Readonly<Record<string, string>> {
  const path = writePrivateFile(directory, gitSettingsName, JSON.stringify(settings), 'git-settings');
  const words = [program.node, program.script, path];
  const command = `!${words.map((word) => shellWord(word, environment.windows)).join(' ')}`;
  const entries = azureReposAddresses.flatMap((address) => {
    const key = `credential.${address}.helper`;
    // An empty value drops every helper before it: the user's own would be asked first, and would store our token.
    // An earlier use of the step in this job is dropped too, so the last use counts.
    return [
      [key, ''],
      [key, command],
    ] as const;
  });
  const before = configCount(environment);
  return Object.fromEntries([
    ...entries.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${before + index}`, key],
      [`GIT_CONFIG_VALUE_${before + index}`, value],
    ]),
    ['GIT_CONFIG_COUNT', String(before + entries.length)],
  ]);
}

/** How many entries the job has already. What git itself refuses to read counts as none. */
function configCount(environment: JobEnvironment): number {
  const count = variableOf(environment, 'GIT_CONFIG_COUNT');
  return /^\d{1,6}$/u.test(count) ? Number(count) : 0;
}

/** A word for sh, which git starts a helper with on Windows too. There it also knows paths with forward slashes. */
function shellWord(path: string, windows: boolean): string {
  return `'${(windows ? path.replaceAll('\\', '/') : path).replaceAll("'", "'\\''")}'`;
}

/** How the host writes every name. */
export function labelsOf(
  inputLabel: (name: InputName | OutputName) => string,
): GitCredentialSettings['labels'] {
  return Object.fromEntries(
    [...inputNames, ...outputNames].map((name) => [name, inputLabel(name)]),
  ) as GitCredentialSettings['labels'];
}

/** @throws if the file cannot be read, or another version wrote it */
export function readGitSettings(path: string): GitCredentialSettings {
  const settings = JSON.parse(readFileSync(path, 'utf8')) as GitCredentialSettings;
  if (settings.version !== 1) throw new Error('another version of this step wrote it');
  const { request } = settings;
  return { ...settings, request: { ...request, cloud: clouds[request.cloud.name] } };
}
