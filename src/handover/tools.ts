import type { Exchanged } from '../exchange/request.ts';
import type { ForwardProxy, Host } from '../hosts/host.ts';
import type { StepRequest } from '../inputs/read.ts';
import { type AzureCliVariables, signInAzureCli } from './azure-cli.ts';
import { remove } from './clean-up.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import { createPrivateDirectory, requireTemporaryFolder } from './private-directory.ts';
import { findAzureCli } from './program.ts';
import { refuseRivals } from './rivals.ts';
import { privateDirectoryState } from './state.ts';
import { writeTokenFile } from './token-file.ts';
import { isoSeconds } from './tokens.ts';
import {
  type ExportedIdentity,
  type ExportTarget,
  type LoginTarget,
  toolVariables,
} from './tool-variables.ts';

export interface ToolVariable {
  readonly tool: ExportTarget | LoginTarget;
  readonly name: string;
  readonly value: string;
}

/** What the job's tools are given. Nothing of it is secret. */
export interface Received {
  readonly variables: readonly ToolVariable[];
  /** Names of variables that had another value in the job. */
  readonly replaced: readonly string[];
  /** Names of variables that this step would set and did not, which therefore keep the job's own value. */
  readonly kept: readonly string[];
  /** Until when the assertion lives, and with it every tool's identity. */
  readonly expiresOn: Date;
  /** Less than an hour is left. */
  readonly endsSoon: boolean;
  /** Hands it to the job's later steps. */
  publish(): void;
}

export interface ReadiedTools {
  /**
   * Writes the assertion and signs tools in; the job's later steps see none of it yet.
   *
   * @throws HandoverFailure
   */
  receive(exchanged: Exchanged): Promise<Received>;
}

const hour = 3_600_000;

/**
 * Readies the tools that are to act as the app: whatever can be known to fail is found here, before anything is
 * asked for.
 *
 * @throws HandoverFailure
 */
export function readyTools(
  host: Host,
  request: StepRequest,
  variables: Readonly<Record<string, string>>,
  proxy: ForwardProxy | undefined,
): ReadiedTools {
  const environment: JobEnvironment = { variables, windows: process.platform === 'win32' };
  const { exports, logins, cloud } = request;
  refuseRivals([...exports, ...logins], cloud, environment);
  const azureCli = logins.includes('azure-cli') ? findAzureCli(environment) : undefined;
  const temporaryFolder = requireTemporaryFolder(host.temporaryFolder());

  return {
    receive: async ({ assertion, tenantId = request.tenantId }) => {
      const { clientId, subscriptionId, authorityHost } = request;
      const record = (path: string): void => host.saveState(privateDirectoryState, path);
      const directory = await createPrivateDirectory(temporaryFolder, record, environment);
      const signIn = async (): Promise<[ExportedIdentity, AzureCliVariables | undefined]> => {
        const tokenFile = writeTokenFile(directory, assertion.token);
        const identity = {
          ...{ clientId, tenantId, tokenFile, authorityHost, cloud },
          ...(subscriptionId !== undefined && { subscriptionId }),
        };
        if (azureCli === undefined) return [identity, undefined];
        const wish = { ...identity, directory, environment, ...(proxy && { proxy }) };
        return [identity, await signInAzureCli(azureCli, wish)];
      };
      const [identity, signedIn] = await signIn().catch((error: unknown) => {
        // A host may run a failed step again, and its clean-up then knows of the last run's directory alone.
        remove(directory, temporaryFolder);
        throw error;
      });
      const wished = [
        ...exports.flatMap((tool) =>
          toolVariables[tool].map(({ name, value }) => ({ tool, name, value: value(identity) })),
        ),
        ...Object.entries(signedIn ?? {}).map(([name, value]) => ({
          tool: 'azure-cli' as const,
          name,
          value,
        })),
      ];
      const given = wished.filter((variable): variable is ToolVariable => variable.value !== undefined);
      return {
        variables: given,
        replaced: given
          .filter(({ name, value }) => !['', value].includes(variableOf(environment, name)))
          .map(({ name }) => name),
        kept: wished
          .filter(({ name, value }) => value === undefined && variableOf(environment, name) !== '')
          .map(({ name }) => name),
        expiresOn: assertion.expiresOn,
        endsSoon: assertion.expiresOn.getTime() - Date.now() < hour,
        publish: () => {
          host.setOutput('federated-token-file', identity.tokenFile, 'plain');
          host.setOutput('federated-token-expires-on', isoSeconds(assertion.expiresOn), 'plain');
          for (const { name, value } of given) host.setVariable(name, value, 'plain');
        },
      };
    },
  };
}
