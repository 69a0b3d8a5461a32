import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { aadsts } from '../../emulator/aadsts.ts';
import { identities } from '../../emulator/default-world.ts';
import { type Emulator, entraError, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { ask } from './raw-request.ts';
import { askEntra, askImds, codeOf } from './token-requests.ts';

let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => {
  azure.faults.clear();
  azure.delays.clear();
});

test('a queued response is used the given number of times, then the service answers normally', async () => {
  azure.faults.queue(
    'imds',
    { status: 429, headers: { 'retry-after': '3' }, body: { error: 'slow down' } },
    2,
  );
  expect(azure.faults.pending).toBe(2);
  const answers = [await askImds(azure), await askImds(azure), await askImds(azure)];
  expect(answers.map((one) => one.status)).toEqual([429, 429, 200]);
  expect(answers[0]?.headers['retry-after']).toBe('3');
  expect(azure.faults.pending).toBe(0);
});

test('a fault can be limited to some requests', async () => {
  azure.faults.queue(
    'entra',
    entraError(700213),
    1,
    (one) => one.form.get('scope')?.includes('graph') ?? false,
  );
  expect((await askEntra(azure)).status).toBe(200);
  expect(codeOf(await askEntra(azure, { form: { scope: 'https://graph.microsoft.com/.default' } }))).toBe(
    700213,
  );
});

test('an Entra error can have another text, status and additional members', async () => {
  azure.faults.queue(
    'entra',
    entraError(7002131, { message: 'No record.', status: 401, extra: { suberror: 'x' } }),
  );
  const answer = await askEntra(azure);
  expect(answer.status).toBe(401);
  expect(answer.json()).toMatchObject({ error_codes: [7002131], suberror: 'x' });
});

test('a queued error uses the values of the request', async () => {
  azure.faults.queue('entra', entraError(700213));
  const { error_description: text } = (await askEntra(azure)).json();
  expect(text).toContain(`presented assertion subject '${identities.runner.objectId}'.`);
});

test.each(Object.entries(aadsts))(
  'AADSTS%s can be queued, and its text has no open placeholder',
  async (code, row) => {
    azure.faults.queue('entra', entraError(Number(code)));
    const answer = await askEntra(azure);
    expect([answer.status, codeOf(answer)]).toEqual([row.status, Number(code)]);
    expect(answer.json()['error_description']).not.toMatch(/[{}]/);
  },
);

test.each([
  ['html', { kind: 'html', status: 503 }, 503, /^<html>/],
  ['a redirect', { kind: 'redirect', location: 'https://evil.example/' }, 302, /^$/],
  ['a raw body', { status: 200, body: 'not JSON' }, 200, /^not JSON$/],
  ['truncated JSON', { kind: 'truncated' }, 200, /^\{"access_token":"[^"]*$/],
] satisfies [string, Fault, number, RegExp][])('%s', async (_what, fault, status, text) => {
  azure.faults.queue('imds', fault);
  const answer = await askImds(azure);
  expect(answer.status).toBe(status);
  expect(answer.text).toMatch(text);
});

test.each([
  ['imds', 'reset'],
  ['imds', 'cut'],
  ['entra', 'reset'],
  ['entra', 'cut'],
] as const)('%s: %s closes the connection', async (leg, kind) => {
  azure.faults.queue(leg, { kind });
  await expect(leg === 'imds' ? askImds(azure) : askEntra(azure)).rejects.toThrow(
    /ECONNRESET|socket hang up|aborted/,
  );
});

test('a delay postpones the response', async () => {
  azure.delays.set('imds', 120);
  const start = performance.now();
  await askImds(azure);
  expect(performance.now() - start).toBeGreaterThanOrEqual(115);
});

test('a test can wait for one request, and for a number of requests', async () => {
  azure.clearRequests();
  const next = azure.nextRequest((one) => one.leg === 'entra');
  await askEntra(azure);
  expect((await next).path).toMatch(/\/oauth2\/v2\.0\/token$/);
  const asked = azure.untilRequests(3, (one) => one.leg === 'imds');
  await askImds(azure);
  await askImds(azure);
  expect(await asked).toHaveLength(3);
  expect((await asked).map((one) => one.status)).toEqual([200, 200, 200]);
});

test('stop ends hanging, stalled and delayed requests', async () => {
  const other = await startEmulator();
  other.faults.queue('imds', { kind: 'hang' });
  other.faults.queue('imds', { kind: 'stall' });
  other.delays.set('entra', 600_000);
  const pending = [
    askImds(other),
    askImds(other),
    ask(`${other.entra.url}/common/discovery/keys`, { ca: other.ca.pem }),
  ].map((promise) => promise.catch(() => 'closed'));
  await other.untilRequests(3);
  await other.stop();
  expect(await Promise.all(pending)).toEqual(['closed', 'closed', 'closed']);
});
