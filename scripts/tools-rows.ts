/** The tools of docs/tools.md: what to give each, and what its users should know. */
export interface ToolPageRow {
  readonly tool: string;
  readonly tested: Tested;
  readonly input: string;
  readonly reads: string;
  readonly lasts: Lasts;
  readonly traps?: readonly string[];
}

export type Tested =
  /** `npm run test:clients` runs it and keeps a proof under this name. */
  | { readonly kind: 'here'; readonly proof: string }
  /** It ran against the embedded Azure on another machine, outside this project's tests. */
  | { readonly kind: 'elsewhere'; readonly versions: string }
  /** Nobody ran it. `source` says where its behavior was read. */
  | { readonly kind: 'not-run'; readonly source: string };

/** How a tool gets new app tokens, and how long it works. */
export type Lasts = 'endpoint' | 'file' | 'provider' | 'start' | 'session' | 'token' | 'registry';

/** The text of the two columns for each way. */
export const lasting: Readonly<Record<Lasts, { readonly renews: string; readonly longJobs: string }>> = {
  endpoint: { renews: 'yes, from the endpoint', longJobs: 'as long as the job runs' },
  file: { renews: 'yes, from the file', longJobs: 'up to 24 hours' },
  provider: { renews: 'yes, from the assertion that it read at its start', longJobs: 'up to 24 hours' },
  start: { renews: 'each start requests a new token', longJobs: 'up to 24 hours' },
  session: { renews: 'yes, from the assertion stored at sign-in', longJobs: 'up to 24 hours' },
  token: { renews: 'no', longJobs: '60 to 90 minutes, then run the step again' },
  registry: { renews: 'no', longJobs: '3 hours, then run the step again' },
};

const sdkVariables =
  '`AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_AUTHORITY_HOST`';
const providerVariables =
  '`ARM_CLIENT_ID`, `ARM_TENANT_ID`, `ARM_SUBSCRIPTION_ID`, `ARM_USE_OIDC`, `ARM_OIDC_TOKEN_FILE_PATH`, `ARM_ENVIRONMENT`';
const identityTrap =
  '`ManagedIdentityCredential` no longer means the machine: see [Inputs](inputs.md#the-machines-own-identity-after-export-azure-sdk).';
const registryInput = '`scopes: ACR_PASSWORD = acr:contoso.azurecr.io`';
const registryReads = 'the password on stdin: see [Registries](registries.md)';
const discoveryTrap = 'With a custom `authority-host`, disable instance discovery in the credential.';

