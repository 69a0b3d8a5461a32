import { expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import { HandoverFailure } from '../../src/handover/problem.ts';
import { refuseRivals } from '../../src/handover/rivals.ts';

type Tools = Parameters<typeof refuseRivals>[0];

function rivals(
  tools: Tools,
  variables: Readonly<Record<string, string>>,
  windows = false,
): readonly string[] {
  try {
    refuseRivals(tools, clouds.public, { variables, windows });
    return [];
  } catch (error) {
    if (!(error instanceof HandoverFailure) || error.problem.kind !== 'rival-variables') throw error;
    return error.problem.rivals.map(({ name, tool }) => `${name} ${tool}`);
  }
}

const all: Tools = ['azure-sdk', 'terraform', 'azure-cli'];

test('every one of them is named, with the tool that would heed it', () => {
  const variables = {
    AZURE_CLIENT_SECRET: 'x',
    AZURE_CLIENT_CERTIFICATE_PATH: '/x',
    ARM_CLIENT_CERTIFICATE: 'x',
    ARM_CLIENT_CERTIFICATE_PATH: '/x',
    ARM_USE_MSI: 'true',
    ARM_OIDC_TOKEN: 'x',
    AZURE_CLOUD_NAME: 'AzureChinaCloud',
    AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential',
    SOMETHING_ELSE: 'x',
  };
  expect([...rivals(all, variables)].sort()).toEqual([
    'ARM_CLIENT_CERTIFICATE terraform',
    'ARM_CLIENT_CERTIFICATE_PATH terraform',
    'ARM_OIDC_TOKEN terraform',
    'ARM_USE_MSI terraform',
    'AZURE_CLIENT_CERTIFICATE_PATH azure-sdk',
    'AZURE_CLIENT_SECRET azure-sdk',
    'AZURE_CLOUD_NAME azure-cli',
    'AZURE_TOKEN_CREDENTIALS azure-sdk',
  ]);
});

test('only the tools that are given the identity count', () => {
  expect(rivals(['azure-sdk'], { ARM_CLIENT_SECRET: 'x' })).toEqual([]);
  expect(rivals(['terraform'], { AZURE_CLIENT_SECRET: 'x' })).toEqual([]);
});

test('what changes nothing is let be', () => {
  expect(
    rivals(all, {
      ARM_USE_MSI: 'False',
      ARM_USE_AKS_WORKLOAD_IDENTITY: '0',
      ARM_CLIENT_SECRET: '',
      AZURE_TOKEN_CREDENTIALS: 'prod',
      AZURE_CLOUD_NAME: 'AzureCloud',
      // The exported variables themselves, of an earlier use in the job.
      AZURE_CLIENT_ID: 'x',
      ARM_USE_OIDC: 'true',
      ARM_OIDC_TOKEN_FILE_PATH: '/x',
    }),
  ).toEqual([]);
});

test('letter case counts as it does for the system', () => {
  expect(rivals(all, { azure_client_secret: 'x' })).toEqual([]);
  expect(rivals(all, { azure_client_secret: 'x', Arm_Client_Certificate_Path: 'x' }, true)).toHaveLength(2);
});
