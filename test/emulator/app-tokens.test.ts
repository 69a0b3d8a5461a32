import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { cloudNames, clouds } from '../../emulator/clouds.ts';
import { clientIds, ordersApi, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf } from './raw-request.ts';
import { askEntra } from './token-requests.ts';

const { contoso, fabrikam } = tenantIds;
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const principal = (clientId: string, tenant: string): string | undefined =>
  azure.world.applications.find((one) => one.clientId === clientId)?.servicePrincipals[tenant]?.objectId;

test('a success response has the documented members, with numbers for the lifetime', async () => {
  const answer = await askEntra(azure);
  expect(answer.status).toBe(200);
  const body = answer.json();
  expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'ext_expires_in', 'token_type']);
  expect(body['token_type']).toBe('Bearer');
  expect(body['expires_in']).toBeGreaterThanOrEqual(3598);
  expect(body['expires_in']).toBeLessThanOrEqual(5400);
  expect(answer.headers['cache-control']).toContain('no-store');
});

test('an app token is signed with a key that the tenant publishes', async () => {
  const token = String((await askEntra(azure)).json()['access_token']);
  const keys = createRemoteJWKSet(new URL(`${azure.entra.url}/${contoso}/discovery/v2.0/keys`), {
    [customFetch]: async (url: string) =>
      new Response((await ask(url, { ca: azure.ca.pem })).text, {
        headers: { 'content-type': 'application/json' },
      }),
  });
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: `https://sts.windows.net/${contoso}/`,
    audience: 'https://management.azure.com',
  });
  expect(protectedHeader).toMatchObject({ typ: 'JWT', alg: 'RS256', kid: protectedHeader['x5t'] });
  expect(payload).toMatchObject({
    appid: clientIds.deployer,
    oid: principal(clientIds.deployer, contoso),
    sub: principal(clientIds.deployer, contoso),
    tid: contoso,
    idtyp: 'app',
    ver: '1.0',
  });
});

test.each([
  ['https://storage.azure.com/.default', 'https://storage.azure.com'],
  ['https://storage.azure.com//.default', 'https://storage.azure.com/'],
  ['https://management.core.windows.net//.default', 'https://management.core.windows.net/'],
  ['https://graph.microsoft.com/.default', 'https://graph.microsoft.com'],
  ['499b84ac-1321-427f-aa17-267ca6975798/.default', '499b84ac-1321-427f-aa17-267ca6975798'],
  ['6dae42f8-4368-4678-94ff-3960e28e3630/.default', '6dae42f8-4368-4678-94ff-3960e28e3630'],
  ['https://contosodata.blob.core.windows.net/.default', 'https://contosodata.blob.core.windows.net'],
  ['https://graph.microsoft.com/.default openid offline_access profile', 'https://graph.microsoft.com'],
  ['openid offline_access profile https://graph.microsoft.com/.default', 'https://graph.microsoft.com'],
])('the audience for %s is everything before the last /.default', async (scope, audience) => {
  const body = (await askEntra(azure, { form: { scope } })).json();
  expect(claimsOf(body['access_token'])['aud']).toBe(audience);
});

test('an API with v2.0 tokens has its application ID as audience, and its roles', async () => {
  const body = (await askEntra(azure, { form: { scope: `${ordersApi.uri}/.default` } })).json();
  const claims = claimsOf(body['access_token']);
  expect(claims).toMatchObject({
    aud: ordersApi.appId,
    iss: `https://login.microsoftonline.com/${contoso}/v2.0`,
    azp: clientIds.deployer,
    roles: [ordersApi.role],
    ver: '2.0',
  });
  expect(claims).not.toHaveProperty('appid');
});

test('a multitenant app gets a token of another tenant with the same assertion', async () => {
  const form = { client_id: clientIds.multitenant };
  const answer = await askEntra(azure, { tenant: fabrikam, form });
  expect(answer.status).toBe(200);
  expect(claimsOf(answer.json()['access_token'])).toMatchObject({
    tid: fabrikam,
    oid: principal(clientIds.multitenant, fabrikam),
  });
});

test.each(['contoso.onmicrosoft.com', 'contoso.example', 'CONTOSO.example', contoso.toUpperCase()])(
  'the tenant can be written as %s',
  async (tenant) => {
    const answer = await askEntra(azure, { tenant });
    expect(claimsOf(answer.json()['access_token'])['tid']).toBe(contoso);
  },
);

test('a test can shorten the lifetime of an app’s tokens', async () => {
  const world = azure.world;
  const applications = world.applications.map((one) => ({ ...one, tokenLifetime: 60 }));
  azure.setWorld({ ...world, applications });
  const body = (await askEntra(azure)).json();
  azure.setWorld(world);
  expect(Number(body['expires_in'])).toBeLessThanOrEqual(60);
  const { exp, nbf } = claimsOf(body['access_token']);
  expect(Number(exp) - Number(nbf)).toBe(360);
});

test('a changed world applies to the next request', async () => {
  const world = azure.world;
  azure.setWorld({ ...world, applications: [] });
  expect((await askEntra(azure)).status).toBe(400);
  azure.setWorld(world);
  expect((await askEntra(azure)).status).toBe(200);
});

describe.each(cloudNames)('the %s cloud', (cloud) => {
  let sovereign: Emulator;
  beforeAll(async () => {
    sovereign = await startEmulator(worldFor(cloud));
  });
  afterAll(() => sovereign.stop());

  test('accepts an assertion with its own audience and issuer', async () => {
    const answer = await askEntra(sovereign, { form: { scope: `${ordersApi.uri}/.default` } });
    expect(answer.status).toBe(200);
    expect(claimsOf(answer.json()['access_token'])['iss']).toBe(
      `https://${clouds[cloud].authorityHosts[0]}/${contoso}/v2.0`,
    );
  });
});
