import type { Cloud } from '../azure/clouds.ts';

/** What an exported identity consists of, from which every tool's variables are made. */
export interface ExportedIdentity {
  readonly clientId: string;
  /** The GUID, where a token told it; else as the user wrote it. */
  readonly tenantId: string;
  readonly subscriptionId?: string;
  readonly tokenFile: string;
  readonly authorityHost: string;
  readonly cloud: Cloud;
}

export const exportTargets = ['azure-sdk', 'terraform'] as const;
export type ExportTarget = (typeof exportTargets)[number];

export const loginTargets = ['azure-cli'] as const;
export type LoginTarget = (typeof loginTargets)[number];

interface VariableRow {
  readonly name: string;
  /** Nothing when the variable is not to be set. */
  readonly value: (identity: ExportedIdentity) => string | undefined;
}

/**
 * The variables each tool reads. None is secret: they point at the assertion's file.
 *
 * Sources: https://learn.microsoft.com/azure/aks/workload-identity-overview and the SDKs'
 * `WorkloadIdentityCredential`; https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/guides/service_principal_oidc.
 */
export const toolVariables: Readonly<Record<ExportTarget, readonly VariableRow[]>> = {
  'azure-sdk': [
    { name: 'AZURE_CLIENT_ID', value: ({ clientId }) => clientId },
    { name: 'AZURE_TENANT_ID', value: ({ tenantId }) => tenantId },
    { name: 'AZURE_FEDERATED_TOKEN_FILE', value: ({ tokenFile }) => tokenFile },
    // Some Python releases use the file only when this is set too.
    { name: 'AZURE_AUTHORITY_HOST', value: ({ authorityHost }) => authorityHost },
  ],
  terraform: [
    { name: 'ARM_CLIENT_ID', value: ({ clientId }) => clientId },
    { name: 'ARM_TENANT_ID', value: ({ tenantId }) => tenantId },
    { name: 'ARM_SUBSCRIPTION_ID', value: ({ subscriptionId }) => subscriptionId },
    { name: 'ARM_USE_OIDC', value: () => 'true' },
    { name: 'ARM_OIDC_TOKEN_FILE_PATH', value: ({ tokenFile }) => tokenFile },
    { name: 'ARM_ENVIRONMENT', value: ({ cloud }) => cloud.terraform },
  ],
};

/** The variables a tool's sign-in sets. */
export const loginVariables: Readonly<Record<LoginTarget, readonly string[]>> = {
  'azure-cli': ['AZURE_CONFIG_DIR', 'AZURE_EXTENSION_DIR'],
};

export interface RivalRow {
  /** A name ending in `*` stands for all that begin so. */
  readonly name: string;
  /** What the tool does with it, as the end of a sentence that begins with the variable. */
  readonly effect: string;
  /** Values with which it changes nothing. An empty one never does. */
  readonly harmless?: (value: string, cloud: Cloud) => boolean;
}

/** As Go's `strconv.ParseBool`, by which Terraform's providers read their switches. */
const isFalse = (value: string): boolean => /^(false|f|0)$/iu.test(value);

/**
 * Variables which, when the job has set them, make a tool act as somebody else than the identity it is given.
 *
 * Sources: azure-sdk, https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential, which every SDK
 * asks first, and https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains for
 * AZURE_TOKEN_CREDENTIALS; terraform,
 * https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs#argument-reference and the order of
 * hashicorp/go-azure-sdk, `sdk/auth/auth.go`; azure-cli, knack's `config.py`, by which `AZURE_<SECTION>_<OPTION>`
 * stands above az's own settings.
 */
export const rivalVariables: Readonly<Record<ExportTarget | LoginTarget, readonly RivalRow[]>> = {
  'azure-sdk': [
    { name: 'AZURE_CLIENT_SECRET', effect: 'is a secret that the SDKs prefer to the exported identity' },
    {
      name: 'AZURE_CLIENT_CERTIFICATE_*',
      effect: 'names a certificate that the SDKs prefer to the exported identity',
    },
    { name: 'AZURE_USERNAME', effect: 'makes the SDKs sign in a user' },
    { name: 'AZURE_PASSWORD', effect: 'makes the SDKs sign in a user' },
    {
      name: 'AZURE_TOKEN_CREDENTIALS',
      effect: 'makes the SDKs take another kind of credential',
      harmless: (value) => /^(prod|WorkloadIdentityCredential)$/iu.test(value),
    },
  ],
  terraform: [
    { name: 'ARM_CLIENT_SECRET', effect: 'is a secret that Terraform prefers to the exported identity' },
    {
      name: 'ARM_CLIENT_SECRET_FILE_PATH',
      effect: 'names a secret that Terraform prefers to the exported identity',
    },
    {
      name: 'ARM_CLIENT_CERTIFICATE*',
      effect: 'is a certificate that Terraform prefers to the exported identity',
    },
    { name: 'ARM_OIDC_TOKEN', effect: 'is a token that stands against the exported file' },
    { name: 'ARM_CLIENT_ID_FILE_PATH', effect: 'names an app that stands against the exported one' },
    {
      name: 'ARM_USE_MSI',
      effect: 'makes Terraform act as a managed identity of the machine',
      harmless: isFalse,
    },
    {
      name: 'ARM_USE_AKS_WORKLOAD_IDENTITY',
      effect: 'makes Terraform act as the pod’s workload identity',
      harmless: isFalse,
    },
  ],
  'azure-cli': [
    {
      name: 'AZURE_CLOUD_NAME',
      effect: 'makes az work in another cloud than the one it is signed in to',
      harmless: (value, cloud) => value === cloud.azureCli,
    },
  ],
};
