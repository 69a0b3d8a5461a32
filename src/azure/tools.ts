import type { Cloud } from './clouds.ts';

/**
 * The tools that a step can hand the app's identity to, and the variables they read. Adding a tool is adding its name
 * and its rows.
 */

/** What an exported identity consists of. Every tool's variables are made from it. */
export interface ExportedIdentity {
  readonly clientId: string;
  /** The tenant's GUID if a token named it, otherwise as the user wrote it. */
  readonly tenantId: string;
  readonly subscriptionId?: string;
  /** The file with the assertion. There is none if the job has an identity endpoint. */
  readonly tokenFile?: string;
  /** The variables through which clients find the job's identity endpoint. */
  readonly endpoint?: Readonly<Partial<Record<string, string>>>;
  readonly authorityHost: string;
  readonly cloud: Cloud;
}

export const exportTargets = [
  'managed-identity',
  'azure-sdk',
  'terraform',
  'azcopy',
  'kubelogin',
  'pulumi',
  'ansible',
] as const;
export type ExportTarget = (typeof exportTargets)[number];

export const loginTargets = ['azure-cli', 'git'] as const;
export type LoginTarget = (typeof loginTargets)[number];

export type Tool = ExportTarget | LoginTarget;

/** A variable that the tool reads, and what the step does with it. */
export type ToolRow = SetRow | ClearRow | ConflictRow;

/** The step sets it; with no value the job's own stays. */
interface SetRow {
  readonly name: string;
  readonly set: (identity: ExportedIdentity) => string | undefined;
  /** The tool does not need it, so nothing is said if the job's own value stays. */
  readonly optional?: true;
}

/** The step sets it empty, because the tool would prefer it to what the step sets. */
interface ClearRow {
  readonly name: string;
  readonly clear: true;
}

/** If the job has set it, the tool would act as another identity: an error before any request. */
export interface ConflictRow {
  /** A name ending in `*` stands for all names that begin so. */
  readonly name: string;
  /** What the tool does with it, as the end of a sentence that begins with the variable. */
  readonly conflict: string;
  /** Values with which it changes nothing. An empty one never does. */
  readonly harmless?: (value: string, cloud: Cloud) => boolean;
  /** A value that a step of ours, or the machine itself, gave it. `export` then puts another in its place. */
  readonly replaced?: { readonly by: string; readonly if: (value: string) => boolean };
}

/** Booleans as Go's `strconv.ParseBool` reads them, which Terraform's providers use. */
const isFalse = (value: string): boolean => /^(false|f|0)$/iu.test(value);

/** kubelogin refuses an authority host without the slash; every SDK accepts it. */
const withSlash = (origin: string): string => `${origin}/`;

/**
 * What the SDKs' `WorkloadIdentityCredential` reads. Source:
 * https://learn.microsoft.com/azure/aks/workload-identity-overview.
 */
const workloadIdentity: readonly ToolRow[] = [
  { name: 'AZURE_CLIENT_ID', set: ({ clientId }) => clientId },
  { name: 'AZURE_TENANT_ID', set: ({ tenantId }) => tenantId },
  { name: 'AZURE_FEDERATED_TOKEN_FILE', set: ({ tokenFile }) => tokenFile },
  // Some Python releases use the file only if this is set too.
  { name: 'AZURE_AUTHORITY_HOST', set: ({ authorityHost }) => withSlash(authorityHost) },
];

/** What hashicorp/go-azure-sdk, `sdk/auth/auth.go`, prefers to the exported file. */
function providerRows(tool: string): readonly ToolRow[] {
  return [
    { name: 'ARM_CLIENT_ID', set: ({ clientId }) => clientId },
    { name: 'ARM_TENANT_ID', set: ({ tenantId }) => tenantId },
    { name: 'ARM_SUBSCRIPTION_ID', set: ({ subscriptionId }) => subscriptionId },
    { name: 'ARM_USE_OIDC', set: () => 'true' },
    { name: 'ARM_OIDC_TOKEN_FILE_PATH', set: ({ tokenFile }) => tokenFile },
    { name: 'ARM_ENVIRONMENT', set: ({ cloud }) => cloud.terraform },
    { name: 'ARM_CLIENT_SECRET', conflict: `is a secret that ${tool} prefers to the exported identity` },
    {
      name: 'ARM_CLIENT_SECRET_FILE_PATH',
      conflict: `names a secret that ${tool} prefers to the exported identity`,
    },
    {
      name: 'ARM_CLIENT_CERTIFICATE*',
      conflict: `is a certificate that ${tool} prefers to the exported identity`,
    },
    { name: 'ARM_OIDC_TOKEN', conflict: 'is a token that contradicts the exported file' },
    { name: 'ARM_CLIENT_ID_FILE_PATH', conflict: 'names an app that contradicts the exported one' },
    {
      name: 'ARM_USE_MSI',
      conflict: `makes ${tool} act as a managed identity of the machine`,
      harmless: isFalse,
    },
    {
      name: 'ARM_USE_AKS_WORKLOAD_IDENTITY',
      conflict: `makes ${tool} act as the pod’s workload identity`,
      harmless: isFalse,
    },
  ];
}

