import { describe, expect, test } from '@jest/globals';
import { type CloudName, clouds } from '../../src/azure/clouds.ts';
import type { Tool } from '../../src/azure/tools.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { refuseConflictingVariables } from '../../src/handover/job-environment.ts';

type Variables = Readonly<Record<string, string>>;

/** The variables that are refused, each with its tool. */
function conflicts(
  tools: readonly Tool[],
  variables: Variables,
  { windows = false, cloud = 'public' }: { readonly windows?: boolean; readonly cloud?: CloudName } = {},
): readonly string[] {
  try {
    refuseConflictingVariables(tools, clouds[cloud], { variables, windows });
    return [];
  } catch (error) {
    if (!(error instanceof HandoverError) || error.detail.kind !== 'conflicting-variables') throw error;
    return error.detail.variables.map(({ name, tool }) => `${name} ${tool}`);
  }
}

const all: readonly Tool[] = [
  'azure-sdk',
  'terraform',
  'azcopy',
  'kubelogin',
  'pulumi',
  'ansible',
  'azure-cli',
];

describe('every variable that makes a tool act as somebody else', () => {
  test.each<readonly [name: string, tools: readonly Tool[]]>([
    ['AZURE_CLIENT_SECRET', ['azure-sdk']],
    ['AZURE_CLIENT_CERTIFICATE_PATH', ['azure-sdk']],
    ['AZURE_CLIENT_CERTIFICATE_PASSWORD', ['azure-sdk']],
    ['AZURE_USERNAME', ['azure-sdk']],
    ['AZURE_PASSWORD', ['azure-sdk', 'ansible']],
    ['AZURE_TOKEN_CREDENTIALS', ['azure-sdk']],
    ['ARM_CLIENT_SECRET', ['terraform', 'pulumi']],
    ['ARM_CLIENT_SECRET_FILE_PATH', ['terraform', 'pulumi']],
    ['ARM_CLIENT_CERTIFICATE', ['terraform', 'pulumi']],
    ['ARM_CLIENT_CERTIFICATE_PATH', ['terraform', 'pulumi']],
    ['ARM_CLIENT_CERTIFICATE_PASSWORD', ['terraform', 'pulumi']],
    ['ARM_OIDC_TOKEN', ['terraform', 'pulumi']],
    ['ARM_CLIENT_ID_FILE_PATH', ['terraform', 'pulumi']],
    ['ARM_USE_MSI', ['terraform', 'pulumi']],
    ['ARM_USE_AKS_WORKLOAD_IDENTITY', ['terraform', 'pulumi']],
    ['AZCOPY_OAUTH_TOKEN_INFO', ['azcopy']],
    ['ACTIONS_ID_TOKEN_REQUEST_TOKEN', ['kubelogin']],
    ['AZURE_FEDERATED_TOKEN', ['ansible']],
    ['ANSIBLE_AZURE_AUTH_SOURCE', ['ansible']],
    ['AZURE_SECRET', ['ansible']],
    ['AZURE_AD_USER', ['ansible']],
    ['AZURE_X509_CERTIFICATE_PATH', ['ansible']],
    ['AZURE_PROFILE', ['ansible']],
    ['AZURE_CLOUD_NAME', ['azure-cli']],
  ])('%s: %j', (name, tools) => {
    expect(conflicts(all, { [name]: 'true' })).toEqual(tools.map((tool) => `${name} ${tool}`));
    expect(conflicts(all, { [name]: '' })).toEqual([]);
    const others = all.filter((tool) => !tools.includes(tool));
    expect(conflicts(others, { [name]: 'true' })).toEqual([]);
  });
});

test('all of them are named at once', () => {
  const variables = {
    AZURE_CLIENT_SECRET: 'x',
    ARM_USE_MSI: 'true',
    AZURE_CLOUD_NAME: 'AzureChinaCloud',
    OTHER: 'x',
  };
  expect(conflicts(['azure-sdk', 'terraform', 'azure-cli'], variables)).toEqual([
    'AZURE_CLIENT_SECRET azure-sdk',
    'ARM_USE_MSI terraform',
    'AZURE_CLOUD_NAME azure-cli',
  ]);
});

