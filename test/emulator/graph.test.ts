import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { v2Issuer } from '../../emulator/clouds.ts';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, type RawAnswer } from './raw-request.ts';
import { askEntra, codeOf } from './token-requests.ts';

const { contoso, fabrikam } = tenantIds;
const { runner, second } = identities;
let azure: Emulator;
let administrator: string;

beforeEach(async () => {
  azure = await startEmulator();
  administrator = await tokenOf(clientIds.administrator);
});
afterEach(() => azure.stop());

async function tokenOf(clientId: string, tenant: string = contoso): Promise<string> {
  const form = { client_id: clientId, scope: 'https://graph.microsoft.com/.default' };
  return String((await askEntra(azure, { tenant, form })).json()['access_token']);
}

function call(
  method: string,
  path: string,
  body?: unknown,
  token: string = administrator,
): Promise<RawAnswer> {
  return ask(`${azure.graph.url}/v1.0${path}`, {
    method,
    ca: azure.ca.pem,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const credentialsOf = (clientId: string): string =>
  `/applications(appId='${clientId}')/federatedIdentityCredentials`;

const trust = {
  name: 'runner',
  issuer: v2Issuer('public', contoso),
  subject: runner.objectId,
  audiences: ['api://AzureADTokenExchange'],
};

const exchange = (clientId: string, tenant: string = contoso): Promise<RawAnswer> =>
  askEntra(azure, { tenant, form: { client_id: clientId } });

const values = (answer: RawAnswer): Record<string, unknown>[] =>
  answer.json()['value'] as Record<string, unknown>[];

describe('a federated identity credential', () => {
  test('applies to the next exchange, until it is deleted', async () => {
    const { trustless } = clientIds;
    expect(codeOf(await exchange(trustless))).toBe(70025);
    const created = await call('POST', credentialsOf(trustless), trust);
    expect(created.status).toBe(201);
    expect(created.json()).toMatchObject(trust);
    expect((await exchange(trustless)).status).toBe(200);
    expect((await call('DELETE', `${credentialsOf(trustless)}/${created.json()['id']}`)).status).toBe(204);
    expect(codeOf(await exchange(trustless))).toBe(70025);
  });

  test('is created without an error even if it is wrong', async () => {
    const wrong = { ...trust, subject: 'nobody', audiences: ['api://nothing'] };
    expect((await call('POST', credentialsOf(clientIds.trustless), wrong)).status).toBe(201);
    expect(codeOf(await exchange(clientIds.trustless))).toBe(700213);
  });

  test('can be listed, read by name, and changed', async () => {
    const path = credentialsOf(clientIds.wrongSubject);
    expect(values(await call('GET', path))).toHaveLength(1);
    expect((await call('GET', `${path}/runner`)).json()['subject']).toBe(runner.clientId);
    expect((await call('PATCH', `${path}/runner`, { subject: runner.objectId })).status).toBe(204);
    expect((await exchange(clientIds.wrongSubject)).status).toBe(200);
  });

  test.each([
    ['a name of two characters', { name: 'ab' }, 400],
    ['a name of 121 characters', { name: 'a'.repeat(121) }, 400],
    ['a name with a space', { name: 'the runner' }, 400],
    ['no audience', { audiences: [] }, 400],
    ['two audiences', { audiences: ['api://a', 'api://b'] }, 400],
    ['no subject', { subject: undefined }, 400],
    ['an empty subject', { subject: '' }, 400],
    ['an issuer without https', { issuer: 'http://issuer.example' }, 400],
    ['the name of another credential', { subject: second.objectId }, 409],
    ['the issuer and subject of another credential', { name: 'other' }, 409],
  ])('with %s is rejected', async (_what, difference, status) => {
    const answer = await call('POST', credentialsOf(clientIds.deployer), { ...trust, ...difference });
    expect(answer.status).toBe(status);
  });

  test('is limited to 20 per application', async () => {
    const path = credentialsOf(clientIds.trustless);
    const create = async (index: number): Promise<number> =>
      (await call('POST', path, { ...trust, name: `runner-${index}`, subject: `subject-${index}` })).status;
    for (let index = 1; index <= 20; index += 1) expect(await create(index)).toBe(201);
    expect(await create(21)).toBe(400);
  });
});

describe('an application', () => {
  test.each([
    [`appId eq '${clientIds.deployer}'`, ['deployer']],
    ["displayName eq 'deployer'", ['deployer']],
    [
      "startswith(displayName,'wrong')",
      ['wrong-issuer', 'wrong-subject', 'wrong-letter-case', 'wrong-audience'],
    ],
    ["identifierUris/any(s:s eq 'api://x')", []],
  ])('is found by %s', async (filter, found) => {
    const answer = await call('GET', `/applications?$filter=${encodeURIComponent(filter)}`);
    expect(values(answer).map((one) => one['displayName'])).toEqual(found);
  });

  test('is not found by an unsupported filter', async () => {
    expect((await call('GET', '/applications?$filter=nonsense')).status).toBe(400);
  });

  test('exists only in its home tenant, its service principal in every tenant that has one', async () => {
    const inFabrikam = await tokenOf(clientIds.administrator, fabrikam);
    expect(
      (await call('GET', `/applications(appId='${clientIds.multitenant}')`, undefined, inFabrikam)).status,
    ).toBe(404);
    const filter = encodeURIComponent(`servicePrincipalNames/any(c:c eq '${clientIds.multitenant}')`);
    expect(
      values(await call('GET', `/servicePrincipals?$filter=${filter}`, undefined, inFabrikam)),
    ).toHaveLength(1);
  });

  test('works after it has a service principal and a credential', async () => {
    const appId = String((await call('POST', '/applications', { displayName: 'fresh' })).json()['appId']);
    expect(codeOf(await exchange(appId))).toBe(7000229);
    expect((await call('POST', '/servicePrincipals', { appId })).status).toBe(201);
    expect((await call('POST', '/servicePrincipals', { appId })).status).toBe(409);
    expect(codeOf(await exchange(appId))).toBe(70025);
    expect((await call('POST', credentialsOf(appId), trust)).status).toBe(201);
    expect((await exchange(appId)).status).toBe(200);
  });

  test('that is multitenant can get a service principal in another tenant, a single-tenant one cannot', async () => {
    const inFabrikam = await tokenOf(clientIds.administrator, fabrikam);
    const provision = (appId: string): Promise<RawAnswer> =>
      call('POST', '/servicePrincipals', { appId }, inFabrikam);
    expect((await provision(clientIds.unprovisioned)).status).toBe(201);
    expect((await exchange(clientIds.unprovisioned, fabrikam)).status).toBe(200);
    expect((await provision(clientIds.deployer)).status).toBe(400);
  });
});

describe('a list', () => {
  const page = async (url: string): Promise<Record<string, unknown>> =>
    (await ask(url, { ca: azure.ca.pem, headers: { authorization: `Bearer ${administrator}` } })).json();

  test('has at most $top entries and a link to the next page', async () => {
    const all = values(await call('GET', '/applications'));
    for (const top of [6, all.length - 1, all.length]) {
      const names: unknown[] = [];
      let pages = 0;
      let url: unknown = `${azure.graph.url}/v1.0/applications?$top=${top}`;
      while (typeof url === 'string') {
        const { value, '@odata.nextLink': next } = await page(url);
        const found = value as Record<string, unknown>[];
        expect(found.length).toBeLessThanOrEqual(top);
        names.push(...found.map((one) => one['displayName']));
        pages += 1;
        url = next;
      }
      expect(names).toEqual(all.map((one) => one['displayName']));
      expect(pages).toBe(Math.ceil(all.length / top));
    }
  });

  test.each(['0', '1000', '-1', 'many'])('with $top=%s is rejected', async (top) => {
    expect((await call('GET', `/applications?$top=${top}`)).status).toBe(400);
  });
});

test('/beta has the same objects as /v1.0', async () => {
  const answer = await ask(`${azure.graph.url}/beta/applications(appId='${clientIds.deployer}')`, {
    ca: azure.ca.pem,
    headers: { authorization: `Bearer ${administrator}` },
  });
  expect(answer.json()).toMatchObject({ displayName: 'deployer' });
  expect(answer.json()['@odata.context']).toContain('/beta/$metadata#applications');
});

test.each(['applications', 'servicePrincipals'])('the owners of %s are an empty list', async (collection) => {
  const answer = await call('GET', `/${collection}(appId='${clientIds.deployer}')/owners`);
  expect([answer.status, values(answer)]).toEqual([200, []]);
});

test('the organization is the tenant of the token', async () => {
  const token = await tokenOf(clientIds.multitenant, fabrikam);
  expect(values(await call('GET', '/organization', undefined, token))[0]).toMatchObject({
    id: fabrikam,
    displayName: 'Fabrikam',
  });
});

test('an app without the permission can read, but not write', async () => {
  const token = await tokenOf(clientIds.deployer);
  expect((await call('GET', credentialsOf(clientIds.trustless), undefined, token)).status).toBe(200);
  const answer = await call('POST', credentialsOf(clientIds.trustless), trust, token);
  expect([answer.status, answer.json()]).toMatchObject([
    403,
    { error: { code: 'Authorization_RequestDenied' } },
  ]);
});

test.each([
  ['no token', ''],
  ['a token for Resource Manager', 'arm'],
])('%s is rejected', async (_what, kind) => {
  const token = kind === 'arm' ? String((await askEntra(azure)).json()['access_token']) : '';
  const answer = await call('GET', '/organization', undefined, token);
  expect([answer.status, answer.json()]).toMatchObject([
    401,
    { error: { code: 'InvalidAuthenticationToken' } },
  ]);
});
