import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startBudget } from '../../src/exchange/budget.ts';
import { createAgent } from '../../src/exchange/connections.ts';
import { ExchangeError, type ExchangeProblem, type Leg } from '../../src/exchange/errors.ts';
import { type RetryReason, retryTable } from '../../src/exchange/retries.ts';
import { createTransport, type Retrying } from '../../src/exchange/transport.ts';
import { recordingObserver } from './recording-observer.ts';
import { type Line, type ScriptedServer, startScriptedServer } from './scripted-server.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

const good: Readonly<Record<Leg, Line>> = {
  identity: { status: 200, body: { access_token: 'a.b.cccccccccccccccc', expires_on: '4102444800' } },
  entra: {
    status: 200,
    body: { access_token: 'a.b.cccccccccccccccc', expires_in: 3599, token_type: 'Bearer' },
  },
  registry: { status: 200, body: { refresh_token: 'a.b.cccccccccccccccc' } },
};
const aadsts = (code: number): Line => ({
  status: 401,
  body: { error: 'invalid_client', error_description: `AADSTS${code}: words`, error_codes: [code] },
});

interface Run {
  readonly asked: number;
  readonly waits: readonly number[];
  readonly retries: readonly Retrying[];
  readonly problem: ExchangeProblem | undefined;
}

interface Options {
  readonly seconds?: number;
  readonly clock?: VirtualClock;
  /** Decides each wait; 0 is the shortest. */
  readonly random?: () => number;
}

async function run(
  leg: Leg,
  lines: readonly Line[],
  { seconds = 120, clock = virtualClock(), random = () => 0 }: Options = {},
): Promise<Run> {
  const server = await startScriptedServer(lines, clock.passLimit);
  servers.push(server);
  const observer = recordingObserver();
  const budget = startBudget(seconds * 1000, clock, random);
  const agent = createAgent('http:', { connectLimit: 2_000, signal: budget.signal });
  const transport = createTransport({ leg, agent, budget, observer });
  const request = createPipelineRequest({
    url: server.url,
    method: 'POST',
    body: 'x=y',
    headers: createHttpHeaders({ 'Content-Type': 'application/x-www-form-urlencoded' }),
    allowInsecureConnection: true,
  });
  const error = await transport.resultOf(transport.httpClient.sendRequest(request)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  agent.destroy();
  if (error !== undefined && !(error instanceof ExchangeError)) throw error;
  return { asked: server.asked(), waits: clock.waits, retries: observer.retries, problem: error?.detail };
}

describe('a failure that can pass is tried again', () => {
  const passing: readonly (readonly [leg: Leg, title: string, line: Line, reason: RetryReason])[] = [
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
    ['registry', 'status 429', { status: 429 }, 'throttled'],
    ['registry', 'status 503 in HTML', { status: 503, body: '<html>busy</html>' }, 'server-error'],
    ['registry', 'a broken connection', 'reset', 'unreachable'],
    ...[90033, 90006, 90012, 90024, 90055, 50033, 90090].map(
      (code) => ['entra', `AADSTS${code}`, aadsts(code), 'transient'] as const,
    ),
    ...[70021, 700211, 700212, 700213, 7002131, 7002138, 70025].map(
      (code) => ['entra', `AADSTS${code}`, aadsts(code), 'trust'] as const,
    ),
  ];
  test.each(passing)('%s: %s', async (leg, _, line, reason) => {
    const { asked, waits, retries, problem } = await run(leg, [line, line, good[leg]]);
    expect(problem).toBeUndefined();
    expect(asked).toBe(3);
    expect(retries.map((retry) => retry.reason)).toEqual([reason, reason]);
    const row = retryTable[leg][reason];
    if (row === undefined) throw new Error(`no row for ${reason}`);
    // Without jitter waits grow; with the smallest jitter each is the first wait.
    expect(waits).toEqual([row.firstWait, row.exact ? row.firstWait * row.factor : row.firstWait]);
  });

  test('the identity endpoint is not asked for at least a second after a server error', () => {
    expect(retryTable.identity['server-error']?.firstWait).toBeGreaterThanOrEqual(1_000);
  });

  test.each(['identity', 'entra'] as const)('%s: a server that accepts and never answers', async (leg) => {
    const { asked, retries, problem } = await run(leg, ['hang', good[leg]]);
    expect(problem).toBeUndefined();
    expect(asked).toBe(2);
    expect(retries.map(({ reason }) => reason)).toEqual(['timed-out']);
  });
});

describe('every other failure is final', () => {
  const final: readonly (readonly [leg: Leg, title: string, line: Line, detail: object])[] = [
    [
      'identity',
      'status 400',
      { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } },
      { kind: 'error-response' },
    ],
    ['identity', 'status 403', { status: 403 }, { kind: 'error-response' }],
    [
      'identity',
      'a redirect',
      { status: 302, headers: { Location: 'http://127.0.0.1:1/' } },
      { reason: 'redirect' },
    ],
    ['identity', 'no token', { status: 200, body: { expires_on: '1' } }, { reason: 'no-token' }],
    [
      'identity',
      'no expiry',
      { status: 200, body: { access_token: 'a.b.cccccccccccccccc' } },
      { reason: 'no-expiry' },
    ],
    ['identity', 'a web page', { status: 200, body: '<html>sign in</html>' }, { reason: 'html' }],
    [
      'registry',
      'status 401',
      { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] } },
      {
        kind: 'error-response',
        response: { status: 401, error: 'UNAUTHORIZED', description: 'authentication required', codes: [] },
      },
    ],
    ['registry', 'status 404 without a body', { status: 404, body: '' }, { kind: 'error-response' }],
    ['registry', 'status 403 in HTML', { status: 403, body: '<html>proxy</html>' }, { reason: 'html' }],
    [
      'registry',
      'a redirect',
      { status: 307, headers: { Location: 'https://example.com/' } },
      { reason: 'redirect' },
    ],
    [
      'registry',
      'an access token alone',
      { status: 200, body: { access_token: 'a.b.cccccccccccccccc' } },
      { reason: 'no-token' },
    ],
    ['entra', 'AADSTS700016', aadsts(700016), { kind: 'error-response' }],
    ['entra', 'AADSTS50196', aadsts(50196), { kind: 'error-response' }],
    ['entra', 'an unknown code', aadsts(123456789), { kind: 'error-response' }],
    ['entra', 'status 403 in HTML', { status: 403, body: '<html>proxy</html>' }, { reason: 'html' }],
    [
      'entra',
      'a redirect',
      { status: 307, headers: { Location: 'http://127.0.0.1:1/' } },
      { reason: 'redirect' },
    ],
    ['entra', 'truncated JSON', { status: 200, body: '{"access_token":"a.b' }, { reason: 'not-json' }],
    [
      'entra',
      'no token',
      { status: 200, body: { token_type: 'Bearer', expires_in: 1 } },
      { reason: 'no-token' },
    ],
    [
      'entra',
      'a token with a line break',
      { status: 200, body: { access_token: 'a\nb', expires_in: 1 } },
      { reason: 'no-token' },
    ],
    [
      'entra',
      'an expiry beyond all time',
      { status: 200, body: { access_token: 'a.b.cccccccccccccccc', expires_in: 1e20 } },
      { reason: 'no-expiry' },
    ],
    ['entra', 'a server that asks for a password', { status: 407, body: 'no' }, { kind: 'unusable-answer' }],
    [
      'entra',
      'no expiry',
      { status: 200, body: { access_token: 'a.b.cccccccccccccccc' } },
      { reason: 'no-expiry' },
    ],
    [
      'entra',
      '201 with a token',
      { status: 201, body: { access_token: 'a.b.cccccccccccccccc', expires_in: 3599 } },
      { reason: 'status' },
    ],
  ];
  test.each(final)('%s: %s', async (leg, _, line, detail) => {
    const { asked, waits, problem } = await run(leg, [line, good[leg]]);
    expect(asked).toBe(1);
    expect(waits).toEqual([]);
    expect(problem).toMatchObject({ ...detail, leg, attempts: { tries: 1 } });
    expect(problem).not.toHaveProperty('outOfTime');
  });
});

