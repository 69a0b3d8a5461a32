import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Clock, startBudget } from '../../src/exchange/budget.ts';
import { createAgent } from '../../src/exchange/connections.ts';
import { ExchangeError, type Leg } from '../../src/exchange/errors.ts';
import { createTransport } from '../../src/exchange/transport.ts';
import { sanitizeForLog } from '../../src/hosts/sanitize.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { http } from './fault-table.ts';
import { runsOf, seeded } from './generated.ts';
import { type HostileServer, startHostileServer } from './hostile-server.ts';

/**
 * Generated answers to real requests, in the process: each gives the token that is in it, or one clear error that shows
 * no secret and carries no command.
 */

const token = `eyJ${'h'.repeat(20)}.${'p'.repeat(200)}.${'s'.repeat(90)}`;
const assertion = `eyJ${'H'.repeat(20)}.${'P'.repeat(200)}.${'S'.repeat(90)}`;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(
    `\n::set-env name=PWNED::1`,
    '  ::error::pwned',
    '##vso[task.setvariable variable=PWNED]1',
    '#\u200b#vso[task.complete]',
    'AADSTS700213: x',
    'AADSTS90033: x',
    `AADSTS7000229: ${' '.repeat(50_000)}`,
    `x${assertion}`,
    `${'.'.repeat(290)}${assertion}`,
    `${'.'.repeat(1_480)}${assertion}`,
    token,
    'a'.repeat(100_000),
    '<html>',
    '\u001b]0;pwned\u0007',
  ),
);
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }), fc.integer(), fc.constant(token));
const members = fc.record(
  {
    access_token: fc.oneof(fc.constant(token), value),
    expires_in: fc.oneof(fc.constant(3599), value),
    expires_on: fc.oneof(fc.constant('4102444800'), value),
    error: value,
    error_description: value,
    error_codes: fc.oneof(fc.array(value), value),
    trace_id: value,
    correlation_id: value,
    timestamp: value,
    message: value,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  { weight: 6, arbitrary: members.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: text },
  {
    weight: 1,
    arbitrary: members
      .map((one) => JSON.stringify(one))
      .chain((whole) => fc.nat(whole.length).map((end) => whole.slice(0, end))),
  },
);
const headerText = fc.stringMatching(/^[ -~]{0,60}$/);
const answer = fc.record({
  status: fc.oneof(
    fc.constantFrom(200, 200, 200, 201, 204, 302, 400, 401, 429, 500, 503),
    fc.integer({ min: 200, max: 999 }),
  ),
  headers: fc.record(
    {
      Location: headerText,
      'Retry-After': headerText,
      'Content-Type': headerText,
      'x-ms-request-id': headerText,
    },
    { requiredKeys: [] },
  ),
  body,
});

const context = {
  inputLabel: (name: string) => name,
  request: readStepRequest(
    (name) =>
      ({
        'client-id': clientIds.deployer,
        'tenant-id': tenantIds.contoso,
        'managed-identity-client-id': identities.runner.clientId,
      })[name as string] ?? '',
  ),
};

let server: HostileServer;
let next: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  server = await startHostileServer((socket) => socket.end(next));
});
afterAll(() => server.stop());

/** Waits between tries take no time. */
function hurriedClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    date: () => Date.now(),
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
    after: () => () => undefined,
  };
}

async function ask(
  leg: Leg,
): Promise<{ readonly body?: string; readonly error?: unknown; readonly secrets: ReadonlySet<string> }> {
  const secrets = new Set([assertion]);
  const budget = startBudget(30_000, hurriedClock(), Math.random);
  const agent = createAgent('http:', { connectLimit: 2_000, signal: budget.signal });
  const observer = {
    secret: (one: string) => void secrets.add(one),
    retrying: () => undefined,
    tryEnded: () => undefined,
    accepted: () => undefined,
  };
  const transport = createTransport({ leg, agent, budget, observer });
  const request = createPipelineRequest({
    url: `http://127.0.0.1:${server.port}/token`,
    method: 'POST',
    body: `client_assertion=${assertion}`,
    headers: createHttpHeaders({ 'Content-Type': 'application/x-www-form-urlencoded' }),
    allowInsecureConnection: true,
  });
  try {
    const response = await transport.resultOf(transport.httpClient.sendRequest(request));
    return { body: response.bodyAsText ?? '', secrets };
  } catch (error) {
    return { error, secrets };
  } finally {
    budget.cancel();
    agent.destroy();
  }
}

test('generated answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom<Leg>('identity', 'entra'), answer, async (leg, given) => {
      const headers = Object.entries(given.headers).map(([name, one]) => `${name}: ${one}`);
      next = http(given.status, headers, given.status === 204 ? '' : given.body);
      const { body: accepted, error, secrets } = await ask(leg);
      if (accepted !== undefined) {
        expect(given.status).toBe(200);
        expect(accepted).toBe(given.body);
        const parsed = JSON.parse(accepted) as Record<string, unknown>;
        expect(parsed['access_token']).toMatch(/^[!-~]+$/u);
        expect(secrets.has(String(parsed['access_token']))).toBe(true);
        return;
      }
      expect(error).toBeInstanceOf(ExchangeError);
      const { error: short, diagnosis = '' } = describeFailure(error, { ...context, secrets });
      expect(short.length).toBeLessThan(1_000);
      const shown = sanitizeForLog(`${diagnosis}\n${short}`);
      expect(shown.length).toBeLessThan(8_000);
      expect(shown).not.toMatch(/^\s*::|##\[|##vso|\u001b|\u2028|unexpectedly|\[object /mu);
      expect(shown).not.toMatch(/^\s*at .+:\d+:\d+/mu);
      // Not even a part of a token that was sent or received.
      for (const part of ['P'.repeat(20), 'S'.repeat(20), 'p'.repeat(20), 's'.repeat(20)]) {
        expect(shown).not.toContain(part);
      }
    }),
    seeded(runsOf(2_500)),
  );
});
