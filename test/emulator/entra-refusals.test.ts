import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  clientIds,
  contosoOnlyApiUri,
  disabledApiUri,
  identities,
  tenantIds,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ARM_SCOPE, askEntra, assertionOf, codeOf } from './exchange.ts';
import { ask } from './raw-request.ts';

const { contoso, fabrikam } = tenantIds;
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

test('a refusal has all the members of the real one, and echoes the correlation ID', async () => {
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
  ['client_assertion', 7000218, 401],
  ['client_assertion_type', 900144, 400],
])('without %s it is AADSTS%i', async (parameter, code, status) => {
  const answer = await askEntra(azure, { form: { [parameter]: null } });
  expect([codeOf(answer), answer.status]).toEqual([code, status]);
});

test.each([
  ['another grant', { grant_type: 'password' }, 70003, 400],
  ['a type of assertion that is none', { client_assertion_type: 'jwt-bearer' }, 7000218, 401],
  ['a secret', { client_assertion: null, client_secret: 'guess' }, 7000215, 401],
  ['a v1.0 resource', { resource: 'https://management.azure.com/' }, 901002, 400],
  ['a permission as scope', { scope: 'https://graph.microsoft.com/User.Read' }, 1002012, 400],
  ['a bare resource as scope', { scope: 'https://graph.microsoft.com' }, 1002012, 400],
  ['a scope of no resource', { scope: '/.default' }, 70011, 400],
  ['scopes of two resources', { scope: `${ARM_SCOPE} https://graph.microsoft.com/.default` }, 700022, 400],
  ['an unknown resource', { scope: 'https://nobody.example/.default' }, 500011, 400],
  ['a disabled resource', { scope: `${disabledApiUri}/.default` }, 500014, 400],
  ['an unknown application', { client_id: '00000000-0000-4000-8000-000000000000' }, 700016, 400],
  ['an application with no principal', { client_id: clientIds.principalless }, 7000229, 401],
  ['a disabled application', { client_id: clientIds.disabled }, 7000112, 400],
])('%s is refused', async (_what, form, code, status) => {
  const answer = await askEntra(azure, { form });
  expect([codeOf(answer), answer.status]).toEqual([code, status]);
});

test.each([
  ['an unknown tenant', '00000000-0000-4000-8000-000000000000', {}, 90002],
  ['an unknown domain', 'nobody.example', {}, 90002],
  ['a tenant that is neither GUID nor domain', 'contoso', {}, 900023],
  ['common, by a single-tenant app', 'common', {}, 50194],
  ['organizations, by a multitenant app', 'organizations', { client_id: clientIds.multitenant }, 7000229],
  ['consumers', 'consumers', { client_id: clientIds.multitenant }, 700016],
  ['a single-tenant app elsewhere', fabrikam, {}, 700016],
  ['an unprovisioned multitenant app', fabrikam, { client_id: clientIds.unprovisioned }, 7000229],
  ['a principal disabled there', fabrikam, { client_id: clientIds.disabledInFabrikam }, 7000112],
  [
    'a resource that the other tenant lacks',
    fabrikam,
    { client_id: clientIds.multitenant, scope: `${contosoOnlyApiUri}/.default` },
    500011,
  ],
])('%s is refused', async (_what, tenant, form, code) => {
  expect(codeOf(await askEntra(azure, { tenant, form }))).toBe(code);
});

test('a principal disabled in one tenant still works in the other', async () => {
  expect((await askEntra(azure, { form: { client_id: clientIds.disabledInFabrikam } })).status).toBe(200);
});

test.each(['application/json', 'text/plain', ''])('a form sent as %j is not read', async (type) => {
  const answer = await askEntra(azure, { headers: { 'content-type': type } });
  expect(answer.json()['error_description']).toContain("parameter: 'grant_type'");
});

test('a parameter given twice is refused', async () => {
  const assertion = await assertionOf(azure, identities.runner.clientId);
  const answer = await ask(`${azure.entra.url}/${contoso}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=client_credentials&client_id=a&client_id=b&client_assertion=${assertion}`,
    ca: azure.ca.pem,
  });
  expect(codeOf(answer)).toBe(9000411);
});

test('the token endpoint takes POST only', async () => {
  const answer = await ask(`${azure.entra.url}/${contoso}/oauth2/v2.0/token`, { ca: azure.ca.pem });
  expect(codeOf(answer)).toBe(900561);
});

test('a client that does not know the certificate authority gets no connection', async () => {
  await expect(ask(`${azure.entra.url}/common/discovery/keys`)).rejects.toThrow(/unable to (verify|get)/);
});
