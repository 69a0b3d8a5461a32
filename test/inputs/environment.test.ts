import { expect, test } from '@jest/globals';
import { exposeMachineVariables, prepareProcess } from '../../src/inputs/environment.ts';

/** Every variable that would change what the libraries do. */
const misleading = `
  AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_FEDERATED_TOKEN_FILE AZURE_AUTHORITY_HOST
  AZURE_REGIONAL_AUTHORITY_NAME MSAL_FORCE_REGION REGION_NAME
  HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY https_proxy http_proxy all_proxy no_proxy
  AZURE_LOG_LEVEL TYPESPEC_RUNTIME_LOG_LEVEL DEBUG
  AZURE_POD_IDENTITY_AUTHORITY_HOST IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT IMDS_ENDPOINT
  MSI_ENDPOINT MSI_SECRET
`
  .trim()
  .split(/\s+/u);

test.each(misleading)('%s is removed for the libraries, and stays known', (name) => {
  const environment = { [name]: 'value', OTHER: 'stays' };
  const facts = prepareProcess(environment);
  expect(environment).toEqual({ OTHER: 'stays' });
  expect(facts.environment).toEqual({ [name]: 'value', OTHER: 'stays' });
});

test('the variables of the machine are kept apart, and given back only as chosen', () => {
  const environment: NodeJS.ProcessEnv = {
    IDENTITY_ENDPOINT: 'http://10.0.0.1',
    IDENTITY_HEADER: 'hush',
    MSI_ENDPOINT: '',
  };
  const { machine } = prepareProcess(environment);
  expect(machine.variables).toEqual({ IDENTITY_ENDPOINT: 'http://10.0.0.1', IDENTITY_HEADER: 'hush' });
  expect(environment).toEqual({});
  exposeMachineVariables(environment, { IDENTITY_HEADER: 'hush' });
  expect(environment).toEqual({ IDENTITY_HEADER: 'hush' });
});

test('ignored federation variables are named, empty ones are not', () => {
  expect(
    prepareProcess({ AZURE_FEDERATED_TOKEN_FILE: '/x', AZURE_CLIENT_ID: 'x', AZURE_TENANT_ID: '' })
      .ignoredFederation,
  ).toEqual(['AZURE_FEDERATED_TOKEN_FILE', 'AZURE_CLIENT_ID']);
});

test.each([
  ['0', true],
  ['1', false],
  ['', false],
  [undefined, false],
])('NODE_TLS_REJECT_UNAUTHORIZED=%s: verification off is %s', (value, expected) => {
  const environment = value === undefined ? {} : { NODE_TLS_REJECT_UNAUTHORIZED: value };
  expect(prepareProcess(environment).tlsVerificationOff).toBe(expected);
});

test('the global FormData is gone, so that the libraries do not load undici', () => {
  prepareProcess({});
  expect('FormData' in globalThis).toBe(false);
});