/** The file that AKS workload identity projects, and the one that `export` writes. No others lead to an app of this job. */
const isTokenFileOfOurs = (path: string): boolean =>
  path === '/var/run/secrets/azure/tokens/azure-identity-token' ||
  /[\\/]entra-app-token-[0-9a-f]{32}[\\/]federated-token$/u.test(path);

/**
 * Variables with which a client would not use the identity endpoint in its environment, or would act as somebody else.
 * Sources: the credential chains of the SDKs, as for azure-sdk above, and how they recognize a host: @azure/msal-node
 * `ManagedIdentityClient.mjs`, microsoft-authentication-library-for-python `managed_identity.py`, azure-sdk-for-go
 * `managed_identity_client.go`; Terraform, hashicorp/go-azure-sdk `sdk/auth/managed_identity_authorizer.go`; azcopy
 * and kubelogin as above.
 */
export const identityEndpointConflicts: readonly ConflictRow[] = [
  { name: 'AZURE_CLIENT_SECRET', conflict: 'is a secret that the SDKs prefer to the identity endpoint' },
  {
    name: 'AZURE_CLIENT_CERTIFICATE_*',
    conflict: 'names a certificate that the SDKs prefer to the identity endpoint',
  },
  { name: 'AZURE_USERNAME', conflict: 'makes the SDKs sign in a user' },
  { name: 'AZURE_PASSWORD', conflict: 'makes the SDKs sign in a user' },
  {
    name: 'AZURE_FEDERATED_TOKEN_FILE',
    conflict: 'names a token that the SDKs prefer to the identity endpoint',
    replaced: { by: '', if: isTokenFileOfOurs },
  },
  {
    name: 'AZURE_TOKEN_CREDENTIALS',
    conflict: 'makes the SDKs use another kind of credential',
    harmless: (value) => /^(prod|ManagedIdentityCredential)$/iu.test(value),
  },
  {
    name: 'IDENTITY_SERVER_THUMBPRINT',
    conflict: 'makes the SDKs ask in the form of Azure Service Fabric',
  },
  { name: 'IMDS_ENDPOINT', conflict: 'makes clients ask in the form of Azure Arc' },
  // App Service and Container Apps set these.
  ...['MSI_ENDPOINT', 'MSI_SECRET'].map(
    (name): ConflictRow => ({
      name,
      conflict: 'makes older clients ask the machine’s own identity endpoint',
      replaced: { by: '', if: () => true },
    }),
  ),
  {
    name: 'AZCOPY_AUTO_LOGIN_TYPE',
    conflict: 'makes azcopy use the token of a workload identity',
    harmless: (value) => !/^WORKLOAD$/iu.test(value),
    replaced: { by: '', if: () => true },
  },
  {
    name: 'AZCOPY_OAUTH_TOKEN_INFO',
    conflict: 'is a token that azcopy prefers to the identity endpoint',
  },
  {
    name: 'AAD_LOGIN_METHOD',
    conflict: 'makes kubelogin use the token of a workload identity',
    harmless: (value) => !/^workloadidentity$/iu.test(value),
    // kubelogin takes an empty one for a method that it does not know.
    replaced: { by: 'msi', if: () => true },
  },
  {
    name: 'ARM_USE_MSI',
    conflict:
      'makes Terraform ask the machine, because Terraform does not know this kind of identity endpoint (use `export: terraform`)',
    harmless: isFalse,
  },
];

/**
 * Sources: azure-sdk, https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential, which every SDK
 * asks first, and https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains for
 * AZURE_TOKEN_CREDENTIALS; terraform,
 * https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/guides/service_principal_oidc; azcopy,
 * azure-storage-azcopy `common/environment.go` and `common/oauthTokenManager.go`; kubelogin,
 * `pkg/internal/token/options.go` and `provider.go`; pulumi,
 * https://www.pulumi.com/registry/packages/azure-native/installation-configuration/; ansible, azure.azcollection
 * `plugins/module_utils/azure_rm_common.py`; azure-cli, knack's `config.py`, by which `AZURE_<SECTION>_<OPTION>`
 * overrides az's own settings.
 */
