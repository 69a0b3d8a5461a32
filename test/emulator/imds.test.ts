import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { askImds } from './exchange.ts';
import { ask, claimsOf } from './raw-request.ts';

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
  test('comes in strings only, and with the names of the real answer', async () => {
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

  test('is a v2.0 token of the identity, for the exchange', async () => {
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

  test('is the cached one when it is asked for again', async () => {
    const question = { client_id: runner.clientId };
    const [first, again] = [await askImds(azure, question), await askImds(azure, question)];
    expect(again.json()['access_token']).toBe(first.json()['access_token']);
  });

  test('has only the rest of its life left on a machine that has had it for long', async () => {
    azure.setWorld({
      ...world,
      identities: world.identities.map((one) => (one === runner ? { ...one, tokenLifetime: 600 } : one)),
    });
    const body = (await askImds(azure, { client_id: runner.clientId })).json();
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(600);
    const { exp, iat } = claimsOf(body['access_token']);
    expect(Number(exp) - Number(iat)).toBe(86_700);
  });

  test('of another resource is a v1.0 token for it, audience as asked', async () => {
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

  test('has to be named when there are several and no system-assigned one', async () => {
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
    ['exists, but not on this machine', { client_id: elsewhere.clientId }],
    ['does not exist', { client_id: '00000000-0000-4000-8000-000000000000' }],
    ['is named by its object ID as client ID', { client_id: runner.objectId }],
  ])('is not found when it %s', async (_what, query) => {
    const answer = await askImds(azure, query);
    expect([answer.status, answer.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'Identity not found' },
    ]);
  });

  test('is not found on a machine that has none', async () => {
    assign();
    expect((await askImds(azure)).json()['error_description']).toBe('Identity not found');
  });

  test('is not selected by the parameter of App Service', async () => {
    assign(runner.clientId, second.clientId);
    expect((await askImds(azure, { mi_res_id: second.resourceId })).status).toBe(400);
  });

  test('can be named in one way only', async () => {
    const answer = await askImds(azure, { client_id: runner.clientId, object_id: runner.objectId });
    expect(answer.status).toBe(400);
  });
});

describe('a request is refused', () => {
  test.each([
    ['without the Metadata header', {}, 'Required metadata header not specified'],
    ['with Metadata: false', { Metadata: 'false' }, 'Required metadata header not specified'],
    ['that was forwarded', { Metadata: 'true', 'X-Forwarded-For': '10.0.0.1' }, 'X-Forwarded-For'],
  ])('%s', async (_what, headers, text) => {
    const answer = await askImds(azure, {}, headers);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
  });

  test('unless Metadata is true in any letter case', async () => {
    expect((await askImds(azure, {}, { metadata: 'TRUE' })).status).toBe(200);
  });

  test.each([
    ['no api-version', { 'api-version': null }, 'api-version was not specified'],
    ['a malformed api-version', { 'api-version': '2' }, 'api-version'],
    ['an api-version from before tokens', { 'api-version': '2017-12-01' }, 'api-version'],
    ['no resource', { resource: null }, 'Required audience parameter not specified'],
    ['a resource nobody knows', { resource: 'https://nobody.example' }, 'AADSTS500011'],
    ['the exchange of another cloud', { resource: 'api://AzureADTokenExchangeUSGov' }, 'AADSTS500011'],
  ])('with %s', async (_what, query, text) => {
    const answer = await askImds(azure, query);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(text);
  });

  test('by any method but GET', async () => {
    const url = `${azure.imds.url}/metadata/identity/oauth2/token`;
    expect((await ask(url, { method: 'POST', headers: { Metadata: 'true' } })).status).toBe(405);
  });

  test('at any other path', async () => {
    expect((await ask(`${azure.imds.url}/metadata/instance`, { headers: { Metadata: 'true' } })).status).toBe(
      404,
    );
  });

  test('by a closed connection on a machine that has no IMDS', async () => {
    azure.setWorld({ ...world, machine: { ...world.machine, kind: 'app-service' } });
    await expect(askImds(azure)).rejects.toThrow(/ECONNRESET|socket hang up/);
  });
});
