import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf } from './raw-request.ts';
import { askImds } from './token-requests.ts';

const { runner, second, elsewhere, system } = identities;
const world = worldFor('public');
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.setWorld(world));

const assign = (...clientIds: readonly string[]): void =>
  azure.setWorld({ ...world, machine: { ...world.machine, identities: clientIds } });

describe('the assertion', () => {
  test('response has the documented members, all of them strings', async () => {
    const answer = await askImds(azure, { client_id: runner.clientId });
    expect(answer.status).toBe(200);
    const body = answer.json();
    expect(Object.keys(body).sort()).toEqual([
      'access_token',
      'client_id',
      'expires_in',
      'expires_on',
      'ext_expires_in',
      'not_before',
      'resource',
      'token_type',
    ]);
    for (const value of Object.values(body)) expect(typeof value).toBe('string');
    expect(body).toMatchObject({
      client_id: runner.clientId,
      resource: 'api://AzureADTokenExchange',
      token_type: 'Bearer',
    });
    expect(Number(body['expires_in'])).toBeGreaterThan(86_390);
  });

  test('is a v2.0 token of the identity for the token exchange', async () => {
    const body = (await askImds(azure, { client_id: runner.clientId })).json();
    expect(claimsOf(body['access_token'])).toMatchObject({
      aud: 'fb60f99c-7a34-4190-8149-302f77469936',
      iss: `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`,
      sub: runner.objectId,
      oid: runner.objectId,
      azp: runner.clientId,
      tid: tenantIds.contoso,
      idtyp: 'app',
      ver: '2.0',
      xms_mirid: runner.resourceId,
      exp: Number(body['expires_on']),
      nbf: Number(body['not_before']),
    });
  });

  test('is cached', async () => {
    const question = { client_id: runner.clientId };
    const [first, again] = [await askImds(azure, question), await askImds(azure, question)];
    expect(again.json()['access_token']).toBe(first.json()['access_token']);
  });

  test('has only the rest of its lifetime if the machine cached it earlier', async () => {
    azure.setWorld({
      ...world,
      identities: world.identities.map((one) => (one === runner ? { ...one, tokenLifetime: 600 } : one)),
    });
    const body = (await askImds(azure, { client_id: runner.clientId })).json();
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(600);
    const { exp, iat } = claimsOf(body['access_token']);
    expect(Number(exp) - Number(iat)).toBe(86_700);
  });

  test('for another resource is a v1.0 token with the requested audience', async () => {
    const body = (await askImds(azure, { resource: 'https://management.core.windows.net/' })).json();
    expect(claimsOf(body['access_token'])).toMatchObject({
      aud: 'https://management.core.windows.net/',
      iss: `https://sts.windows.net/${tenantIds.contoso}/`,
      appid: system.clientId,
      ver: '1.0',
    });
  });
});

describe('the identity', () => {
  test.each([
    ['client_id', second.clientId],
    ['object_id', second.objectId],
    ['msi_res_id', second.resourceId],
    ['msi_res_id', second.resourceId.toUpperCase()],
  ])('is selected by %s=%s', async (parameter, value) => {
    expect((await askImds(azure, { [parameter]: value })).json()['client_id']).toBe(second.clientId);
  });

  test('is the system-assigned one without a selector', async () => {
    expect((await askImds(azure)).json()['client_id']).toBe(system.clientId);
  });

  test('is the only user-assigned one without a selector', async () => {
    assign(second.clientId);
    expect((await askImds(azure)).json()['client_id']).toBe(second.clientId);
  });

  test('must be selected if there are several and no system-assigned one', async () => {
    assign(runner.clientId, second.clientId);
    const answer = await askImds(azure);
    expect(answer.status).toBe(400);
    expect(answer.json()).toEqual({
      error: 'invalid_request',
      error_description:
        'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
    });
  });

  test.each([
    ['is not assigned to this machine', { client_id: elsewhere.clientId }],
    ['does not exist', { client_id: '00000000-0000-4000-8000-000000000000' }],
    ['is selected by its object ID as client_id', { client_id: runner.objectId }],
  ])('is not found if it %s', async (_what, query) => {
    const answer = await askImds(azure, query);
    expect([answer.status, answer.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'Identity not found' },
    ]);
  });

  test('is not found on a machine without identities', async () => {
    assign();
    expect((await askImds(azure)).json()['error_description']).toBe('Identity not found');
  });

  test.each([
    ['mi_res_id', second.resourceId],
    ['principal_id', second.objectId],
  ])('cannot be selected by %s, which is App Service’s name', async (parameter, value) => {
    expect((await askImds(azure, { [parameter]: value })).status).toBe(400);
    expect((await askImds(azure, { client_id: runner.clientId, [parameter]: value })).status).toBe(400);
  });

  test('cannot be selected by two parameters', async () => {
    const answer = await askImds(azure, { client_id: runner.clientId, object_id: runner.objectId });
    expect(answer.status).toBe(400);
  });
});