export const toolRows: Readonly<Record<Tool, readonly ToolRow[]>> = {
  'managed-identity': [
    ...['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_CLIENT_ID'].map(
      (name): SetRow => ({ name, set: ({ endpoint }) => endpoint?.[name] }),
    ),
    ...['NO_PROXY', 'no_proxy'].map(
      (name): SetRow => ({ name, set: ({ endpoint }) => endpoint?.[name], optional: true }),
    ),
    ...identityEndpointConflicts,
  ],
  'azure-sdk': [
    ...workloadIdentity,
    { name: 'AZURE_CLIENT_SECRET', conflict: 'is a secret that the SDKs prefer to the exported identity' },
    {
      name: 'AZURE_CLIENT_CERTIFICATE_*',
      conflict: 'names a certificate that the SDKs prefer to the exported identity',
    },
    { name: 'AZURE_USERNAME', conflict: 'makes the SDKs sign in a user' },
    { name: 'AZURE_PASSWORD', conflict: 'makes the SDKs sign in a user' },
    {
      name: 'AZURE_TOKEN_CREDENTIALS',
      conflict: 'makes the SDKs use another kind of credential',
      harmless: (value) => /^(prod|WorkloadIdentityCredential)$/iu.test(value),
    },
  ],
  terraform: providerRows('Terraform'),
  azcopy: [
    ...workloadIdentity,
    { name: 'AZCOPY_AUTO_LOGIN_TYPE', set: () => 'WORKLOAD' },
    { name: 'AZCOPY_OAUTH_TOKEN_INFO', conflict: 'is a token that azcopy prefers to the exported identity' },
  ],
  kubelogin: [
    ...workloadIdentity,
    { name: 'AAD_LOGIN_METHOD', set: () => 'workloadidentity' },
    {
      name: 'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
      conflict:
        'makes kubelogin present GitHub’s own OIDC token (remove `id-token: write` from the job’s permissions)',
    },
  ],
  pulumi: providerRows('Pulumi'),
  ansible: [
    { name: 'AZURE_CLIENT_ID', set: ({ clientId }) => clientId },
    // Older releases of azure.azcollection read this name, and not the SDKs' AZURE_TENANT_ID.
    { name: 'AZURE_TENANT', set: ({ tenantId }) => tenantId },
    { name: 'AZURE_SUBSCRIPTION_ID', set: ({ subscriptionId }) => subscriptionId },
    { name: 'AZURE_FEDERATED_TOKEN_FILE', set: ({ tokenFile }) => tokenFile },
    // azure.azcollection ignores AZURE_AUTHORITY_HOST and takes the sign-in address from the cloud's name.
    { name: 'AZURE_CLOUD_ENVIRONMENT', set: ({ cloud }) => cloud.azureCli },
    { name: 'AZURE_FEDERATED_TOKEN', conflict: 'is a token that Ansible prefers to the exported file' },
    {
      name: 'ANSIBLE_AZURE_AUTH_SOURCE',
      conflict: 'makes Ansible take its identity from another source',
      harmless: (value) => /^(auto|env)$/iu.test(value),
    },
    { name: 'AZURE_SECRET', conflict: 'is a secret that Ansible prefers to the exported identity' },
    { name: 'AZURE_PASSWORD', conflict: 'makes Ansible sign in a user' },
    { name: 'AZURE_AD_USER', conflict: 'makes Ansible sign in a user' },
    {
      name: 'AZURE_X509_CERTIFICATE_PATH',
      conflict: 'names a certificate that contradicts the exported file',
    },
    { name: 'AZURE_PROFILE', conflict: 'makes Ansible read another identity from its own profile file' },
  ],
  'azure-cli': [
    {
      name: 'AZURE_CLOUD_NAME',
      conflict: 'makes az work in another cloud than the one it is signed in to',
      harmless: (value, cloud) => value === cloud.azureCli,
    },
  ],
  git: [],
};

/** The variables that a tool's sign-in sets by itself. A `*` stands for any text. */
export const loginVariables: Readonly<Record<LoginTarget, readonly string[]>> = {
  'azure-cli': ['AZURE_CONFIG_DIR', 'AZURE_EXTENSION_DIR'],
  // https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
  git: ['GIT_CONFIG_COUNT', 'GIT_CONFIG_KEY_*', 'GIT_CONFIG_VALUE_*'],
};

/** Names that `export` and `login` set, empty or not. */
export function variableNames(): readonly string[] {
  const rows = Object.values(toolRows).flat();
  return [
    ...new Set([
      ...rows.filter((row) => !('conflict' in row)).map(({ name }) => name),
      ...Object.values(loginVariables).flat(),
    ]),
  ];
}

export function conflictRows(tool: Tool): readonly ConflictRow[] {
  return toolRows[tool].filter((row): row is ConflictRow => 'conflict' in row);
}
