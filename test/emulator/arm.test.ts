import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds, identities, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { askEntra, askImds } from './exchange.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';

let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const get = (path: string, token?: string): Promise<RawAnswer> =>
  ask(`${azure.arm.url}${path}${path.includes('?') ? '' : '?api-version=2022-12-01'}`, {
    ca: azure.ca.pem,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });

async function tokenOf(
  clientId: string = clientIds.deployer,
  tenant: string = tenantIds.contoso,
  scope = 'https://management.core.windows.net//.default',
): Promise<string> {
  return String(
    (await askEntra(azure, { tenant, form: { client_id: clientId, scope } })).json()['access_token'],
  );
}

const names = (answer: RawAnswer): unknown[] =>
  (answer.json()['value'] as { displayName: string }[]).map((one) => one.displayName);

const codeOf = (answer: RawAnswer): unknown => (answer.json()['error'] as { code: string }).code;

test('an app sees its subscriptions in the tenant of its token', async () => {
  expect(names(await get('/subscriptions', await tokenOf()))).toEqual(['Contoso production', 'Contoso test']);
  const inFabrikam = await tokenOf(clientIds.multitenant, tenantIds.fabrikam);
  expect(names(await get('/subscriptions', inFabrikam))).toEqual(['Fabrikam']);
  expect(names(await get('/tenants', inFabrikam))).toEqual(['Fabrikam']);
});

test.each(['https://management.azure.com/.default', 'https://management.azure.com//.default'])(
  'the audience of %s is one of its own',
  async (scope) => {
    const token = await tokenOf(clientIds.deployer, tenantIds.contoso, scope);
    expect((await get(`/subscriptions/${subscriptionIds.contosoTest}`, token)).status).toBe(200);
  },
);

test('a user-assigned identity is described, a system-assigned one is none', async () => {
  const { clientId, objectId, resourceId } = identities.runner;
  const token = await tokenOf();
  expect((await get(resourceId, token)).json()['properties']).toEqual({
    tenantId: tenantIds.contoso,
    principalId: objectId,
    clientId,
  });
  expect((await get(identities.system.resourceId, token)).status).toBe(404);
});

test('an identity that may see nothing gets an empty list', async () => {
  const answer = await askImds(azure, {
    client_id: identities.runner.clientId,
    resource: 'https://management.azure.com/',
  });
  expect(names(await get('/subscriptions', String(answer.json()['access_token'])))).toEqual([]);
});

test.each([
  ['no token', async () => undefined, 'AuthenticationFailed'],
  ['nonsense', async () => 'nonsense', 'InvalidAuthenticationToken'],
  [
    'a token for Graph',
    () => tokenOf(clientIds.deployer, tenantIds.contoso, 'https://graph.microsoft.com/.default'),
    'InvalidAuthenticationTokenAudience',
  ],
  [
    'an expired token',
    async () => azure.entra.sign({ ...claimsOf(await tokenOf()), exp: 1_600_000_000 }),
    'ExpiredAuthenticationToken',
  ],
  [
    'a token of an unknown issuer',
    async () => azure.entra.sign({ ...claimsOf(await tokenOf()), iss: 'https://sts.windows.net/nobody/' }),
    'InvalidAuthenticationToken',
  ],
  [
    'a token with a changed claim',
    async () => {
      const [header, , signature] = (await tokenOf()).split('.');
      return `${header}.${Buffer.from('{"tid":"x"}').toString('base64url')}.${signature}`;
    },
    'InvalidAuthenticationToken',
  ],
])('%s is refused', async (_what, token, code) => {
  const answer = await get('/subscriptions', await token());
  expect([answer.status, codeOf(answer)]).toEqual([401, code]);
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer authorization_uri="https:\/\/login/);
});

test.each([
  ['an unknown subscription', '50b5c217-0000-4000-8000-00000000ffff', 404, 'SubscriptionNotFound'],
  ['one of another tenant', subscriptionIds.fabrikam, 401, 'InvalidAuthenticationTokenTenant'],
  ['one that the app may not see', subscriptionIds.contosoTest, 403, 'AuthorizationFailed'],
])('%s is refused', async (_what, id, status, code) => {
  const answer = await get(`/subscriptions/${id}`, await tokenOf(clientIds.multitenant));
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
});

test('a request needs an api-version', async () => {
  const answer = await get('/subscriptions?x=1', await tokenOf());
  expect([answer.status, codeOf(answer)]).toEqual([400, 'MissingApiVersionParameter']);
});

test('the endpoints of the cloud are public', async () => {
  const [row] = (await get('/metadata/endpoints')).json() as unknown as [{ name: string }];
  expect(row).toMatchObject({
    name: 'AzureCloud',
    resourceManager: 'https://management.azure.com/',
    authentication: { loginEndpoint: 'https://login.microsoftonline.com' },
  });
});
