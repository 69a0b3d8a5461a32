import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { jwtVerify } from 'jose';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';
import { askEntra } from './token-requests.ts';

const HOST = 'contoso.azurecr.io';
const REGISTRY_SCOPE = 'https://containerregistry.azure.net/.default';
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

async function appToken(
  clientId: string = clientIds.deployer,
  scope = REGISTRY_SCOPE,
  tenant: string = tenantIds.contoso,
): Promise<string> {
  const answer = await askEntra(azure, { tenant, form: { client_id: clientId, scope } });
  return String(answer.json()['access_token']);
}

const post = (path: string, form: Record<string, string>, host: string = HOST): Promise<RawAnswer> =>
  ask(`${azure.registry.url}${path}`, {
    method: 'POST',
    ca: azure.ca.pem,
    headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });

const exchange = (
  token: string,
  { host = HOST, ...changes }: Record<string, string> & { host?: string } = {},
): Promise<RawAnswer> =>
  post(
    '/oauth2/exchange',
    {
      grant_type: 'access_token',
      service: host,
      tenant: tenantIds.contoso,
      access_token: token,
      ...changes,
    },
    host,
  );

const refreshToken = async (clientId?: string): Promise<string> =>
  String((await exchange(await appToken(clientId))).json()['refresh_token']);

const accessFor = (refresh: string, scope: string): Promise<RawAnswer> =>
  post('/oauth2/token', { grant_type: 'refresh_token', service: HOST, scope, refresh_token: refresh });

test('an app token is exchanged for a refresh token of three hours', async () => {
  const answer = await exchange(await appToken());
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.json())).toEqual(['refresh_token']);
  const { exp, iat, ...claims } = claimsOf(answer.json()['refresh_token']);
  expect(Number(exp) - Number(iat)).toBe(10_800);
  expect(claims).toMatchObject({ aud: HOST, iss: 'Azure Container Registry', grant_type: 'refresh_token' });
});

test.each([
  'contoso.azurecr.io',
  'contosostrict.azurecr.io',
  'contoso-a1b2c3d4e5f6g7h8.azurecr.io',
  'contoso.westeurope.geo.azurecr.io',
])('%s is a login server, and its certificate has this name', async (host) => {
  expect((await exchange(await appToken(), { host })).status).toBe(200);
});

test('a token for Resource Manager works, unless the registry rejects that audience', async () => {
  const token = await appToken(clientIds.deployer, 'https://management.azure.com/.default');
  expect((await exchange(token)).status).toBe(200);
  expect((await exchange(token, { host: 'contosostrict.azurecr.io' })).status).toBe(401);
});

describe('the exchange is rejected', () => {
  test('for an app without rights', async () => {
    const { world } = azure;
    const onlyMultitenant = { pull: [clientIds.multitenant], push: [] };
    azure.setWorld({
      ...world,
      registries: world.registries.map((one) => ({ ...one, ...onlyMultitenant })),
    });
    const statuses = [
      (await exchange(await appToken(clientIds.deployer))).status,
      (await exchange(await appToken(clientIds.multitenant))).status,
    ];
    azure.setWorld(world);
    expect(statuses).toEqual([401, 200]);
  });

  test.each([
    ['another audience', () => appToken(clientIds.deployer, 'https://vault.azure.net/.default'), {}, 401],
    [
      'a token of another tenant',
      () => appToken(clientIds.multitenant, REGISTRY_SCOPE, tenantIds.fabrikam),
      {},
      401,
    ],
    ['text that is not a token', async () => 'not-a-token', {}, 401],
    ['an unknown tenant', () => appToken(), { tenant: '00000000-0000-4000-8000-000000000000' }, 401],
    ['no tenant', () => appToken(), { tenant: '' }, 400],
    ['another service', () => appToken(), { service: 'fabrikam.azurecr.io' }, 400],
    ['another grant', () => appToken(), { grant_type: 'refresh_token' }, 400],
    ['an unknown login server', () => appToken(), { host: 'fabrikam.azurecr.io' }, 404],
  ])('with %s', async (_what, token, changes, status) => {
    const answer = await exchange(await token(), changes as Record<string, string>);
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.text).toContain('"code":"UNAUTHORIZED"');
  });

  test('by another method than POST', async () => {
    const answer = await ask(`${azure.registry.url}/oauth2/exchange`, {
      ca: azure.ca.pem,
      headers: { host: HOST },
    });
    expect(answer.status).toBe(404);
  });
});