test('what a failure shows of an answer cannot be a token, whole or cut off', async () => {
  const secret = 'S'.repeat(50);
  for (const leg of ['identity', 'entra'] as const) {
    for (const status of [200, 400]) {
      const { problem } = await run(leg, [{ status, body: `{"access_token":"${secret}` }]);
      expect(problem).toMatchObject({ kind: 'unusable-answer' });
      expect(JSON.stringify(problem)).not.toContain('SSSSSSSS');
    }
  }
});

describe('how often and how long', () => {
  test('a missing trust is tried three times, 3 and 6 seconds apart, and announced', async () => {
    const { asked, waits, retries, problem } = await run('entra', [aadsts(700213)], { random: () => 0.9 });
    expect(asked).toBe(3);
    expect(waits).toEqual([3_000, 6_000]);
    expect(retries.map(({ announce }) => announce)).toEqual([true, true]);
    expect(problem).toMatchObject({ kind: 'error-response', attempts: { tries: 3, elapsed: 9_000 } });
  });

  test('no other failure is announced', async () => {
    const { retries } = await run('entra', [{ status: 503 }, aadsts(90033), good.entra]);
    expect(retries.map(({ announce }) => announce)).toEqual([false, false]);
  });

  test('a machine without an identity endpoint fails within ten seconds', async () => {
    const { asked, waits, problem } = await run('identity', ['reset'], { random: () => 0.999 });
    expect(asked).toBe(3);
    expect(problem).toMatchObject({ kind: 'unreachable', attempts: { tries: 3 } });
    const connecting = asked * 2_000;
    expect(waits.reduce((sum, wait) => sum + wait, connecting)).toBeLessThanOrEqual(10_000);
  });

  test('410 is tried again for up to 70 seconds', async () => {
    const { waits, problem } = await run('identity', [{ status: 410 }], {
      seconds: 600,
      random: () => 0.999,
    });
    const waited = waits.reduce((sum, wait) => sum + wait, 0);
    expect(waited).toBeGreaterThan(55_000);
    expect(waited).toBeLessThanOrEqual(70_000);
    expect(problem).toMatchObject({ kind: 'error-response', response: { status: 410 } });
    expect(problem).not.toHaveProperty('outOfTime');
  });

  test('a server error is tried again until the time budget ends, and the failure says so', async () => {
    const { waits, problem } = await run('entra', [{ status: 503 }], { seconds: 60, random: () => 0.5 });
    const waited = waits.reduce((sum, wait) => sum + wait, 0);
    expect(waited).toBeLessThan(60_000);
    expect(waited).toBeGreaterThan(40_000);
    expect(problem).toMatchObject({
      kind: 'error-response',
      response: { status: 503 },
      attempts: { tries: waits.length + 1 },
      outOfTime: { budget: 60_000 },
    });
  });

  test('the budget ends a request that hangs', async () => {
    const { problem } = await run('entra', ['hang'], { seconds: 5 });
    expect(problem).toMatchObject({ kind: 'timed-out', limit: 5_000, outOfTime: { budget: 5_000 } });
  });

  test('waits really vary between jobs that fail together', async () => {
    const numbers = [0, 0.25, 0.5, 0.75, 0.999];
    const first = await Promise.all(
      numbers.map(async (random) => {
        const { waits } = await run('entra', [{ status: 503 }, good.entra], { random: () => random });
        return waits[0] ?? 0;
      }),
    );
    expect(first.map(Math.round)).toEqual([500, 625, 750, 875, 1_000]);
  });

  test('a try that the budget cuts short is not the last answer: the one before it is', async () => {
    const { problem } = await run('entra', [{ status: 503 }, 'hang'], {
      seconds: 20,
    });
    expect(problem).toMatchObject({
      kind: 'error-response',
      response: { status: 503 },
      attempts: { tries: 2 },
      outOfTime: { budget: 20_000 },
    });
  });
});

