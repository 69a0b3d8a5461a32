import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startBudget } from '../../src/exchange/budget.ts';
import { agentWithConnectLimit } from '../../src/exchange/connections.ts';
import type { ExchangeFailure, Leg } from '../../src/exchange/failure.ts';
import { type Hindrance, jitter, retryTable } from '../../src/exchange/retries.ts';
import { createTransport, type Retrying } from '../../src/exchange/transport.ts';
import { type Line, type ScriptedServer, startScriptedServer } from './scripted-server.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

const good: Readonly<Record<Leg, Line>> = {
  identity: { status: 200, body: { access_token: 'a.b.c', expires_on: '4102444800' } },
  entra: { status: 200, body: { access_token: 'a.b.c', expires_in: 3599, token_type: 'Bearer' } },
};
const aadsts = (code: number): Line => ({
  status: 401,
  body: { error: 'invalid_client', error_description: `AADSTS${code}: words`, error_codes: [code] },
});

interface Run {
  readonly asked: number;
  readonly waits: readonly number[];
  readonly retries: readonly Retrying[];
  readonly failure: ExchangeFailure | undefined;
}

async function run(
  leg: Leg,
  lines: readonly Line[],
  seconds = 120,
  clock: VirtualClock = virtualClock(),
): Promise<Run> {
  const server = await startScriptedServer(lines);
  servers.push(server);
  const retries: Retrying[] = [];
  const transport = createTransport(
    leg,
    { agent: agentWithConnectLimit('http:', 2_000) },
    startBudget(seconds * 1000, clock, () => 0),
    (retrying) => {
      retries.push(retrying);
    },
  );
  const request = createPipelineRequest({
    url: server.url,
    method: 'POST',
    body: 'x=y',
    headers: createHttpHeaders({ 'Content-Type': 'application/x-www-form-urlencoded' }),
    allowInsecureConnection: true,
  });
  await transport.httpClient.sendRequest(request).catch(() => undefined);
  return { asked: server.asked(), waits: clock.waits, retries, failure: transport.failure() };
}

describe('what passes is tried again', () => {
  const passing: readonly (readonly [leg: Leg, title: string, line: Line, hindrance: Hindrance])[] = [
    ['identity', 'status 404', { status: 404 }, 'not-found'],
    ['identity', 'status 410', { status: 410 }, 'gone'],
    ['identity', 'status 429', { status: 429 }, 'throttled'],
    ['identity', 'status 500', { status: 500 }, 'server-error'],
    ['identity', 'status 503 in HTML', { status: 503, body: '<html>busy</html>' }, 'server-error'],
    ['identity', 'a broken connection', 'reset', 'unreachable'],
    ['entra', 'status 429', { status: 429 }, 'throttled'],
    ['entra', 'status 500', { status: 500 }, 'server-error'],
    ['entra', 'status 503 in HTML', { status: 503, body: '<!DOCTYPE html><p>busy' }, 'server-error'],
    ['entra', 'status 504', { status: 504 }, 'server-error'],
    ['entra', 'a broken connection', 'reset', 'unreachable'],
    ...[90033, 90006, 90012, 90024, 90055, 50033, 90090].map(
      (code) => ['entra', `AADSTS${code}`, aadsts(code), 'transient'] as const,
    ),
    ...[70021, 700211, 700212, 700213, 7002131, 7002138, 70025].map(
      (code) => ['entra', `AADSTS${code}`, aadsts(code), 'trust'] as const,
    ),
  ];
  test.each(passing)('%s: %s', async (leg, _, line, hindrance) => {
    const { asked, waits, failure } = await run(leg, [line, line, good[leg]]);
    expect(failure).toBeUndefined();
    expect(asked).toBe(3);
    const row = retryTable[leg][hindrance];
    if (row === undefined) throw new Error(`no row for ${hindrance}`);
    expect(waits).toEqual([row.firstWait, Math.min(row.firstWait * row.factor, row.longestWait)]);
  });

  test('the identity endpoint is left alone for at least a second after a server error', () => {
    expect(retryTable.identity['server-error']?.firstWait).toBeGreaterThanOrEqual(1_000);
  });

  test.each(['identity', 'entra'] as const)('%s: a server that accepts and never answers', async (leg) => {
    const { asked, failure } = await run(leg, ['hang', good[leg]], 120, virtualClock('impatient'));
    expect(failure).toBeUndefined();
    expect(asked).toBe(2);
  });
});

describe('everything else fails at once', () => {
  const final: readonly (readonly [leg: Leg, title: string, line: Line, kind: string])[] = [
    [
      'identity',
      'status 400',
      { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } },
      'refused',
    ],
    ['identity', 'status 403', { status: 403 }, 'refused'],
    ['identity', 'a redirect', { status: 302, headers: { Location: 'http://127.0.0.1:1/' } }, 'unusable'],
    ['identity', 'no token', { status: 200, body: { expires_on: '1' } }, 'unusable'],
    ['identity', 'a web page', { status: 200, body: '<html>sign in</html>' }, 'unusable'],
    ['entra', 'AADSTS700016', aadsts(700016), 'refused'],
    ['entra', 'AADSTS50196', aadsts(50196), 'refused'],
    ['entra', 'an unknown code', aadsts(123456789), 'refused'],
    ['entra', 'status 403 in HTML', { status: 403, body: '<html>proxy</html>' }, 'unusable'],
    ['entra', 'a redirect', { status: 307, headers: { Location: 'http://127.0.0.1:1/' } }, 'unusable'],
    ['entra', 'truncated JSON', { status: 200, body: '{"access_token":"a.b' }, 'unusable'],
    ['entra', 'no token', { status: 200, body: { token_type: 'Bearer', expires_in: 1 } }, 'unusable'],
    [
      'entra',
      'a token with a line break',
      { status: 200, body: { access_token: 'a\nb', expires_in: 1 } },
      'unusable',
    ],
    [
      'entra',
      'an expiry beyond all time',
      { status: 200, body: { access_token: 'a.b.c', expires_in: 1e20 } },
      'unusable',
    ],
    ['entra', 'a proxy that wants a password', { status: 407, body: 'no' }, 'unusable'],
    ['entra', 'no expiry', { status: 200, body: { access_token: 'a.b.c' } }, 'unusable'],
  ];
  test.each(final)('%s: %s', async (leg, _, line, kind) => {
    const { asked, waits, failure } = await run(leg, [line, good[leg]]);
    expect(asked).toBe(1);
    expect(waits).toEqual([]);
    expect(failure?.problem).toMatchObject({ kind, leg, attempts: { tries: 1 } });
    expect(failure?.problem).not.toHaveProperty('outOfTime');
  });
});