export const toolPageRows: readonly ToolPageRow[] = [
  {
    tool: 'every SDK and tool that asks for a managed identity',
    tested: { kind: 'not-run', source: '[The job’s identity endpoint](managed-identity.md)' },
    input: '`export: managed-identity`',
    reads: '`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`, `AZURE_CLIENT_ID`',
    lasts: 'endpoint',
  },
  {
    tool: 'Azure SDK for JavaScript',
    tested: { kind: 'here', proof: 'Azure SDK for JavaScript' },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
    traps: [
      identityTrap,
      discoveryTrap,
      '`AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential` throws in `@azure/identity` 4.10. Do not set it, or use `prod`.',
    ],
  },
  {
    tool: 'Azure SDK for Python',
    tested: { kind: 'here', proof: 'Azure SDK for Python' },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
    traps: [identityTrap, discoveryTrap],
  },
  {
    tool: 'Azure SDK for Python, async',
    tested: { kind: 'here', proof: 'Azure SDK for Python, async' },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
  },
  {
    tool: 'Azure SDK for Go',
    tested: { kind: 'here', proof: 'Azure SDK for Go' },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
    traps: [discoveryTrap],
  },
  {
    tool: 'Azure SDK for Java',
    tested: { kind: 'here', proof: 'Azure SDK for Java' },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
    traps: [
      'Java ignores `HTTPS_PROXY`. Set `-Dhttps.proxyHost` and `-Dhttps.proxyPort`, or configure the proxy in the program.',
      discoveryTrap,
    ],
  },
  {
    tool: 'Azure SDK for .NET',
    tested: {
      kind: 'elsewhere',
      versions: 'Azure.Identity 1.21, Azure.Storage.Blobs 12.30',
    },
    input: '`export: azure-sdk`',
    reads: sdkVariables,
    lasts: 'file',
    traps: [
      `${identityTrap} The managed identity authentication of SqlClient is affected too.`,
      discoveryTrap,
      'A certificate authority of your own: `SSL_CERT_FILE` on Linux, the certificate store on Windows.',
    ],
  },
  {
    tool: 'Terraform, azurerm backend',
    tested: { kind: 'here', proof: 'Terraform, azurerm backend' },
    input: '`export: terraform` and `subscription-id`',
    reads: providerVariables,
    lasts: 'provider',
    traps: ['The state needs `use_azuread_auth = true` and the role _Storage Blob Data Contributor_.'],
  },
  {
    tool: 'Terraform providers azurerm, azuread (go-azure-sdk)',
    tested: { kind: 'here', proof: 'go-azure-sdk' },
    input: '`export: terraform` and `subscription-id`',
    reads: providerVariables,
    lasts: 'provider',
    traps: [
      'The tests run the sign-in library of the providers, not the providers.',
      'With `ARM_USE_MSI`, the providers act as the machine. The step fails if the job sets it.',
    ],
  },
  {
    tool: 'Pulumi, azure-native',
    tested: {
      kind: 'not-run',
      source: 'https://www.pulumi.com/registry/packages/azure-native/installation-configuration/',
    },
    input: '`export: pulumi` and `subscription-id`',
    reads: providerVariables,
    lasts: 'provider',
  },
  {
    tool: 'Azure CLI',
    tested: { kind: 'here', proof: 'Azure CLI' },
    input: '`login: azure-cli`',
    reads: '`AZURE_CONFIG_DIR`, `AZURE_EXTENSION_DIR`',
    lasts: 'session',
    traps: [
      'The session lasts as long as the assertion that was stored at sign-in ([azure-cli#28708](https://github.com/Azure/azure-cli/issues/28708)). If that is short, the log warns.',
      'A proxy’s certificate authority: `REQUESTS_CA_BUNDLE`.',
    ],
  },
  {
    tool: 'git in Azure Repos',
    tested: { kind: 'here', proof: 'git' },
    input: '`login: git`',
    reads: '`GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_n`, `GIT_CONFIG_VALUE_n`',
    lasts: 'file',
    traps: ['Needs git 2.31. It works for `https` addresses only: see [git](git.md).'],
  },
  {
    tool: 'crane',
    tested: { kind: 'here', proof: 'crane' },
    input: registryInput,
    reads: registryReads,
    lasts: 'registry',
  },
  {
    tool: 'oras',
    tested: { kind: 'here', proof: 'oras' },
    input: registryInput,
    reads: registryReads,
    lasts: 'registry',
  },
  {
    tool: 'helm',
    tested: { kind: 'here', proof: 'helm' },
    input: registryInput,
    reads: registryReads,
    lasts: 'registry',
  },
  {
    tool: 'Azure Developer CLI (azd)',
    tested: {
      kind: 'not-run',
      source: 'https://learn.microsoft.com/azure/developer/azure-developer-cli/reference',
    },
    input: '`login: azure-cli`, then `azd config set auth.useAzCliAuth true`',
    reads: 'the session of `az`',
    lasts: 'session',
  },
  {
    tool: 'Azure PowerShell',
    tested: {
      kind: 'not-run',
      source: '[PowerShell](powershell.md#azure-powershell); read in the source of the Az modules',
    },
    input: '`export: azure-sdk`',
    reads: 'the arguments of `Connect-AzAccount`',
    lasts: 'session',
    traps: [
      '`-FederatedToken` takes the token, not a path. Sign in once in each step, with `-Scope Process`.',
      'PowerShell’s list view breaks a token over lines, and masks no longer match: see [PowerShell](powershell.md).',
    ],
  },
  {
    tool: 'Microsoft Graph PowerShell',
    tested: {
      kind: 'not-run',
      source: '[PowerShell](powershell.md#microsoft-graph); read in the source of the module',
    },
    input: '`scopes: GRAPH_TOKEN = graph`',
    reads: '`-AccessToken` of `Connect-MgGraph`',
    lasts: 'token',
    traps: [
      '`Connect-MgGraph -EnvironmentVariable` supports secrets and certificates only. Use `-AccessToken`.',
    ],
  },
  {
    tool: 'PowerShell 7, `Invoke-RestMethod`',
    tested: { kind: 'elsewhere', versions: 'PowerShell 7.6' },
    input: '`scopes: NAME = SCOPE`',
    reads: 'your own header',
    lasts: 'token',
  },
  {
    tool: 'azcopy',
    tested: { kind: 'here', proof: 'azcopy' },
    input: '`export: azcopy`',
    reads: `${sdkVariables}, \`AZCOPY_AUTO_LOGIN_TYPE\``,
    lasts: 'file',
    traps: ['The binary of the npm package needs Debian’s `libsecret-1-0`.'],
  },
  {
    tool: 'kubelogin',
    tested: { kind: 'here', proof: 'kubelogin' },
    input: '`export: kubelogin`',
    reads: `${sdkVariables}, \`AAD_LOGIN_METHOD\``,
    lasts: 'start',
    traps: [
      'Not in a GitHub job with `id-token: write`: kubelogin would present GitHub’s own OIDC token. The step fails and says so.',
    ],
  },
  {
    tool: 'Ansible, azure.azcollection',
    tested: { kind: 'here', proof: 'Ansible, azure.azcollection' },
    input: '`export: ansible` and `subscription-id`',
    reads:
      '`AZURE_CLIENT_ID`, `AZURE_TENANT`, `AZURE_SUBSCRIPTION_ID`, `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLOUD_ENVIRONMENT`',
    lasts: 'start',
    traps: ['Older collections read `AZURE_TENANT`, not `AZURE_TENANT_ID`, and do not read the token file.'],
  },
  {
    tool: 'Fabric CLI',
    tested: { kind: 'here', proof: 'Fabric CLI' },
    input: '`scopes: FAB_TOKEN = https://analysis.windows.net/powerbi/api`, `FAB_TOKEN_ONELAKE = storage`',
    reads: '`FAB_TOKEN`, `FAB_TOKEN_ONELAKE`',
    lasts: 'token',
  },
  {
    tool: 'Databricks CLI and SDKs',
    tested: {
      kind: 'not-run',
      source: 'https://learn.microsoft.com/azure/databricks/dev-tools/auth/aad-token-manual',
    },
    input: '`scopes: DATABRICKS_TOKEN = databricks`',
    reads: '`DATABRICKS_HOST` (yours), `DATABRICKS_TOKEN`',
    lasts: 'token',
  },
  {
    tool: 'sqlcmd (go-mssqldb)',
    tested: { kind: 'not-run', source: 'https://github.com/microsoft/go-mssqldb' },
    input: '`export: azure-sdk`',
    reads: 'the SDKs’ variables, with `fedauth=ActiveDirectoryWorkloadIdentity`',
    lasts: 'start',
  },
  {
    tool: 'Packer, azure',
    tested: {
      kind: 'not-run',
      source: 'https://developer.hashicorp.com/packer/integrations/hashicorp/azure',
    },
    input: '`export: azure-sdk`',
    reads: '`client_jwt`: the content of the file in `AZURE_FEDERATED_TOKEN_FILE`',
    lasts: 'start',
    traps: [
      'In a Packer template, pass the content through a variable that is marked `sensitive`. Never write it to an argument.',
    ],
  },
];
