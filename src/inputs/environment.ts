import { accessSync } from 'node:fs';
import { type MachineFacts, type MachineVariable, machineVariables } from '../exchange/machine.ts';
import { withoutFetch } from '../exchange/without-fetch.ts';

/**
 * The one place that reads the environment and prepares the process for its libraries: they read the environment
 * by themselves. Each variable here would make them ask another server, take another way, or print tokens.
 *
 * Sources: @azure/identity, @azure/msal-node, @azure/core-rest-pipeline and @azure/logger, read in package code.
 */
const misleading: readonly { readonly names: readonly string[]; readonly why: string }[] = [
  {
    names: ['AZURE_CLIENT_ID', 'AZURE_TENANT_ID', 'AZURE_FEDERATED_TOKEN_FILE'],
    why: 'ManagedIdentityCredential would exchange that file and never ask the machine',
  },
  { names: ['AZURE_AUTHORITY_HOST'], why: 'a default for the authority host, which is always given' },
  {
    names: ['AZURE_REGIONAL_AUTHORITY_NAME', 'MSAL_FORCE_REGION', 'REGION_NAME'],
    why: 'another token endpoint, and a request to find the region',
  },
  {
    names: ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
      name,
      name.toLowerCase(),
    ]),
    why: 'the identity’s request must not go through a proxy, and the one to Entra is given its own',
  },
  {
    names: ['AZURE_LOG_LEVEL', 'TYPESPEC_RUNTIME_LOG_LEVEL', 'DEBUG'],
    why: 'the libraries would print answers from the network as they are',
  },
];

/** What the environment was before it was prepared. Nothing reads the environment after this. */
export interface ProcessFacts {
  readonly machine: MachineFacts;
  /** The job's own environment, for child processes and for what it says about the job's other steps. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of federation variables that were ignored. */
  readonly ignoredFederation: readonly string[];
  readonly tlsVerificationOff: boolean;
  readonly windows: boolean;
}

/** Reads what matters and removes it from `environment`, which is the process's own. */
export function prepareProcess(environment: NodeJS.ProcessEnv): ProcessFacts {
  const original = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  // The process's own variables ignore letter case on Windows; a copy of them does not.
  const tlsVerificationOff = environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0';
  const machine = Object.fromEntries(
    machineVariables.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const ignoredFederation = ['AZURE_FEDERATED_TOKEN_FILE', 'AZURE_CLIENT_ID', 'AZURE_TENANT_ID'].filter(
    (name) => Boolean(environment[name]),
  );
  for (const name of [...misleading.flatMap((row) => row.names), ...machineVariables])
    delete environment[name];
  withoutFetch();
  return {
    machine: { variables: machine, arcAgentInstalled: arcAgentPaths(original).some(exists) },
    environment: original,
    ignoredFederation,
    tlsVerificationOff,
    windows: process.platform === 'win32',
  };
}

/** Gives the managed identity client only the variables of the detected machine. */
export function exposeMachineVariables(
  environment: NodeJS.ProcessEnv,
  variables: Readonly<Partial<Record<MachineVariable, string>>>,
): void {
  Object.assign(environment, variables);
}

/** Where the client itself looks for Azure Arc's agent: @azure/msal-node, `AzureArc.mjs`. */
function arcAgentPaths(environment: Readonly<Record<string, string>>): readonly string[] {
  if (process.platform === 'win32') {
    const programFiles = environment['ProgramFiles'] ?? 'C:\\Program Files';
    return [`${programFiles}\\AzureConnectedMachineAgent\\himds.exe`];
  }
  return ['/opt/azcmagent/bin/himds'];
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
