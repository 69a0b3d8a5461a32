import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  clientIds,
  contosoOnlyApiUri,
  disabledApiUri,
  identities,
  tenantIds,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, type RawAnswer } from './raw-request.ts';
import { ARM_SCOPE, askEntra, assertionOf, codeOf } from './token-requests.ts';

const { contoso, fabrikam } = tenantIds;
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

test('an error response has the members of a real one, and the caller’s correlation ID', async () => {
  const answer = await askEntra(azure, {
    form: { grant_type: null },
    headers: { 'client-request-id': '11111111-2222-4333-8444-555555555555' },
  });
  expect(answer.status).toBe(400);
  const body = answer.json();
  const { trace_id: trace, timestamp } = body;
  expect(timestamp).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
  expect(body).toEqual({
    error: 'invalid_request',
    error_description: `AADSTS900144: The request body must contain the following parameter: 'grant_type'. Trace ID: ${trace} Correlation ID: 11111111-2222-4333-8444-555555555555 Timestamp: ${timestamp}`,
    error_codes: [900144],
    timestamp,
    trace_id: trace,
    correlation_id: '11111111-2222-4333-8444-555555555555',
    error_uri: 'https://localhost/error?code=900144',
  });
  expect(answer.headers['x-ms-request-id']).toBe(trace);
});

test.each([
  ['grant_type', 900144, 400],
  ['client_id', 900144, 400],
  ['scope', 900144, 400],
  ['client_assertion', 7000216, 401],
  ['client_assertion_type', 900144, 400],
])('without %s the response is AADSTS%i', async (parameter, code, status) => {
  const answer = await askEntra(azure, { form: { [parameter]: null } });
  expect([codeOf(answer), answer.status]).toEqual([code, status]);
});

test.each([
  ['another grant', { grant_type: 'password' }, 70003, 400],
  ['an unknown assertion type', { client_assertion_type: 'jwt-bearer' }, 7000218, 401],
  ['a secret', { client_assertion: null, client_secret: 'guess' }, 7000215, 401],
  ['a v1.0 resource', { resource: 'https://management.azure.com/' }, 901002, 400],
  ['a permission as scope', { scope: 'https://graph.microsoft.com/User.Read' }, 1002012, 400],
  ['a bare resource as scope', { scope: 'https://graph.microsoft.com' }, 1002012, 400],
  ['a scope without a resource', { scope: '/.default' }, 70011, 400],
  ['scopes of two resources', { scope: `${ARM_SCOPE} https://graph.microsoft.com/.default` }, 70011, 400],
  ['a scope that names only OpenID Connect scopes', { scope: 'openid profile' }, 1002012, 400],
  ['a scope of spaces', { scope: '  ' }, 700023, 400],
  ['the all-zero sample ID', { client_id: '00000000-0000-0000-0000-000000000000' }, 700038, 400],
  ['a secret beside the assertion', { client_secret: 'guess' }, 9002313, 400],
  ['an unknown resource', { scope: 'https://nobody.example/.default' }, 500011, 400],
  ['a disabled resource', { scope: `${disabledApiUri}/.default` }, 500014, 400],
  ['an unknown application', { client_id: '00000000-0000-4000-8000-000000000000' }, 700016, 400],
  ['an application with no principal', { client_id: clientIds.principalless }, 7000229, 401],
  ['a disabled application', { client_id: clientIds.disabled }, 7000112, 400],
])('%s is rejected', async (_what, form, code, status) => {
  const answer = await askEntra(azure, { form });
  expect([codeOf(answer), answer.status]).toEqual([code, status]);
});

test.each([
  ['an unknown tenant', '00000000-0000-4000-8000-000000000000', {}, 90002],
  ['an unknown domain', 'nobody.example', {}, 90002],
  ['a tenant that is neither a GUID nor a domain', 'contoso', {}, 900023],
  ['common, by a single-tenant app', 'common', {}, 50194],
  ['organizations, by a multitenant app', 'organizations', { client_id: clientIds.multitenant }, 7000229],
  ['consumers', 'consumers', { client_id: clientIds.multitenant }, 700016],
  ['a single-tenant app in another tenant', fabrikam, {}, 700016],
  [
    'a multitenant app without a service principal',
    fabrikam,
    { client_id: clientIds.unprovisioned },
    7000229,
  ],
  [
    'a service principal disabled in this tenant',
    fabrikam,
    { client_id: clientIds.disabledInFabrikam },
    7000112,
  ],
  [
    'a resource that this tenant does not have',
    fabrikam,
    { client_id: clientIds.multitenant, scope: `${contosoOnlyApiUri}/.default` },
    500011,
  ],
])('%s is rejected', async (_what, tenant, form, code) => {
  expect(codeOf(await askEntra(azure, { tenant, form }))).toBe(code);
});

test('a service principal disabled in one tenant works in the other', async () => {
  expect((await askEntra(azure, { form: { client_id: clientIds.disabledInFabrikam } })).status).toBe(200);
});

test.each(['application/json', 'text/plain', ''])(
  'a form with the content type %j is not read',
  async (type) => {
    const answer = await askEntra(azure, { headers: { 'content-type': type } });
    expect(answer.json()['error_description']).toContain("parameter: 'grant_type'");
  },
);

/** Posts exactly this body to the token endpoint. */
const postRaw = (body: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  ask(`${azure.entra.url}/${contoso}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
    ca: azure.ca.pem,
  });

test.each(['client_id', 'Client_ID'])('client_id beside %s is a duplicate', async (name) => {
  const assertion = await assertionOf(azure, identities.runner.clientId);
  const answer = await postRaw(
    `grant_type=client_credentials&client_id=a&${name}=b&client_assertion=${assertion}`,
  );
  expect(codeOf(answer)).toBe(9000411);
  expect(answer.json()['error_description']).toContain("'client_id' is duplicated");
});

test('a form that is declared as gzip is not read', async () => {
  expect((await askEntra(azure, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  expect((await askEntra(azure, { headers: { 'content-encoding': 'identity' } })).status).toBe(200);
});

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

test.each([
  ['a wrong secret', basic(clientIds.deployer, 'guess'), { client_assertion: null }, 7000215],
  [
    'a wrong secret without client_id',
    basic(clientIds.deployer, 'guess'),
    { client_assertion: null, client_id: null },
    7000215,
  ],
  ['a secret beside an assertion', basic(clientIds.deployer, 'guess'), {}, 9002313],
  ['another application than client_id', basic(clientIds.multitenant, ''), {}, 9002313],
  ['text without a colon', { authorization: 'Basic eA==' }, {}, 9002313],
  ['another scheme', { authorization: 'Bearer token' }, {}, 9002313],
])('client_secret_basic with %s is rejected', async (_what, headers, form, code) => {
  expect(codeOf(await askEntra(azure, { form, headers }))).toBe(code);
});

test('the token endpoint accepts only POST', async () => {
  const answer = await ask(`${azure.entra.url}/${contoso}/oauth2/v2.0/token`, { ca: azure.ca.pem });
  expect(codeOf(answer)).toBe(900561);
});

test('a client that does not trust the certificate authority gets no connection', async () => {
  await expect(ask(`${azure.entra.url}/common/discovery/keys`)).rejects.toThrow(/unable to (verify|get)/);
});
