import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, type RawAnswer } from './raw-request.ts';

const { contoso } = tenantIds;
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const get = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  ask(`${azure.entra.url}${path}`, { ca: azure.ca.pem, headers });

test('the endpoints of a tenant’s configuration use the requested host, the issuer uses the cloud’s host', async () => {
  const body = (await get(`/${contoso}/v2.0/.well-known/openid-configuration`)).json();
  expect(body).toMatchObject({
    issuer: `https://login.microsoftonline.com/${contoso}/v2.0`,
    token_endpoint: `${azure.entra.url}/${contoso}/oauth2/v2.0/token`,
    jwks_uri: `${azure.entra.url}/${contoso}/discovery/v2.0/keys`,
  });
});

test('the configuration lists the client authentication methods that the token endpoint reads', async () => {
  const body = (await get(`/${contoso}/v2.0/.well-known/openid-configuration`)).json();
  expect(body['token_endpoint_auth_methods_supported']).toEqual([
    'client_secret_post',
    'private_key_jwt',
    'client_secret_basic',
  ]);
});

test('a request under a public name gets endpoints with that name', async () => {
  const path = `/${contoso}/v2.0/.well-known/openid-configuration`;
  const body = (await get(path, { host: 'login.microsoftonline.com' })).json();
  expect(body['token_endpoint']).toBe(`https://login.microsoftonline.com/${contoso}/oauth2/v2.0/token`);
});

test('the configuration of a shared endpoint has a placeholder for the tenant', async () => {
  const body = (await get('/common/v2.0/.well-known/openid-configuration')).json();
  expect(body['issuer']).toBe('https://login.microsoftonline.com/{tenantid}/v2.0');
});

test('the v1.0 configuration has the v1.0 issuer and endpoints', async () => {
  const body = (await get(`/${contoso}/.well-known/openid-configuration`)).json();
  expect(body).toMatchObject({
    issuer: `https://sts.windows.net/${contoso}/`,
    token_endpoint: `${azure.entra.url}/${contoso}/oauth2/token`,
  });
});

test.each(['/discovery/keys', '/discovery/v2.0/keys'])('the keys are published at %s', async (path) => {
  const { keys } = (await get(`/${contoso}${path}`)).json() as { keys: Record<string, unknown>[] };
  expect(keys).toHaveLength(1);
  expect(keys[0]).toMatchObject({ kty: 'RSA', use: 'sig', kid: keys[0]?.['x5t'], x5c: [expect.any(String)] });
  expect(keys[0]).not.toHaveProperty('d');
});

test('an unknown tenant has no configuration', async () => {
  const answer = await get('/nobody.example/v2.0/.well-known/openid-configuration');
  expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_tenant']);
});

test('the host of another cloud does not know this cloud’s tenants', async () => {
  const path = `/${contoso}/v2.0/.well-known/openid-configuration`;
  const answer = await get(path, { host: 'login.microsoftonline.us' });
  expect(answer.json()['error_codes']).toEqual([90002]);
});

test('instance discovery lists the hosts of all clouds', async () => {
  const endpoint = encodeURIComponent(`https://login.microsoftonline.com/${contoso}/oauth2/v2.0/authorize`);
  const body = (
    await get(`/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`)
  ).json();
  expect(body['tenant_discovery_endpoint']).toBe(
    `https://login.microsoftonline.com/${contoso}/v2.0/.well-known/openid-configuration`,
  );
  const metadata = body['metadata'] as { aliases: string[] }[];
  expect(metadata.flatMap((row) => row.aliases)).toContain('login.chinacloudapi.cn');
});

test('instance discovery rejects a host of no cloud', async () => {
  const endpoint = encodeURIComponent('https://localhost/x/oauth2/v2.0/authorize');
  const answer = await get(`/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`);
  expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_instance']);
});

test('other paths are not found', async () => {
  expect((await get('/favicon.ico')).status).toBe(404);
});
