/**
 * Which endpoint of this machine hands out its identity's token, from the variables that Azure's hosts set.
 * Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-managed-identities-work-vm
 * and each row's own.
 */

/** Facts about the machine that decide where its identity is asked. */
export interface MachineFacts {
  readonly variables: Readonly<Partial<Record<MachineVariable, string>>>;
  /** The Azure Connected Machine agent is installed: Azure Arc, even where no variable says so. */
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
  /** Where it listens, for messages. */
  readonly endpoint: string;
  /** Its variables, which the managed identity client reads; every other machine variable must be gone. */
  readonly variables: Readonly<Partial<Record<MachineVariable, string>>>;
  /** What must be hidden in logs: the App Service endpoint's header. */
  readonly secret?: string;
}

export type MachineProblem =
  | { readonly kind: 'machine-unfit'; readonly machine: string; readonly reason: string }
  | { readonly kind: 'metadata-override'; readonly value: string };

const systemAssignedOnly =
  'it offers a system-assigned identity only, and an app registration can trust none but a user-assigned one';

/** Machines that cannot serve, in the order in which the managed identity client tells them apart. */
export const unfitMachines: readonly {
  readonly machine: string;
  readonly reason: string;
  readonly applies: (facts: MachineFacts) => boolean;
}[] = [
  {
    // https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
    machine: 'Azure Service Fabric',
    reason:
      'the cluster chooses the identity, over TLS with a certificate of its own, and a job cannot name one; run the job on a virtual machine, a scale set or Container Apps',
    applies: ({ variables: v }) =>
      set(v.IDENTITY_ENDPOINT) && set(v.IDENTITY_HEADER) && set(v.IDENTITY_SERVER_THUMBPRINT),
  },
  {
    // https://learn.microsoft.com/azure/container-instances/container-instances-managed-identity
    machine: 'Azure Container Instances on Windows',
    reason:
      'its identity endpoint speaks an older protocol than the managed identity client; run the job in a Linux container group',
    applies: ({ variables: v }) => set(v.IDENTITY_ENDPOINT) && v.IDENTITY_ENDPOINT.includes('api-version='),
  },
  {
    // https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication
    machine: 'Azure Machine Learning, or App Service with the retired 2017-09-01 endpoint alone',
    reason:
      'its identity endpoint (MSI_ENDPOINT with MSI_SECRET) cannot be asked for a chosen user-assigned identity reliably; run the job on a virtual machine, a scale set or Container Apps',
    applies: ({ variables: v }) => !appService(v) && set(v.MSI_ENDPOINT) && set(v.MSI_SECRET),
  },
  {
    // https://learn.microsoft.com/azure/cloud-shell/msi-authorization
    machine: 'Azure Cloud Shell',
    reason: 'it hands out the token of the person signed in, never a user-assigned managed identity’s',
    applies: ({ variables: v }) => !appService(v) && set(v.MSI_ENDPOINT),
  },
  {
    // https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
    machine: 'an Azure Arc-enabled server',
    reason: systemAssignedOnly,
    applies: ({ variables: v, arcAgentInstalled }) =>
      !appService(v) && ((set(v.IDENTITY_ENDPOINT) && set(v.IMDS_ENDPOINT)) || arcAgentInstalled),
  },
];

/** The machine's endpoint, or why this machine cannot be used. Asks nobody. */
export function detectMachine(facts: MachineFacts): Machine | MachineProblem {
  const { variables } = facts;
  const hindrance = unfitMachines.find((row) => row.applies(facts));
  if (hindrance) {
    return { kind: 'machine-unfit', machine: hindrance.machine, reason: hindrance.reason };
  }
  if (appService(variables)) {
    return {
      kind: 'app-service',
      endpoint: variables.IDENTITY_ENDPOINT,
      secret: variables.IDENTITY_HEADER,
      variables: {
        IDENTITY_ENDPOINT: variables.IDENTITY_ENDPOINT,
        IDENTITY_HEADER: variables.IDENTITY_HEADER,
      },
    };
  }
  const override = variables.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  if (!set(override)) return { kind: 'imds', endpoint: 'http://169.254.169.254', variables: {} };
  // Anywhere but on this machine, whoever sets the job's environment would choose who vouches for it.
  if (!isLoopback(override)) return { kind: 'metadata-override', value: override };
  return {
    kind: 'imds',
    endpoint: override,
    variables: { AZURE_POD_IDENTITY_AUTHORITY_HOST: override.replace(/\/+$/u, '') },
  };
}

function appService(
  variables: MachineFacts['variables'],
): variables is { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string } {
  return set(variables.IDENTITY_ENDPOINT) && set(variables.IDENTITY_HEADER);
}

function set(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username } = new URL(url);
  return protocol === 'http:' && username === '' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u.test(hostname);
}
