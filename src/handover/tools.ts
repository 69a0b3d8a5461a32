import { join } from 'node:path';
import {
  type ExportedIdentity,
  type LoginTarget,
  loginTargets,
  type Tool,
  toolRows,
} from '../azure/tools.ts';
import type { MachineFacts } from '../exchange/machine.ts';
import {
  actingClientId,
  type Exchanged,
  type ExchangeRequest,
  type ForwardProxy,
} from '../exchange/request.ts';
import type { Host } from '../hosts/host.ts';
import { cleanupState } from '../hosts/saved-state.ts';
import type { StepRequest } from '../inputs/read.ts';
import { signInAzureCli } from './azure-cli.ts';
import { findAzureCli } from './child-process.ts';
import type { EndpointAddress } from './endpoint-process.ts';
import { jobEndpointVariables } from './endpoint-variables.ts';
import { HandoverError, systemWords } from './errors.ts';
import { type GitCredentialSettings, labelsOf, signInGit } from './git-credential.ts';
import { startJobEndpoint } from './job-endpoint.ts';
import {
  type JobEnvironment,
  refuseConflictingVariables,
  replacedVariables,
  variableOf,
} from './job-environment.ts';
import type { OpenDirectory } from './open-directory.ts';
import {
  inPrivateDirectory,
  privatePath,
  requireTemporaryFolder,
  tokenFileName,
  writeTokenFile,
} from './private-directory.ts';
import { type CleanupRecord, removeDirectory, writeRecords } from './removal.ts';
import { isoSeconds, type Publication } from './tokens.ts';

export interface ToolVariable {
  readonly tool: Tool;
  readonly name: string;
  readonly value: string;
}

/** What the job's tools receive. Only the header of an identity endpoint is secret, and registered as such. */
export interface ToolHandover {
  readonly variables: readonly ToolVariable[];
  /** Names of variables that had another value in the job. */
  readonly replaced: readonly string[];
  /** Names of variables that the step could not set, so that the job's own value stays. */
  readonly kept: readonly string[];
  /** Variables that would have led past the identity endpoint. */
  readonly emptied: readonly { readonly name: string; readonly conflict: string }[];
  /** Where the job's identity endpoint listens. The tools then have no copy of the assertion. */
  readonly endpoint?: string;
  /** When the assertion expires, and with it every tool's identity. */
  readonly expiresOn: Date;
  /** The tools have a copy of the machine's assertion, and less than an hour is left. */
  readonly expiresSoon: boolean;
  /** A tool that is signed in read a projected file once, and will not see that it is replaced. */
  readonly endsWithProjectedToken: boolean;
  /** Tools that are signed in with a blueprint's token, which nobody replaces; absent without an agent identity. */
  readonly endWithBlueprintToken?: readonly LoginTarget[];
  readonly publications: readonly Publication[];
}

