import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from '../../emulator/certificate-authority.ts';
import { type Budget, startBudget } from '../../src/exchange/budget.ts';
import { createTokenSource } from '../../src/exchange/exchange.ts';
import { recordingObserver } from './recording-observer.ts';
import { virtualClock } from './virtual-clock.ts';

const minute = 60_000;
let authority: CertificateAuthority;
/** One for the whole file, because the library keeps the address of the first request. */
let identityUrl: string;
let asked = 0;
let answerIdentity: () => unknown = () => ({});
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});
const identityServer = createHttpServer((_, response) => {
  asked += 1;
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answerIdentity()));
});
beforeAll(async () => {
  authority = await createCertificateAuthority();
  identityServer.listen(0, '127.0.0.1');
  await once(identityServer, 'listening');
  identityUrl = `http://127.0.0.1:${(identityServer.address() as AddressInfo).port}/msi/token`;
  Object.assign(process.env, { IDENTITY_ENDPOINT: identityUrl, IDENTITY_HEADER: 'hush' });
});
afterAll(() => {
  identityServer.closeAllConnections();
  identityServer.close();
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) delete process.env[name];
});

/** An identity whose assertions live for `minutes`, and a token source that asks it. */
async function source(
  minutes: number,
  more: {
    readonly claims?: object;
    readonly appClaims?: object;
    readonly agentIdentityId?: string;
  } = {},
) {
  const clientId = randomUUID();
  const tenantId = randomUUID();
  const jwt = (claims: object): string =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
  const exp = Math.floor(Date.now() / 1000) + minutes * 60;
  asked = 0;
  answerIdentity = () => ({
    access_token: jwt({ exp, jti: asked, ...more.claims }),
    expires_on: String(exp),
    resource: 'api://AzureADTokenExchange',
    token_type: 'Bearer',
  });
  const bodies: URLSearchParams[] = [];
  const entra = createServer(await authority.issue(['localhost']), (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
      bodies.push(form);
      const token = jwt({ appid: form.get('client_id'), tid: tenantId, n: bodies.length, ...more.appClaims });
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ access_token: token, expires_in: 3599, token_type: 'Bearer' }));
    });
  });
  entra.listen(0, '127.0.0.1');
  await once(entra, 'listening');
  cleanups.push(() => {
    entra.closeAllConnections();
    entra.close();
  });
  const variables = { IDENTITY_ENDPOINT: identityUrl, IDENTITY_HEADER: 'hush' };
  const observer = recordingObserver();
  const tokens = createTokenSource(
    {
      origin: {
        kind: 'managed-identity',
        machine: { kind: 'app-service', endpoint: identityUrl, because: 'a test', variables, secret: 'hush' },
        identity: { kind: 'client-id', value: randomUUID() },
      },
      audience: 'api://AzureADTokenExchange',
      authorityHost: `https://localhost:${(entra.address() as AddressInfo).port}`,
      tenantId,
      clientId,
      ...(more.agentIdentityId !== undefined && { agentIdentityId: more.agentIdentityId }),
      scopes: ['https://a.example/.default'],
      registries: [],
      certificateAuthority: authority.pem,
      timeBudget: 2 * minute,
    },
    observer,
  );
  const clock = virtualClock(Date.now());
  const budget: Budget = startBudget(24 * 60 * minute, clock, () => 0);
  cleanups.push(() => budget.cancel());
  return { tokens, bodies, observer, clock, budget };
}

test('parallel callers share one request to the identity, and each gets a token of its own', async () => {
  const { tokens, bodies, budget } = await source(60);
  const scopes = ['https://a.example/.default', 'https://b.example/.default', 'https://c.example/.default'];
  const all = await Promise.all(scopes.map((scope) => tokens.token(scope, budget)));
  expect(new Set(all.map(({ token }) => token)).size).toBe(3);
  expect(asked).toBe(1);
  expect(bodies.map((body) => body.get('scope')?.split(' ')[0]).sort()).toEqual(scopes);
});

test('the assertion is presented as the client assertion', async () => {
  const { tokens, bodies, budget } = await source(60);
  const { token } = await tokens.assertion(budget);
  await tokens.token('https://a.example/.default', budget);
  expect(bodies[0]?.get('client_assertion')).toBe(token);
});

test('the assertion is kept until five minutes before its end', async () => {
  const { tokens, clock, budget } = await source(60);
  const first = await tokens.assertion(budget);
  clock.advance(54 * minute);
  expect(await tokens.assertion(budget)).toBe(first);
  expect(asked).toBe(1);
});

