import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { identities, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import type { MachineKind } from '../../emulator/world.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';

const { runner, second, elsewhere, system } = identities;
const world = worldFor('public');
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const become = (kind: MachineKind, assigned: readonly string[] = world.machine.identities): void =>
  azure.setWorld({ ...world, machine: { kind, identities: assigned } });

const variable = (name: string): string => azure.environment('machine')[name] ?? '';

function askEndpoint(
  query: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = { 'X-IDENTITY-HEADER': variable('IDENTITY_HEADER') },
): Promise<RawAnswer> {
  const parameters = new URLSearchParams({
    'api-version': '2019-08-01',
    resource: 'api://AzureADTokenExchange',
    ...query,
  });
  return ask(`${variable('IDENTITY_ENDPOINT')}?${parameters}`, { headers });
}

describe.each(['app-service', 'container-apps'] as const)('%s', (kind) => {
  beforeEach(() => become(kind));

  test.each([
    ['client_id', second.clientId],
    ['principal_id', second.objectId],
    ['object_id', second.objectId],
    ['mi_res_id', second.resourceId],
  ])('issues the token of the identity selected by %s', async (parameter, value) => {
    const answer = await askEndpoint({ [parameter]: value });
    expect(answer.status).toBe(200);
    const body = answer.json();
    expect(Object.keys(body).sort()).toEqual([
      'access_token',
      'client_id',
      'expires_on',
      'resource',
      'token_type',
    ]);
    expect(body['expires_on']).toMatch(/^\d+$/);
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: second.objectId, ver: '2.0' });
  });

  test('uses the system-assigned identity without a selector', async () => {
    expect((await askEndpoint({})).json()['client_id']).toBe(system.clientId);
  });

  test('requires a selector for a user-assigned identity, even for the only one', async () => {
    become(kind, [runner.clientId]);
    expect((await askEndpoint({})).status).toBe(400);
  });

  test.each([
    ['an identity that is not assigned', { client_id: elsewhere.clientId }, 400],
    ['two selectors', { client_id: runner.clientId, principal_id: runner.objectId }, 400],
    ['the selector of IMDS', { msi_res_id: runner.resourceId }, 400],
    [
      'the selector of IMDS beside another',
      { client_id: runner.clientId, msi_res_id: runner.resourceId },
      400,
    ],
    ['no resource', { resource: '' }, 400],
    ['an old api-version', { 'api-version': '2017-09-01' }, 400],
    ['an unknown resource', { client_id: runner.clientId, resource: 'https://nobody.example' }, 500],
  ])('rejects %s', async (_what, query, status) => {
    const answer = await askEndpoint(query);
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ statusCode: status, message: expect.any(String) });
  });

  test.each([
    ['resource', 'https://management.azure.com/'],
    ['api-version', '2019-08-01'],
    ['client_id', runner.clientId],
  ])('rejects a second %s', async (name, value) => {
    const url = `${variable('IDENTITY_ENDPOINT')}?api-version=2019-08-01&resource=api://AzureADTokenExchange&client_id=${runner.clientId}`;
    const headers = { 'X-IDENTITY-HEADER': variable('IDENTITY_HEADER') };
    expect((await ask(url, { headers })).status).toBe(200);
    expect((await ask(`${url}&${name}=${value}`, { headers })).status).toBe(400);
  });

  test.each([
    ['without its header', {}],
    ['with a wrong header', { 'X-IDENTITY-HEADER': 'guess' }],
    ['with the header of IMDS', { Metadata: 'true' }],
  ])('rejects a request %s', async (_what, headers) => {
    expect((await askEndpoint({ client_id: runner.clientId }, headers)).status).toBe(401);
  });

  test('rejects a header in which one character is wrong', async () => {
    const right = variable('IDENTITY_HEADER');
    const last = right.endsWith('0') ? '1' : '0';
    const headers = { 'X-IDENTITY-HEADER': right.slice(0, -1) + last };
    expect((await askEndpoint({ client_id: runner.clientId }, headers)).status).toBe(401);
  });
});

test.each([
  ['virtual-machine', []],
  ['app-service', ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'MSI_ENDPOINT', 'MSI_SECRET']],
  ['container-apps', ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']],
  ['azure-arc', ['IDENTITY_ENDPOINT', 'IMDS_ENDPOINT']],
  ['cloud-shell', ['MSI_ENDPOINT']],
  ['service-fabric', ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'IDENTITY_SERVER_THUMBPRINT']],
  ['azure-ml', ['MSI_ENDPOINT', 'MSI_SECRET']],
  ['aci-windows', ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']],
] as const)('%s is detected by its own variables, and none of them points to a real IMDS', (kind, names) => {
  become(kind);
  const variables = azure.environment('machine');
  expect(Object.keys(variables).sort()).toEqual(['AZURE_POD_IDENTITY_AUTHORITY_HOST', ...names].sort());
  for (const value of Object.values(variables)) expect(value).not.toContain('169.254');
});

test('Azure Arc answers with its challenge, and the request is recorded', async () => {
  become('azure-arc');
  azure.clearRequests();
  const answer = await ask(`${variable('IDENTITY_ENDPOINT')}?api-version=2019-11-01`, {
    headers: { Metadata: 'true' },
  });
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
  expect(azure.requests.map((one) => [one.leg, one.status])).toEqual([['identity-endpoint', 401]]);
});