test('what is shown of an answer cannot be a token, whole or cut off', async () => {
  const secret = 'S'.repeat(50);
  for (const leg of ['identity', 'entra'] as const) {
    for (const status of [200, 400]) {
      const { failure } = await run(leg, [{ status, body: `{"access_token":"${secret}` }]);
      expect(JSON.stringify(failure?.problem)).not.toContain('SSSSSSSS');
    }
  }
});

describe('how often and how long', () => {
  test('a trust is tried three times within 20 seconds and announced at the first', async () => {
    const { asked, waits, retries, failure } = await run('entra', [aadsts(700213)]);
    expect(asked).toBe(3);
    expect(waits.reduce((sum, wait) => sum + wait, 0) * (1 + jitter)).toBeLessThan(20_000);
    expect(retries.map(({ announce }) => announce)).toEqual([true, true]);
    expect(failure?.problem).toMatchObject({ kind: 'refused', attempts: { tries: 3 } });
  });

  test('no identity endpoint at all is given up within ten seconds', async () => {
    const { waits, failure } = await run('identity', ['reset']);
    const { unreachable } = retryTable.identity;
    expect(failure?.problem).toMatchObject({ kind: 'unreachable', attempts: { tries: unreachable?.tries } });
    const connecting = (unreachable?.tries ?? 0) * 2_000;
    expect(waits.reduce((sum, wait) => sum + wait, connecting) * (1 + jitter)).toBeLessThanOrEqual(10_000);
  });

  test('410 is waited for up to 70 seconds', async () => {
    const { waits, failure } = await run('identity', [{ status: 410 }], 600);
    const waited = waits.reduce((sum, wait) => sum + wait, 0);
    expect(waited).toBeGreaterThan(55_000);
    expect(waited).toBeLessThanOrEqual(70_000);
    expect(failure?.problem).toMatchObject({ kind: 'refused', refusal: { status: 410 } });
  });

  test('a server error is tried until the time budget ends, and the message knows it', async () => {
    const { waits, failure } = await run('entra', [{ status: 503 }], 60);
    const waited = waits.reduce((sum, wait) => sum + wait, 0);
    expect(waited).toBeLessThan(60_000);
    expect(failure?.problem).toMatchObject({
      kind: 'refused',
      refusal: { status: 503 },
      attempts: { tries: waits.length + 1 },
      outOfTime: { budget: 60_000 },
    });
  });

  test('a request that hangs is cut off by the budget', async () => {
    const { failure } = await run('entra', ['hang'], 5, virtualClock('impatient'));
    expect(failure?.problem).toMatchObject({
      kind: 'unreachable',
      code: 'ETIMEDOUT',
      outOfTime: { budget: 5_000 },
    });
  });

  test.each([
    ['in seconds', '7', 7_000],
    ['as a date', 'Tue, 01 Jan 2030 00:00:09 GMT', 9_000],
  ])('Retry-After %s is honoured to the letter', async (_, value, wait) => {
    for (const leg of ['identity', 'entra'] as const) {
      const { waits, failure } = await run(leg, [
        { status: 429, headers: { 'Retry-After': value } },
        good[leg],
      ]);
      expect(failure).toBeUndefined();
      expect(waits).toEqual([wait]);
    }
  });

  test.each(['0', 'Mon, 01 Jan 2001 00:00:00 GMT'])(
    'Retry-After %s does not make a hot loop',
    async (value) => {
      for (const leg of ['identity', 'entra'] as const) {
        const busy = { status: 429, headers: { 'Retry-After': value } };
        const { waits } = await run(leg, [busy, busy, good[leg]]);
        expect(waits).toEqual([1_000, 2_000]);
      }
    },
  );

  test('a try that the budget cuts short is not the last answer: the one before it is', async () => {
    const { failure } = await run('entra', [{ status: 503 }, 'hang'], 20, virtualClock('impatient'));
    expect(failure?.problem).toMatchObject({
      kind: 'refused',
      refusal: { status: 503 },
      attempts: { tries: 2 },
      outOfTime: { budget: 20_000 },
    });
  });

  test('a Retry-After beyond the budget ends the exchange at once and says so', async () => {
    const { asked, waits, failure } = await run(
      'entra',
      [{ status: 429, headers: { 'Retry-After': '300' } }],
      60,
    );
    expect(asked).toBe(1);
    expect(waits).toEqual([]);
    expect(failure?.problem).toMatchObject({ outOfTime: { budget: 60_000, nextTryIn: 300_000 } });
  });
});