describe('harmless values', () => {
  test.each<readonly [name: string, value: string, expected: 'harmless' | 'refused']>([
    ['ARM_USE_MSI', 'False', 'harmless'],
    ['ARM_USE_MSI', 'false', 'harmless'],
    ['ARM_USE_MSI', 'f', 'harmless'],
    ['ARM_USE_MSI', '0', 'harmless'],
    ['ARM_USE_MSI', '1', 'refused'],
    ['ARM_USE_MSI', '10', 'refused'],
    ['ARM_USE_MSI', 'false or true', 'refused'],
    ['ARM_USE_MSI', 'not false', 'refused'],
    ['ARM_USE_MSI', 'no', 'refused'],
    ['ARM_USE_AKS_WORKLOAD_IDENTITY', '0', 'harmless'],
    ['ARM_USE_AKS_WORKLOAD_IDENTITY', 'true', 'refused'],
    ['AZURE_TOKEN_CREDENTIALS', 'prod', 'harmless'],
    ['AZURE_TOKEN_CREDENTIALS', 'WorkloadIdentityCredential', 'harmless'],
    ['AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential', 'refused'],
    ['AZURE_TOKEN_CREDENTIALS', 'dev', 'refused'],
    ['AZURE_TOKEN_CREDENTIALS', 'production', 'refused'],
    ['AZURE_TOKEN_CREDENTIALS', 'nonprod', 'refused'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'auto', 'harmless'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'ENV', 'harmless'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'msi', 'refused'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'environment', 'refused'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'not auto', 'refused'],
    ['AZURE_TOKEN_CREDENTIALS', 'AzureCliCredential', 'refused'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'env', 'harmless'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'cli', 'refused'],
    ['ANSIBLE_AZURE_AUTH_SOURCE', 'credential_file', 'refused'],
    ['AZURE_CLOUD_NAME', 'AzureCloud', 'harmless'],
    ['AZURE_CLOUD_NAME', 'AzureUSGovernment', 'refused'],
    // The exported variables themselves, of an earlier use in the job.
    ['AZURE_CLIENT_ID', 'x', 'harmless'],
    ['AZURE_TENANT_ID', 'x', 'harmless'],
    ['AZURE_FEDERATED_TOKEN_FILE', '/x', 'harmless'],
    ['ARM_USE_OIDC', 'true', 'harmless'],
    ['ARM_OIDC_TOKEN_FILE_PATH', '/x', 'harmless'],
    ['AZCOPY_AUTO_LOGIN_TYPE', 'MSI', 'harmless'],
    ['AAD_LOGIN_METHOD', 'msi', 'harmless'],
    ['AZURE_CONFIG_DIR', '/x', 'harmless'],
  ])('%s=%s is %s', (name, value, expected) => {
    expect(conflicts(all, { [name]: value }).length > 0).toBe(expected === 'refused');
  });

  test('az’s cloud is compared with the step’s', () => {
    const variables = { AZURE_CLOUD_NAME: 'AzureUSGovernment' };
    expect(conflicts(['azure-cli'], variables, { cloud: 'usgovernment' })).toEqual([]);
    expect(conflicts(['azure-cli'], variables, { cloud: 'china' })).toHaveLength(1);
  });
});

test('letter case counts, except on Windows', () => {
  const variables = { azure_client_secret: 'x', Arm_Client_Certificate_Path: 'x' };
  expect(conflicts(['azure-sdk', 'terraform'], variables)).toEqual([]);
  expect(conflicts(['azure-sdk', 'terraform'], variables, { windows: true })).toEqual([
    'azure_client_secret azure-sdk',
    'Arm_Client_Certificate_Path terraform',
  ]);
});

test('a name that only begins like one of them is no conflict', () => {
  expect(
    conflicts(all, { AZURE_CLIENT_SECRETS: 'x', MY_ARM_CLIENT_SECRET: 'x', ARM_OIDC_TOKENS: 'x' }),
  ).toEqual([]);
});

test('without a conflict nothing is thrown', () => {
  const environment = { variables: { PATH: '/bin' }, windows: false };
  expect(() => refuseConflictingVariables(all, clouds.public, environment)).not.toThrow();
  expect(() => refuseConflictingVariables([], clouds.public, environment)).not.toThrow();
});
