import { describe, expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import { type ExportedIdentity, type ExportTarget, toolRows, variableNames } from '../../src/azure/tools.ts';

const identity: ExportedIdentity = {
  clientId: 'the-app',
  tenantId: 'the-tenant',
  tokenFile: '/private/federated-token',
  authorityHost: 'https://login.microsoftonline.us',
  cloud: clouds.usgovernment,
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
  ]);
});