export interface PreparedTools {
  /** The path of the private directory, recorded for the clean-up if anything is to be written. */
  readonly directory: string;
  /**
   * Starts the job's identity endpoint, if there is to be one.
   *
   * @throws HandoverError
   */
  begin(exchange: ExchangeRequest, machine: MachineFacts): void;
  /**
   * Writes the assertion and signs tools in. The job's later steps see none of it yet.
   *
   * @throws HandoverError
   */
  handOver(exchanged: Exchanged): Promise<ToolHandover>;
  /**
   * From now on the identity endpoint runs longer than this step.
   *
   * @throws HandoverError if it has ended
   */
  keep(): Promise<void>;
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
    | 'temporaryFolder'
    | 'saveState'
    | 'debug'
    | 'inputLabel'
    | 'certificateAuthority'
    | 'gitCredentialHelper'
    | 'endpointProgram'
    | 'oneSpelling'
    | 'registerSecret'
  >,
  request: StepRequest,
  environment: JobEnvironment,
  proxy: ForwardProxy | undefined,
): PreparedTools {
  const { exports, logins, cloud, agentIdentityId, subscriptionId, authorityHost } = request;
  refuseConflictingVariables([...exports, ...logins], cloud, environment);
  const azureCli = logins.includes('azure-cli') ? findAzureCli(environment) : undefined;
  const temporaryFolder = requireTemporaryFolder(host.temporaryFolder());
  const directory = privatePath(temporaryFolder);
  azureCli?.requireSafe(directory);
  const actsAsAgent = agentIdentityId !== undefined;
  // A projected file is rotated in its place: a copy would expire. An agent identity cannot present it.
  const projected = request.origin.kind === 'token-file' && !actsAsAgent ? request.origin.path : undefined;
  const served = exports.includes('managed-identity');
  const writesFiles = (projected === undefined && !served) || logins.length > 0;
  const endpoint = served ? startJobEndpoint(host, request, environment, temporaryFolder) : undefined;
  const record = (finished: boolean): void => {
    const records: readonly CleanupRecord[] = [
      ...(endpoint ? [endpoint.record()] : []),
      ...(writesFiles ? [{ kind: 'directory' as const, path: directory }] : []),
    ];
    if (records.length > 0) host.saveState(cleanupState, writeRecords({ finished, records }));
  };
  try {
    record(false);
  } catch (error) {
    endpoint?.undo();
    throw new HandoverError({ kind: 'not-recorded', detail: systemWords(error) }, { cause: error });
  }
  /** The clean-up must be able to end the endpoint before anybody knows it. */
  const startServing = async (): Promise<EndpointAddress | undefined> => {
    const address = await endpoint?.address();
    if (address === undefined) return undefined;
    host.registerSecret(address.secret);
    try {
      record(false);
    } catch (error) {
      const detail = systemWords(error);
      throw new HandoverError({ kind: 'not-published', visible: [], detail }, { cause: error });
    }
    host.debug(`The identity endpoint listens on ${new URL(address.url).host}.`);
    return address;
  };
  const helpGit = (
    opened: OpenDirectory,
    source: Pick<GitCredentialSettings, 'tokenFile' | 'endpoint'>,
  ): Readonly<Record<string, string>> => {
    const authority = host.certificateAuthority();
    return signInGit(
      { node: process.execPath, script: host.gitCredentialHelper() },
      {
        version: 1,
        request,
        ...source,
        labels: labelsOf((name) => host.inputLabel(name)),
        ...(proxy && { proxy }),
        ...(authority?.kind === 'certificate' && { certificateAuthority: authority.pem }),
      },
      { directory: opened, environment },
    );
  };

  /** Writes the files, and lets the tools write theirs. */
  const fill = async (
    opened: OpenDirectory,
    token: string | undefined,
    identity: ExportedIdentity,
    address: EndpointAddress | undefined,
  ) => {
    if (token !== undefined) host.debug(`Wrote ${writeTokenFile(opened, token)}.`);
    const signedIn =
      azureCli &&
      (await signInAzureCli(azureCli, {
        ...identity,
        directory: opened,
        environment,
        proxy,
        debug: (text) => host.debug(text),
      }));
    return {
      'azure-cli': { ...signedIn },
      git: logins.includes('git')
        ? helpGit(opened, {
            ...(identity.tokenFile !== undefined && { tokenFile: identity.tokenFile }),
            ...(address && { endpoint: address }),
          })
        : {},
    };
  };

  return {
    directory,
    handOver: async ({ assertion, tenantId = request.tenantId }) => {
      const address = await startServing();
      const tokenFile = served ? undefined : (projected ?? join(directory, tokenFileName));
      const endpointVariables =
        address && jobEndpointVariables(address, actingClientId(request), environment, host.oneSpelling);
      const identity: ExportedIdentity = {
        clientId: actingClientId(request),
        tenantId,
        ...(tokenFile !== undefined && { tokenFile }),
        ...(endpointVariables && { endpoint: endpointVariables }),
        authorityHost,
        cloud,
        ...(subscriptionId !== undefined && { subscriptionId }),
      };
      const token = served || projected !== undefined ? undefined : assertion.token;
      const signedIn = writesFiles
        ? await inPrivateDirectory(directory, environment, token, (opened) =>
            fill(opened, token, identity, address),
          )
        : { 'azure-cli': {}, git: {} };
      const emptied = served ? replacedVariables('managed-identity', cloud, environment) : [];
      const { variables: own, kept } = toolVariables(exports, identity, signedIn, environment);
      const variables: readonly ToolVariable[] = [
        ...own,
        ...emptied.map(({ name, replacedBy }) => ({
          tool: 'managed-identity' as const,
          name,
          value: replacedBy,
        })),
      ];
      return {
        variables: own,
        emptied,
        ...(address && { endpoint: new URL(address.url).host }),
        replaced: unique(
          own
            // Git's variables and lists of hosts keep what the job has in them.
            .filter(
              ({ tool, name, value }) =>
                tool !== 'git' &&
                name.toUpperCase() !== 'NO_PROXY' &&
                !['', value].includes(variableOf(environment, name)),
            )
            .map(({ name }) => name),
        ),
        kept,
        expiresOn: assertion.expiresOn,
        expiresSoon:
          tokenFile !== undefined &&
          projected === undefined &&
          !actsAsAgent &&
          assertion.expiresOn.getTime() - Date.now() < hour,
        endsWithProjectedToken: !served && projected !== undefined && azureCli !== undefined,
        // In a pod, git's credential helper gets new tokens of the blueprint.
        ...(actsAsAgent &&
          !served && {
            endWithBlueprintToken: logins.filter(
              (tool) => tool !== 'git' || request.origin.kind !== 'token-file',
            ),
          }),
        publications: [
          ...unique(variables.map(({ name }) => name)).map(
            (name): Publication => ({
              kind: 'variable',
              name,
              value: variables.find((variable) => variable.name === name)?.value ?? '',
              secrecy: 'plain',
            }),
          ),
          ...(tokenFile === undefined ? [] : tokenFileOutputs(tokenFile, assertion.expiresOn)),
        ],
      };
    },
    begin: (exchange, machine) => endpoint?.begin(exchange, machine),
    keep: async () => endpoint?.keep(),
    undo: () => {
      endpoint?.undo();
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
      else if ('set' in row && !row.optional && variableOf(environment, row.name) !== '') kept.push(row.name);
    }
  }
  for (const tool of loginTargets) {
    for (const [name, value] of Object.entries(signedIn[tool])) variables.push({ tool, name, value });
  }
  return { variables, kept: unique(kept) };
}

function tokenFileOutputs(tokenFile: string, expiresOn: Date): readonly Publication[] {
  return [
    { kind: 'output', name: 'federated-token-file', value: tokenFile, secrecy: 'plain' },
    { kind: 'output', name: 'federated-token-expires-on', value: isoSeconds(expiresOn), secrecy: 'plain' },
  ];
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
