import {
  type ExportedIdentity,
  type LoginTarget,
  loginTargets,
  type Tool,
  toolRows,
} from '../azure/tools.ts';
import type { Exchanged, ForwardProxy } from '../exchange/request.ts';
import type { Host } from '../hosts/host.ts';
import { cleanupState } from '../hosts/saved-state.ts';
import type { StepRequest } from '../inputs/read.ts';
import { signInAzureCli } from './azure-cli.ts';
import { findAzureCli } from './child-process.ts';
import { HandoverError, systemWords } from './errors.ts';
import { labelsOf, signInGit } from './git-credential.ts';
import { type JobEnvironment, refuseConflictingVariables, variableOf } from './job-environment.ts';
import {
  createPrivateDirectory,
  ownerOfFiles,
  privatePath,
  requireTemporaryFolder,
  writeTokenFile,
} from './private-directory.ts';
import { removeDirectory, writeRecords } from './removal.ts';
import { isoSeconds, type Publication } from './tokens.ts';

export interface ToolVariable {
  readonly tool: Tool;
  readonly name: string;
  readonly value: string;
}

/** What the job's tools receive. Nothing of it is secret. */
export interface ToolHandover {
  readonly variables: readonly ToolVariable[];
  /** Names of variables that had another value in the job. */
  readonly replaced: readonly string[];
  /** Names of variables that the step could not set, so that the job's own value stays. */
  readonly kept: readonly string[];
  /** When the assertion expires, and with it every tool's identity. */
  readonly expiresOn: Date;
  /** The tools have a copy of the assertion, and less than an hour is left. */
  readonly expiresSoon: boolean;
  /** A tool that is signed in read a projected file once, and will not see that it is replaced. */
  readonly endsWithProjectedToken: boolean;
  readonly publications: readonly Publication[];
}

export interface PreparedTools {
  /** The path of the private directory, recorded for the clean-up if anything is to be written. */
  readonly directory: string;
  /**
   * Writes the assertion and signs tools in. The job's later steps see none of it yet.
   *
   * @throws HandoverError
   */
  handOver(exchanged: Exchanged): Promise<ToolHandover>;
  /** Removes what was written: the step failed. */
  undo(): void;
  /** Tells the clean-up that the step has ended. */
  finish(): void;
}

const hour = 3_600_000;

/**
 * Prepares the tools that are to act as the app. Whatever can be known to fail is found here, before any request.
 *
 * @throws HandoverError
 */
export function prepareTools(
  host: Pick<
    Host,
    'temporaryFolder' | 'saveState' | 'debug' | 'inputLabel' | 'certificateAuthority' | 'gitCredentialHelper'
  >,
  request: StepRequest,
  environment: JobEnvironment,
  proxy: ForwardProxy | undefined,
): PreparedTools {
  const { exports, logins, cloud, clientId, subscriptionId, authorityHost } = request;
  refuseConflictingVariables([...exports, ...logins], cloud, environment);
  const azureCli = logins.includes('azure-cli') ? findAzureCli(environment) : undefined;
  const temporaryFolder = requireTemporaryFolder(host.temporaryFolder());
  const directory = privatePath(temporaryFolder);
  azureCli?.requireSafe(directory);
  const owner = ownerOfFiles(temporaryFolder);
  // A projected file is rotated in its place: a copy would expire.
  const projected = request.origin.kind === 'token-file' ? request.origin.path : undefined;
  const writesFiles = projected === undefined || logins.length > 0;
  const record = (finished: boolean): void => {
    if (!writesFiles) return;
    host.saveState(
      cleanupState,
      writeRecords({ finished, records: [{ kind: 'directory', path: directory }] }),
    );
  };
  try {
    record(false);
  } catch (error) {
    throw new HandoverError({ kind: 'not-recorded', detail: systemWords(error) }, { cause: error });
  }
  const helpGit = (tokenFile: string): Readonly<Record<string, string>> => {
    const authority = host.certificateAuthority();
    return signInGit(
      { node: process.execPath, script: host.gitCredentialHelper() },
      {
        version: 1,
        request,
        tokenFile,
        labels: labelsOf((name) => host.inputLabel(name)),
        ...(proxy && { proxy }),
        ...(authority?.kind === 'certificate' && { certificateAuthority: authority.pem }),
      },
      { directory, owner, environment },
    );
  };

  return {
    directory,
    handOver: async ({ assertion, tenantId = request.tenantId }) => {
      if (writesFiles) await createPrivateDirectory(directory, owner, environment);
      const tokenFile = projected ?? writeTokenFile(directory, assertion.token, owner);
      if (projected === undefined) host.debug(`Wrote ${tokenFile}.`);
      const identity: ExportedIdentity = {
        clientId,
        tenantId,
        tokenFile,
        authorityHost,
        cloud,
        ...(subscriptionId !== undefined && { subscriptionId }),
      };
      const signedIn =
        azureCli &&
        (await signInAzureCli(azureCli, {
          ...identity,
          directory,
          environment,
          owner,
          proxy,
          debug: (text) => host.debug(text),
        }));
      const gitVariables = logins.includes('git') ? helpGit(tokenFile) : {};
      const { variables, kept } = toolVariables(
        exports,
        identity,
        { 'azure-cli': { ...signedIn }, git: gitVariables },
        environment,
      );
      return {
        variables,
        replaced: unique(
          variables
            // Git's variables keep what the job has in them.
            .filter(
              ({ tool, name, value }) =>
                tool !== 'git' && !['', value].includes(variableOf(environment, name)),
            )
            .map(({ name }) => name),
        ),
        kept,
        expiresOn: assertion.expiresOn,
        expiresSoon: projected === undefined && assertion.expiresOn.getTime() - Date.now() < hour,
        endsWithProjectedToken: projected !== undefined && azureCli !== undefined,
        publications: [
          ...unique(variables.map(({ name }) => name)).map(
            (name): Publication => ({
              kind: 'variable',
              name,
              value: variables.find((variable) => variable.name === name)?.value ?? '',
              secrecy: 'plain',
            }),
          ),
          { kind: 'output', name: 'federated-token-file', value: tokenFile, secrecy: 'plain' },
          {
            kind: 'output',
            name: 'federated-token-expires-on',
            value: isoSeconds(assertion.expiresOn),
            secrecy: 'plain',
          },
        ],
      };
    },
    undo: () => {
      removeDirectory(directory, temporaryFolder);
    },
    finish: () => {
      try {
        record(true);
      } catch {
        // On a full disk, for example. The clean-up then takes the step for one that did not end, which is safe.
      }
    },
  };
}

/** The variables that the tables prescribe for this identity, and the names whose own value must stay. */
function toolVariables(
  exports: StepRequest['exports'],
  identity: ExportedIdentity,
  signedIn: Readonly<Record<LoginTarget, Readonly<Record<string, string>>>>,
  environment: JobEnvironment,
): { readonly variables: readonly ToolVariable[]; readonly kept: readonly string[] } {
  const variables: ToolVariable[] = [];
  const kept: string[] = [];
  for (const tool of exports) {
    for (const row of toolRows[tool]) {
      if ('conflict' in row) continue;
      const value = 'clear' in row ? '' : row.set(identity);
      if (value !== undefined) variables.push({ tool, name: row.name, value });
      else if (variableOf(environment, row.name) !== '') kept.push(row.name);
    }
  }
  for (const tool of loginTargets) {
    for (const [name, value] of Object.entries(signedIn[tool])) variables.push({ tool, name, value });
  }
  return { variables, kept: unique(kept) };
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
