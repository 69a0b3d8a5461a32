import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds, identities, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';
import { askEntra, askImds } from './token-requests.ts';

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

const codeOf = (answer: RawAnswer): unknown => (answer.json()['error'] as { code: string } | undefined)?.code;

test('an app reads its subscriptions in the tenant of its token', async () => {
  expect(names(await get('/subscriptions', await tokenOf()))).toEqual(['Contoso production', 'Contoso test']);
  const inFabrikam = await tokenOf(clientIds.multitenant, tenantIds.fabrikam);
  expect(names(await get('/subscriptions', inFabrikam))).toEqual(['Fabrikam']);
  expect(names(await get('/tenants', inFabrikam))).toEqual(['Fabrikam']);
});

test.each(['https://management.azure.com/.default', 'https://management.azure.com//.default'])(
  'Resource Manager accepts the audience of %s',
  async (scope) => {
    const token = await tokenOf(clientIds.deployer, tenantIds.contoso, scope);
    expect((await get(`/subscriptions/${subscriptionIds.contosoTest}`, token)).status).toBe(200);
  },
);

test('a user-assigned identity is a resource, a system-assigned one is not', async () => {
  const { clientId, objectId, resourceId } = identities.runner;
  const token = await tokenOf();
  expect((await get(resourceId, token)).json()['properties']).toEqual({
    tenantId: tenantIds.contoso,
    principalId: objectId,
    clientId,
  });
  expect((await get(identities.system.resourceId, token)).status).toBe(404);
});

test('an identity without roles gets an empty list', async () => {
  const answer = await askImds(azure, {
    client_id: identities.runner.clientId,
    resource: 'https://management.azure.com/',
  });
  expect(names(await get('/subscriptions', String(answer.json()['access_token'])))).toEqual([]);
});

test.each([
  ['no token', async () => undefined, 'AuthenticationFailed'],
  ['text that is not a token', async () => 'not-a-token', 'InvalidAuthenticationToken'],
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
])('%s is rejected', async (_what, token, code) => {
  const answer = await get('/subscriptions', await token());
  expect([answer.status, codeOf(answer)]).toEqual([401, code]);
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer authorization_uri="https:\/\/login/);
});

test.each([
  ['an unknown subscription', '50b5c217-0000-4000-8000-00000000ffff', 404, 'SubscriptionNotFound'],
  ['a subscription of another tenant', subscriptionIds.fabrikam, 401, 'InvalidAuthenticationTokenTenant'],
  ['a subscription that the app cannot read', subscriptionIds.contosoTest, 403, 'AuthorizationFailed'],
])('%s is rejected', async (_what, id, status, code) => {
  const answer = await get(`/subscriptions/${id}`, await tokenOf(clientIds.multitenant));
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
});

test('a request needs an api-version', async () => {
  const answer = await get('/subscriptions?x=1', await tokenOf());
  expect([answer.status, codeOf(answer)]).toEqual([400, 'MissingApiVersionParameter']);
});

test('a resource group is read by its name', async () => {
  const token = await tokenOf();
  const group = `/subscriptions/${subscriptionIds.contosoTest}/resourceGroups/Runners`;
  expect((await get(group, token)).json()).toMatchObject({ name: 'runners', location: 'westeurope' });
  const missing = await get(group.replace('Runners', 'missing'), token);
  expect([missing.status, codeOf(missing)]).toEqual([404, 'ResourceGroupNotFound']);
});

test('the storage accounts of the examples are listed and read by name', async () => {
  const token = await tokenOf();
  const accounts = `/subscriptions/${subscriptionIds.contosoProduction}/providers/Microsoft.Storage/storageAccounts`;
  const listed = (await get(accounts, token)).json()['value'] as { id: string; name: string }[];
  expect(listed.map((one) => one.name)).toEqual(['contosodata', 'contosostate']);
  expect((await get(listed[1]?.id ?? '', token)).json()['properties']).toMatchObject({
    primaryEndpoints: { blob: 'https://contosostate.blob.core.windows.net/' },
  });
  const elsewhere = accounts.replace(subscriptionIds.contosoProduction, subscriptionIds.contosoTest);
  expect((await get(elsewhere, token)).json()['value']).toEqual([]);
});

test('the endpoints of the cloud need no token', async () => {
  const [row] = (await get('/metadata/endpoints')).json() as unknown as [{ name: string }];
  expect(row).toMatchObject({
    name: 'AzureCloud',
    resourceManager: 'https://management.azure.com/',
    authentication: { loginEndpoint: 'https://login.microsoftonline.com' },
  });
});