describe('the access token', () => {
  test('can be verified with the published certificate', async () => {
    const answer = await accessFor(await refreshToken(), 'repository:app:pull,push');
    const pem = await azure.registry.tokenCertificate();
    const { payload, protectedHeader } = await jwtVerify(
      String(answer.json()['access_token']),
      new X509Certificate(pem).publicKey,
      { issuer: azure.registry.tokenIssuer, audience: HOST },
    );
    expect(payload['access']).toEqual([{ type: 'repository', name: 'app', actions: ['pull', 'push'] }]);
    expect(protectedHeader.x5c).toEqual([pem.replace(/-----[A-Z ]+-----|\n/g, '')]);
  });

  test.each([
    ['repository:team/app:pull,push', ['pull']],
    ['repository:app:pull', ['pull']],
    ['repository:app:push,delete', []],
  ])('of an app that can only pull: %s grants %j', async (scope, actions) => {
    const answer = await accessFor(await refreshToken(clientIds.multitenant), scope);
    const [access] = claimsOf(answer.json()['access_token'])['access'] as { actions: string[] }[];
    expect(access?.actions).toEqual(actions);
  });

  test('can have several scopes', async () => {
    const answer = await accessFor(await refreshToken(), 'repository:a:pull repository:b:pull,push');
    const access = claimsOf(answer.json()['access_token'])['access'] as { name: string }[];
    expect(access.map((one) => one.name)).toEqual(['a', 'b']);
  });

  test('is issued for docker login’s GET with the refresh token as password', async () => {
    const refresh = await refreshToken();
    const request = (user: string): Promise<RawAnswer> =>
      ask(`${azure.registry.url}/oauth2/token?service=${HOST}&scope=repository:app:pull`, {
        ca: azure.ca.pem,
        headers: {
          host: HOST,
          authorization: `Basic ${Buffer.from(`${user}:${refresh}`).toString('base64')}`,
        },
      });
    expect((await request('00000000-0000-0000-0000-000000000000')).status).toBe(200);
    expect((await request('admin')).status).toBe(401);
  });

  test.each([
    ['an app token', () => appToken()],
    ['text that is not a token', async () => 'not-a-token'],
    [
      'an access token',
      async () =>
        String((await accessFor(await refreshToken(), 'repository:app:pull')).json()['access_token']),
    ],
    [
      'a refresh token of another registry',
      async () =>
        String(
          (await exchange(await appToken(), { host: 'contosostrict.azurecr.io' })).json()['refresh_token'],
        ),
    ],
  ])('is not issued for %s', async (_what, token) => {
    expect((await accessFor(await token(), 'repository:app:pull')).status).toBe(401);
  });
});

test('without a registry behind it, /v2/ answers with a challenge', async () => {
  const answer = await ask(`${azure.registry.url}/v2/`, { ca: azure.ca.pem, headers: { host: HOST } });
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([
    401,
    `Bearer realm="https://${HOST}/oauth2/token",service="${HOST}"`,
  ]);
});

describe('a registry behind a login server', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });

  test('gets the requests for /v2/ with their bodies, unchanged', async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13]);
    const received: unknown[] = [];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { host, 'x-forwarded-proto': protocol } = request.headers;
        received.push([request.method, request.url, host, protocol, Buffer.concat(chunks).equals(bytes)]);
        response.writeHead(202, { location: '/v2/app/blobs/uploads/1' }).end();
      });
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    azure.registry.serve(HOST, (listening.address() as AddressInfo).port);
    const answer = await ask(`${azure.registry.url}/v2/app/blobs/uploads/?digest=x`, {
      method: 'PUT',
      ca: azure.ca.pem,
      headers: { host: HOST },
      body: bytes,
    });
    expect([answer.status, answer.headers.location]).toEqual([202, '/v2/app/blobs/uploads/1']);
    expect(received).toEqual([['PUT', '/v2/app/blobs/uploads/?digest=x', HOST, 'https', true]]);
    expect((await exchange(await appToken())).status).toBe(200);
  });

  test('that is not running is a bad gateway', async () => {
    const stopped = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => stopped.once('listening', resolve));
    const { port } = stopped.address() as AddressInfo;
    await new Promise((resolve) => stopped.close(resolve));
    azure.registry.serve('contosostrict.azurecr.io', port);
    const headers = { host: 'contosostrict.azurecr.io' };
    expect((await ask(`${azure.registry.url}/v2/`, { ca: azure.ca.pem, headers })).status).toBe(502);
  });
});