describe('IMDS rejects a request', () => {
  test.each([
    ['without the Metadata header', {}, 'Required metadata header not specified'],
    ['with Metadata: false', { Metadata: 'false' }, 'Required metadata header not specified'],
    ['that was forwarded', { Metadata: 'true', 'X-Forwarded-For': '10.0.0.1' }, 'X-Forwarded-For'],
  ])('%s', async (_what, headers, text) => {
    const answer = await askImds(azure, {}, headers);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
  });

  test('but accepts Metadata: TRUE', async () => {
    expect((await askImds(azure, {}, { metadata: 'TRUE' })).status).toBe(200);
  });

  test.each([
    ['no api-version', { 'api-version': null }, 'api-version is invalid or was not specified'],
    ['a malformed api-version', { 'api-version': '2' }, 'api-version'],
    ['an api-version without tokens', { 'api-version': '2017-12-01' }, 'api-version'],
    ['an api-version that does not exist', { 'api-version': '2022-01-01' }, 'api-version'],
    ['no resource', { resource: null }, 'Required audience parameter not specified'],
    ['an unknown resource', { resource: 'https://nobody.example' }, 'AADSTS500011'],
    ['the token exchange of another cloud', { resource: 'api://AzureADTokenExchangeUSGov' }, 'AADSTS500011'],
  ])('with %s', async (_what, query, text) => {
    const answer = await askImds(azure, query);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
  });

  test.each([
    ['resource', 'https://management.azure.com/'],
    ['api-version', '2018-02-01'],
    ['client_id', runner.clientId],
  ])('with a second %s', async (name, value) => {
    const url = `${azure.imds.url}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://AzureADTokenExchange&client_id=${runner.clientId}`;
    expect((await ask(url, { headers: { Metadata: 'true' } })).status).toBe(200);
    const answer = await ask(`${url}&${name}=${value}`, { headers: { Metadata: 'true' } });
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining('duplicate query parameters'),
    ]);
  });

  test.each(['2018-02-01', '2019-08-01', '2021-12-13', '2025-04-07'])(
    'but accepts api-version %s',
    async (version) => {
      expect((await askImds(azure, { 'api-version': version })).status).toBe(200);
    },
  );

  test('with another method than GET', async () => {
    const url = `${azure.imds.url}/metadata/identity/oauth2/token`;
    expect((await ask(url, { method: 'POST', headers: { Metadata: 'true' } })).status).toBe(405);
  });

  test('for another path', async () => {
    expect((await ask(`${azure.imds.url}/metadata/instance`, { headers: { Metadata: 'true' } })).status).toBe(
      404,
    );
  });

  test('by closing the connection on a machine without IMDS', async () => {
    azure.setWorld({ ...world, machine: { ...world.machine, kind: 'app-service' } });
    await expect(askImds(azure)).rejects.toThrow(/ECONNRESET|socket hang up/);
  });
});

// MSAL.NET 4.84 (Azure.Identity 1.21) sends these requests in this order. It stops at the first status 400 that comes
// at once. Any other status makes it retry for almost a minute.
describe('the requests of newer .NET clients', () => {
  const probe = `/metadata/identity/getplatformmetadata?cred-api-version=2.0&client_id=${runner.clientId}`;

  test('the probe without the Metadata header gets 400, for every path', async () => {
    const answer = await ask(`${azure.imds.url}${probe}`);
    expect([answer.status, answer.json()['error_description']]).toEqual([
      400,
      'Required metadata header not specified',
    ]);
    expect((await ask(`${azure.imds.url}/no/such/path`, { method: 'POST' })).status).toBe(400);
  });

  test('the compute metadata is there for a client that does not get 400', async () => {
    const url = `${azure.imds.url}/metadata/instance/compute?api-version=2021-02-01`;
    const answer = await ask(url, { headers: { Metadata: 'true' } });
    expect([answer.status, answer.json()]).toMatchObject([
      200,
      { azEnvironment: 'AzurePublicCloud', location: 'westeurope', vmId: expect.any(String) },
    ]);
    expect((await ask(url)).status).toBe(400);
  });

  test('a forwarded probe gets 400, too', async () => {
    const headers = { Metadata: 'true', 'X-Forwarded-For': '10.0.0.1' };
    expect((await ask(`${azure.imds.url}${probe}`, { headers })).status).toBe(400);
  });

  test('the token request after the probe gets a token', async () => {
    const query = `api-version=2018-02-01&resource=api://AzureADTokenExchange&client_id=${runner.clientId}`;
    const answer = await ask(`${azure.imds.url}/metadata/identity/oauth2/token?${query}`, {
      headers: { Metadata: 'true' },
    });
    expect(claimsOf(answer.json()['access_token'])['sub']).toBe(runner.objectId);
  });
});