describe('each reason has its own count and its own window', () => {
  test('two throttled answers do not use up the tries of a broken connection', async () => {
    const busy = { status: 429 };
    const { asked, problem } = await run('identity', [busy, busy, 'reset', 'reset', good.identity]);
    expect(problem).toBeUndefined();
    expect(asked).toBe(5);
  });

  test('a broken connection does not end the 70 seconds of a 410', async () => {
    const gone = { status: 410 };
    const { problem, asked } = await run('identity', [gone, gone, gone, gone, 'reset', gone, good.identity]);
    expect(problem).toBeUndefined();
    expect(asked).toBe(7);
  });

  test('server errors do not use up the tries or the window of a missing trust', async () => {
    const error = { status: 503 };
    const { problem, retries } = await run(
      'entra',
      [...Array<Line>(4).fill(error), aadsts(700213), aadsts(700213), aadsts(700213)],
      { random: () => 0.999 },
    );
    expect(retries.map(({ reason }) => reason).slice(-3)).toEqual(['server-error', 'trust', 'trust']);
    expect(problem).toMatchObject({ response: { codes: ['700213'] }, attempts: { tries: 7 } });
  });

  test('the failure is the one whose reason is used up', async () => {
    const { problem, asked } = await run('identity', [
      { status: 429 },
      'reset',
      { status: 429 },
      'reset',
      'reset',
    ]);
    expect(asked).toBe(5);
    expect(problem).toMatchObject({ kind: 'unreachable', code: 'ECONNRESET', attempts: { tries: 5 } });
  });
});

describe('Retry-After', () => {
  test.each([
    ['in seconds', '7', 7_000],
    ['as a date', 'Tue, 01 Jan 2030 00:00:09 GMT', 9_000],
  ])('%s: the wait is at least that', async (_, value, wait) => {
    for (const leg of ['identity', 'entra'] as const) {
      for (const status of [429, 503]) {
        const { waits, problem } = await run(leg, [{ status, headers: { 'Retry-After': value } }, good[leg]]);
        expect(problem).toBeUndefined();
        expect(waits).toEqual([wait]);
      }
    }
  });

  test('a shorter one does not shorten the wait', async () => {
    const { waits } = await run('entra', [{ status: 429, headers: { 'Retry-After': '1' } }, good.entra], {
      random: () => 0.999,
    });
    expect(waits[0]).toBeGreaterThan(1_900);
  });

  test.each(['0', 'Mon, 01 Jan 2001 00:00:00 GMT'])('%s does not cause a hot loop', async (value) => {
    for (const leg of ['identity', 'entra'] as const) {
      const busy = { status: 429, headers: { 'Retry-After': value } };
      const { waits } = await run(leg, [busy, busy, good[leg]]);
      expect(waits).toEqual([1_000, 1_000]);
    }
  });

  test.each(['300', '3000000000'])(
    '%s is beyond the budget: the exchange ends at once and says so',
    async (value) => {
      const { asked, waits, problem } = await run(
        'entra',
        [{ status: 429, headers: { 'Retry-After': value } }],
        { seconds: 60 },
      );
      expect(asked).toBe(1);
      expect(waits).toEqual([]);
      expect(problem).toMatchObject({ outOfTime: { budget: 60_000, nextTryIn: expect.any(Number) } });
    },
  );
});
