import { describe, expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import {
  conflictRows,
  type ExportedIdentity,
  type ExportTarget,
  type Tool,
  toolRows,
  variableNames,
} from '../../src/azure/tools.ts';

const identity: ExportedIdentity = {
  clientId: 'the-app',
  tenantId: 'the-tenant',
  tokenFile: '/private/federated-token',
  authorityHost: 'https://login.microsoftonline.us',
  cloud: clouds.usgovernment,
  endpoint: {
    IDENTITY_ENDPOINT: 'http://127.0.0.1:1/entra-app-token/msi/token',
    IDENTITY_HEADER: 'the-header',
    AZURE_CLIENT_ID: 'the-app',
  },
};

/** What the tool's rows set, in their order; a row whose variable keeps its own value is `undefined`. */
const variablesOf = (tool: ExportTarget, more: Partial<ExportedIdentity> = {}): object =>
  Object.fromEntries(
    toolRows[tool].flatMap((row) => ('set' in row ? [[row.name, row.set({ ...identity, ...more })]] : [])),
  );

const workloadIdentity = {
  AZURE_CLIENT_ID: 'the-app',
  AZURE_TENANT_ID: 'the-tenant',
  AZURE_FEDERATED_TOKEN_FILE: '/private/federated-token',
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/',
};
const provider = {
  ARM_CLIENT_ID: 'the-app',
  ARM_TENANT_ID: 'the-tenant',
  ARM_SUBSCRIPTION_ID: undefined,
  ARM_USE_OIDC: 'true',
  ARM_OIDC_TOKEN_FILE_PATH: '/private/federated-token',
  ARM_ENVIRONMENT: 'usgovernment',
};
const ansible = {
  AZURE_CLIENT_ID: 'the-app',
  AZURE_TENANT: 'the-tenant',
  AZURE_SUBSCRIPTION_ID: undefined,
  AZURE_FEDERATED_TOKEN_FILE: '/private/federated-token',
  AZURE_CLOUD_ENVIRONMENT: 'AzureUSGovernment',
};

describe('the variables that each tool reads', () => {
  test.each<readonly [ExportTarget, object]>([
    ['azure-sdk', workloadIdentity],
    ['terraform', provider],
    ['azcopy', { ...workloadIdentity, AZCOPY_AUTO_LOGIN_TYPE: 'WORKLOAD' }],
    ['kubelogin', { ...workloadIdentity, AAD_LOGIN_METHOD: 'workloadidentity' }],
    ['pulumi', provider],
    ['ansible', ansible],
    [
      'managed-identity',
      {
        IDENTITY_ENDPOINT: 'http://127.0.0.1:1/entra-app-token/msi/token',
        IDENTITY_HEADER: 'the-header',
        AZURE_CLIENT_ID: 'the-app',
        NO_PROXY: undefined,
        no_proxy: undefined,
      },
    ],
  ])('%s', (tool, expected) => {
    expect(variablesOf(tool)).toEqual(expected);
  });

  test.each<readonly [ExportTarget, object]>([
    ['terraform', { ARM_SUBSCRIPTION_ID: 'sub' }],
    ['pulumi', { ARM_SUBSCRIPTION_ID: 'sub' }],
    ['ansible', { AZURE_SUBSCRIPTION_ID: 'sub' }],
  ])('%s with a subscription', (tool, expected) => {
    expect(variablesOf(tool, { subscriptionId: 'sub' })).toMatchObject(expected);
  });

  test('each cloud has Terraform’s own name', () => {
    const names = Object.values(clouds).map((cloud) => variablesOf('terraform', { cloud }));
    expect(names).toMatchObject([
      { ARM_ENVIRONMENT: 'public' },
      { ARM_ENVIRONMENT: 'usgovernment' },
      { ARM_ENVIRONMENT: 'china' },
    ]);
  });
});

test('the names that `export` and `login` set', () => {
  expect([...variableNames()].sort()).toEqual([
    'AAD_LOGIN_METHOD',
    'ARM_CLIENT_ID',
    'ARM_ENVIRONMENT',
    'ARM_OIDC_TOKEN_FILE_PATH',
    'ARM_SUBSCRIPTION_ID',
    'ARM_TENANT_ID',
    'ARM_USE_OIDC',
    'AZCOPY_AUTO_LOGIN_TYPE',
    'AZURE_AUTHORITY_HOST',
    'AZURE_CLIENT_ID',
    'AZURE_CLOUD_ENVIRONMENT',
    'AZURE_CONFIG_DIR',
    'AZURE_EXTENSION_DIR',
    'AZURE_FEDERATED_TOKEN_FILE',
    'AZURE_SUBSCRIPTION_ID',
    'AZURE_TENANT',
    'AZURE_TENANT_ID',
    'GIT_CONFIG_COUNT',
    'GIT_CONFIG_KEY_*',
    'GIT_CONFIG_VALUE_*',
    'IDENTITY_ENDPOINT',
    'IDENTITY_HEADER',
    'NO_PROXY',
    'no_proxy',
  ]);
});

const providerConflicts = (tool: string) => ({
  ARM_CLIENT_SECRET: `is a secret that ${tool} prefers to the exported identity`,
  ARM_CLIENT_SECRET_FILE_PATH: `names a secret that ${tool} prefers to the exported identity`,
  'ARM_CLIENT_CERTIFICATE*': `is a certificate that ${tool} prefers to the exported identity`,
  ARM_OIDC_TOKEN: 'is a token that contradicts the exported file',
  ARM_CLIENT_ID_FILE_PATH: 'names an app that contradicts the exported one',
  ARM_USE_MSI: `makes ${tool} act as a managed identity of the machine`,
  ARM_USE_AKS_WORKLOAD_IDENTITY: `makes ${tool} act as the pod’s workload identity`,
});

/** The end of a sentence that begins with the variable. */
describe('what each conflicting variable does to its tool', () => {
  test.each<readonly [Tool, Readonly<Record<string, string>>]>([
    [
      'azure-sdk',
      {
        AZURE_CLIENT_SECRET: 'is a secret that the SDKs prefer to the exported identity',
        'AZURE_CLIENT_CERTIFICATE_*': 'names a certificate that the SDKs prefer to the exported identity',
        AZURE_USERNAME: 'makes the SDKs sign in a user',
        AZURE_PASSWORD: 'makes the SDKs sign in a user',
        AZURE_TOKEN_CREDENTIALS: 'makes the SDKs use another kind of credential',
      },
    ],
    ['terraform', providerConflicts('Terraform')],
    ['azcopy', { AZCOPY_OAUTH_TOKEN_INFO: 'is a token that azcopy prefers to the exported identity' }],
    [
      'kubelogin',
      {
        ACTIONS_ID_TOKEN_REQUEST_TOKEN:
          'makes kubelogin present GitHub’s own OIDC token (remove `id-token: write` from the job’s permissions)',
      },
    ],
    ['pulumi', providerConflicts('Pulumi')],
    [
      'ansible',
      {
        AZURE_FEDERATED_TOKEN: 'is a token that Ansible prefers to the exported file',
        ANSIBLE_AZURE_AUTH_SOURCE: 'makes Ansible take its identity from another source',
        AZURE_SECRET: 'is a secret that Ansible prefers to the exported identity',
        AZURE_PASSWORD: 'makes Ansible sign in a user',
        AZURE_AD_USER: 'makes Ansible sign in a user',
        AZURE_X509_CERTIFICATE_PATH: 'names a certificate that contradicts the exported file',
        AZURE_PROFILE: 'makes Ansible read another identity from its own profile file',
      },
    ],
    ['azure-cli', { AZURE_CLOUD_NAME: 'makes az work in another cloud than the one it is signed in to' }],
  ])('%s', (tool, expected) => {
    expect(Object.fromEntries(conflictRows(tool).map(({ name, conflict }) => [name, conflict]))).toEqual(
      expected,
    );
  });
});