test('an assertion with less time left is replaced before it is used', async () => {
  const { tokens, clock, budget } = await source(4);
  const first = await tokens.assertion(budget);
  const next = startBudget(minute, clock, () => 0);
  cleanups.push(() => next.cancel());
  const second = await tokens.assertion(next);
  expect(second.token).not.toBe(first.token);
  expect(asked).toBe(2);
});

test('an assertion is renewed although the exchange that fetched the first one is over', async () => {
  const { tokens, budget, clock } = await source(4);
  const first = await tokens.assertion(budget);
  budget.cancel();
  const later = startBudget(2 * minute, clock, () => 0);
  expect((await tokens.assertion(later)).token).not.toBe(first.token);
  later.cancel();
});

test('an agent identity: the blueprint’s token is kept until five minutes before its end, then both steps are renewed', async () => {
  const agentIdentityId = randomUUID();
  const { tokens, bodies, clock } = await source(4, { agentIdentityId });
  const token = async (): Promise<void> => {
    const budget = startBudget(2 * minute, clock, () => 0);
    await tokens.token('https://a.example/.default', budget);
    budget.cancel();
  };
  const paths = () => bodies.map((body) => body.get('fmi_path'));
  await token();
  clock.advance(54 * minute);
  await token();
  expect([asked, paths()]).toEqual([1, [agentIdentityId, null, null]]);
  // It has less than five minutes left. So has the machine's assertion by now.
  clock.advance(2 * minute);
  await token();
  expect([asked, paths()]).toEqual([2, [agentIdentityId, null, null, agentIdentityId, null]]);
});

test('an agent identity: parallel callers share one blueprint’s token', async () => {
  const agentIdentityId = randomUUID();
  const { tokens, bodies, budget } = await source(60, { agentIdentityId });
  await Promise.all(['a', 'b', 'c'].map((name) => tokens.token(`https://${name}.example/.default`, budget)));
  expect(asked).toBe(1);
  expect(bodies.filter((body) => body.has('fmi_path'))).toHaveLength(1);
  const clients = bodies.map((body) => body.get('client_id'));
  expect(clients.slice(1)).toEqual([agentIdentityId, agentIdentityId, agentIdentityId]);
});

test('an exchange whose time is over does not fail the others that wait for the same assertion', async () => {
  const { tokens, clock } = await source(60);
  const [first, second] = [1, 2].map(() => startBudget(2 * minute, clock, () => 0));
  if (first === undefined || second === undefined) throw new Error('two budgets');
  const failing = tokens.assertion(first).catch((error: unknown) => error);
  const waiting = [tokens.assertion(second), tokens.token('https://a.example/.default', second)];
  first.cancel();
  expect(await failing).toBeInstanceOf(Error);
  await Promise.all(waiting);
  second.cancel();
});

test('a refusal by the machine fails all that wait for the same assertion, after one request', async () => {
  const { tokens, clock } = await source(60);
  answerIdentity = () => ({ error: 'nonsense' });
  const budgets = [1, 2, 3].map(() => startBudget(2 * minute, clock, () => 0));
  const failures = await Promise.allSettled(budgets.map((budget) => tokens.assertion(budget)));
  expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(asked).toBe(1);
  for (const budget of budgets) budget.cancel();
});

test('app tokens are not kept', async () => {
  const { tokens, bodies, budget } = await source(60);
  const scope = 'https://a.example/.default';
  const [first, second] = [await tokens.token(scope, budget), await tokens.token(scope, budget)];
  expect(first.token).not.toBe(second.token);
  expect(bodies).toHaveLength(2);
});

test.each([
  ['azp of another app', { appid: undefined, azp: randomUUID() }, 'other-app'],
  ['azp of another app beside the right appid', { azp: randomUUID() }, 'other-app'],
  ['appid of another app', { appid: randomUUID() }, 'other-app'],
  ['tid of another tenant', { tid: randomUUID() }, 'other-tenant'],
])('a token with %s is refused, and still masked', async (_, appClaims, reason) => {
  const { tokens, budget, observer } = await source(60, { appClaims });
  const detail = expect.objectContaining({ kind: 'unusable-answer', leg: 'entra', reason });
  await expect(tokens.token('https://a.example/.default', budget)).rejects.toMatchObject({ detail });
  expect(observer.events).not.toContain('accepted entra');
  expect(observer.secrets.length).toBeGreaterThan(1);
});

test('the token of a system-assigned identity is refused, and still masked', async () => {
  const { tokens, budget, observer } = await source(60, {
    claims: { xms_mirid: '/subscriptions/x/providers/Microsoft.Compute/virtualMachines/vm' },
  });
  await expect(tokens.assertion(budget)).rejects.toMatchObject({ detail: { reason: 'system-assigned' } });
  expect(observer.secrets.length).toBeGreaterThan(0);
  expect(observer.events).not.toContain('accepted identity');
});
