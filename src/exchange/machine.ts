/**
 * Which endpoint of this machine issues its identity's token, from the variables that Azure's hosts set.
 * Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-managed-identities-work-vm
 * and each row's own.
 */

/** Facts about the machine that decide where its identity is asked. */
export interface MachineFacts {
  readonly variables: Readonly<Partial<Record<MachineVariable, string>>>;
  /** The Azure Connected Machine agent is installed: Azure Arc, even if no variable says so. */
  readonly arcAgentInstalled: boolean;
}

export const machineVariables = [
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'IDENTITY_SERVER_THUMBPRINT',
  'IMDS_ENDPOINT',
  'MSI_ENDPOINT',
  'MSI_SECRET',
] as const;
export type MachineVariable = (typeof machineVariables)[number];

/** An endpoint that serves user-assigned identities. */
export interface Machine {
  readonly kind: 'imds' | 'app-service';
  /** Where it listens. */
  readonly endpoint: string;
  /** Why it was chosen, for debug lines. */
  readonly because: string;
  /** The variables that the managed identity client must see; every other machine variable must be absent. */
  readonly variables: Readonly<Partial<Record<MachineVariable, string>>>;
  /** What logs must not show: the App Service endpoint's header. */
  readonly secret?: string;
}

export type MachineProblem =
  | {
      readonly kind: 'unfit-machine';
      readonly machine: string;
      readonly reason: string;
      readonly fix: string;
    }
  | { readonly kind: 'metadata-override'; readonly value: string }
  /** `IDENTITY_ENDPOINT` is not an http or https address. */
  | { readonly kind: 'invalid-endpoint'; readonly value: string }
  /** `IDENTITY_HEADER` has characters that a header cannot have. Its value is a secret. */
  | { readonly kind: 'invalid-header' };

const azureHosts = 'Run the job on a virtual machine, a scale set or Container Apps.';
const systemAssignedOnly =
  'It offers only a system-assigned identity. Apps can trust only user-assigned identities.';

/** Machines that cannot be used, in the order in which the managed identity client tells them apart. */
export const unfitMachines: readonly {
  readonly machine: string;
  readonly reason: string;
  readonly fix: string;
  readonly applies: (facts: MachineFacts) => boolean;
}[] = [
  {
    // https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
    machine: 'Azure Service Fabric',
    reason:
      'The cluster chooses the identity, so a job cannot select one. Its endpoint also uses its own TLS certificate.',
    fix: azureHosts,
    applies: ({ variables: v }) =>
      isSet(v.IDENTITY_ENDPOINT) && isSet(v.IDENTITY_HEADER) && isSet(v.IDENTITY_SERVER_THUMBPRINT),
  },
  {
    // https://learn.microsoft.com/azure/container-instances/container-instances-managed-identity
    machine: 'Azure Container Instances on Windows',
    reason: 'Its identity endpoint uses an old protocol that the managed identity client does not support.',
    fix: 'Run the job in a Linux container group.',
    applies: ({ variables: v }) => isSet(v.IDENTITY_ENDPOINT) && v.IDENTITY_ENDPOINT.includes('api-version='),
  },
  {
    // https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication
    machine: 'Azure Machine Learning, or App Service with only the retired 2017-09-01 endpoint',
    reason:
      'Its identity endpoint (MSI_ENDPOINT with MSI_SECRET) does not reliably return a chosen user-assigned identity.',
    fix: azureHosts,
    applies: ({ variables: v }) => !appService(v) && isSet(v.MSI_ENDPOINT) && isSet(v.MSI_SECRET),
  },
  {
    // https://learn.microsoft.com/azure/cloud-shell/msi-authorization
    machine: 'Azure Cloud Shell',
    reason: 'It returns the token of the signed-in person, not of a user-assigned managed identity.',
    fix: azureHosts,
    applies: ({ variables: v }) => !appService(v) && isSet(v.MSI_ENDPOINT),
  },
  {
    // https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
    machine: 'an Azure Arc-enabled server',
    reason: systemAssignedOnly,
    fix: azureHosts,
    applies: ({ variables: v, arcAgentInstalled }) =>
      !appService(v) && ((isSet(v.IDENTITY_ENDPOINT) && isSet(v.IMDS_ENDPOINT)) || arcAgentInstalled),
  },
];

/** The machine's endpoint, or why this machine cannot be used. Sends nothing. */
export function detectMachine(facts: MachineFacts): Machine | MachineProblem {
  const { variables } = facts;
  const unfit = unfitMachines.find((row) => row.applies(facts));
  if (unfit) {
    const { machine, reason, fix } = unfit;
    return { kind: 'unfit-machine', machine, reason, fix };
  }
  if (appService(variables)) {
    const url = URL.canParse(variables.IDENTITY_ENDPOINT) ? new URL(variables.IDENTITY_ENDPOINT) : undefined;
    if (url === undefined || !/^https?:$/u.test(url.protocol)) {
      return { kind: 'invalid-endpoint', value: variables.IDENTITY_ENDPOINT };
    }
    if (!headerText.test(variables.IDENTITY_HEADER)) return { kind: 'invalid-header' };
    return {
      kind: 'app-service',
      endpoint: variables.IDENTITY_ENDPOINT,
      because: 'IDENTITY_ENDPOINT and IDENTITY_HEADER are set',
      secret: variables.IDENTITY_HEADER,
      variables: {
        IDENTITY_ENDPOINT: variables.IDENTITY_ENDPOINT,
        IDENTITY_HEADER: variables.IDENTITY_HEADER,
      },
    };
  }
  const override = variables.AZURE_POD_IDENTITY_AUTHORITY_HOST?.trim();
  if (!isSet(override)) {
    return {
      kind: 'imds',
      endpoint: 'http://169.254.169.254',
      because: 'no variable names another identity endpoint',
      variables: {},
    };
  }
  // With any other address, whoever sets the job's environment could choose the server that issues the identity.
  if (!isLoopback(override)) return { kind: 'metadata-override', value: override };
  return {
    kind: 'imds',
    endpoint: override,
    because: 'AZURE_POD_IDENTITY_AUTHORITY_HOST names a loopback address',
    variables: { AZURE_POD_IDENTITY_AUTHORITY_HOST: override.replace(/\/+$/u, '') },
  };
}

/** What Node accepts in a header: https://nodejs.org/api/http.html#httpvalidateheadervaluename-value */
const headerText = /^[\t\u0020-\u007e\u0080-\u00ff]+$/u;

function appService(
  variables: MachineFacts['variables'],
): variables is { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string } {
  return isSet(variables.IDENTITY_ENDPOINT) && isSet(variables.IDENTITY_HEADER);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u;
/** https://www.rfc-editor.org/rfc/rfc3927 and https://www.rfc-editor.org/rfc/rfc4291#section-2.5.6 */
const linkLocal = /^(169\.254(\.\d{1,3}){2}|\[fe[89ab][\da-f]:.*\])$/u;

function isLoopback(url: string): boolean {
  return isAt(url, ['http:'], [loopback]);
}

/** Where the identity endpoint of a machine can be: no other machine answers at such an address. */
export function isOnThisMachine(url: string): boolean {
  return isAt(url, ['http:', 'https:'], [loopback, linkLocal]);
}

function isAt(url: string, protocols: readonly string[], hosts: readonly RegExp[]): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  const plain = username === '' && password === '';
  return plain && protocols.includes(protocol) && hosts.some((pattern) => pattern.test(hostname));
}
