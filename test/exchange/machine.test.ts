import { describe, expect, test } from '@jest/globals';
import { detectMachine, type MachineFacts } from '../../src/exchange/machine.ts';

const detect = (variables: MachineFacts['variables'], arcAgentInstalled = false) =>
  detectMachine({ variables, arcAgentInstalled });
const endpoint = { IDENTITY_ENDPOINT: 'http://10.0.0.1:42356/msi/token', IDENTITY_HEADER: 'hush' };

describe('a machine with user-assigned identities', () => {
  test('IMDS, if no variable says anything else', () => {
    expect(detect({})).toEqual({
      kind: 'imds',
      endpoint: 'http://169.254.169.254',
      because: expect.any(String),
      variables: {},
    });
  });

  test('App Service and Container Apps', () => {
    expect(detect(endpoint)).toEqual({
      kind: 'app-service',
      endpoint: endpoint.IDENTITY_ENDPOINT,
      because: expect.any(String),
      secret: 'hush',
      variables: endpoint,
    });
  });

  test('App Service hides every other variable from the client', () => {
    const found = detect({
      ...endpoint,
      MSI_ENDPOINT: 'http://old',
      MSI_SECRET: 's',
      IMDS_ENDPOINT: 'http://x',
    });
    expect(found).toMatchObject({ kind: 'app-service', variables: endpoint });
    expect(Object.keys('variables' in found ? found.variables : {})).toEqual(Object.keys(endpoint));
  });

  test('App Service on a machine that also has the Azure Arc agent', () => {
    expect(detect(endpoint, true)).toMatchObject({ kind: 'app-service' });
  });

  test('half of App Service’s variables is IMDS', () => {
    expect(detect({ IDENTITY_ENDPOINT: endpoint.IDENTITY_ENDPOINT })).toMatchObject({
      kind: 'imds',
      variables: {},
    });
    expect(detect({ IDENTITY_HEADER: 'hush' })).toMatchObject({ kind: 'imds', variables: {} });
    expect(detect({ ...endpoint, IDENTITY_HEADER: '' })).toMatchObject({ kind: 'imds' });
  });
});

describe('a machine that cannot be used', () => {
  test.each<[string, MachineFacts['variables'], boolean]>([
    ['Azure Service Fabric', { ...endpoint, IDENTITY_SERVER_THUMBPRINT: 'AB' }, false],
    [
      'Azure Container Instances on Windows',
      {
        IDENTITY_ENDPOINT: 'http://169.254.128.2:2377/metadata/identity/oauth2/token?api-version=1.0',
        IDENTITY_HEADER: 'x',
      },
      false,
    ],
    [
      'Azure Machine Learning, or App Service with only the retired 2017-09-01 endpoint',
      { MSI_ENDPOINT: 'http://127.0.0.1:46808/MSI/auth', MSI_SECRET: 's' },
      false,
    ],
    ['Azure Cloud Shell', { MSI_ENDPOINT: 'http://localhost:50342/oauth2/token' }, false],
    [
      'an Azure Arc-enabled server',
      {
        IDENTITY_ENDPOINT: 'http://localhost:40342/metadata/identity/oauth2/token',
        IMDS_ENDPOINT: 'http://localhost:40342',
      },
      false,
    ],
    ['an Azure Arc-enabled server', {}, true],
    ['an Azure Arc-enabled server', { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' }, true],
  ])('%s: %j', (machine, variables, arc) => {
    expect(detect(variables, arc)).toEqual({
      kind: 'unfit-machine',
      machine,
      reason: expect.stringMatching(/\.$/u),
      fix: expect.stringMatching(/\.$/u),
    });
  });
});

describe('AZURE_POD_IDENTITY_AUTHORITY_HOST', () => {
  test.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.9.8.7/', 'http://127.9.8.7'],
    ['http://localhost:1//', 'http://localhost:1'],
    ['http://[::1]:1', 'http://[::1]:1'],
  ])('%s is a loopback address', (value, given) => {
    expect(detect({ AZURE_POD_IDENTITY_AUTHORITY_HOST: value })).toMatchObject({
      kind: 'imds',
      endpoint: value,
      variables: { AZURE_POD_IDENTITY_AUTHORITY_HOST: given },
    });
  });

  test.each([
    'http://169.254.169.254',
    'http://10.0.0.1',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://127.0.0.1@example.com',
    'http://user@127.0.0.1',
    'https://127.0.0.1',
    'http://[::ffff:10.0.0.1]',
    '127.0.0.1',
    'file:///x',
    'nonsense',
  ])('%s is not, and the step declines it', (value) => {
    expect(detect({ AZURE_POD_IDENTITY_AUTHORITY_HOST: value })).toEqual({
      kind: 'metadata-override',
      value,
    });
  });

  test('App Service’s own endpoint wins', () => {
    expect(detect({ ...endpoint, AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://10.0.0.1' })).toMatchObject({
      kind: 'app-service',
      variables: endpoint,
    });
  });
});
