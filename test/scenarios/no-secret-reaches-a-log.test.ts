import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import {
  goodInputs,
  hostsUnderTest,
  type Outcome,
  published,
  runStepOn,
  tokensIn,
} from './hosts-under-test.ts';

const password = 'proxy-p@ssword-of-the-job';
let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'), { proxy: { user: 'builder', password } });
});
afterAll(() => azure.stop());
afterEach(() => {
  azure.faults.clear();
  azure.setWorld(worldFor('public'));
});

const proxy = () => ({ url: azure.proxy.url, username: 'builder', password });

/** Tokens from both sides, the proxy's password and its header's form, and the endpoint's header. */
function expectNoLeak(outcome: Outcome, names: readonly string[] = []): void {
  const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
  const tokens = [...new Set([...sent, ...tokensIn(outcome.transcript.raw.stdout)])];
  expect(tokens.length).toBeGreaterThan(0);
  const outputs = [...(published.outputs ?? []), ...names];
  const secrets = [...tokens, azure.identityEndpoint.header];
  assertNoSecretLeaks(outcome.transcript, secrets, { outputs, variables: names });
  // With System.Debug the agent's own library writes the variable with the password, which the agent masks.
  const own = outcome.transcript.raw.stdout
    .split('\n')
    .filter((line) => !line.startsWith('##vso[task.debug]Agent.ProxyPassword='));
  for (const text of [own.join('\n'), outcome.log, outcome.errors.join('\n')])
    expect(text).not.toContain(password);
}

describe.each(hostsUnderTest)('$title, with the debug switch on', (host) => {
  test('a success shows the machine, each try, the proxy and the claims, and no secret', async () => {
    const world = worldFor('public');
    azure.setWorld({ ...world, machine: { ...world.machine, kind: 'app-service' } });
    azure.clearRequests();
    const inputs = { ...goodInputs, scopes: 'arm\nG = graph', export: 'azure-sdk' };
    const outcome = await runStepOn(host, azure, inputs, { debug: true, proxy: proxy() });
    expect(outcome.errors).toEqual([]);
    expect(outcome.log).toContain('Machine: App Service or Container Apps, identity endpoint http');
    expect(outcome.log).toMatch(/Try 1: identity endpoint [^,]+, direct: HTTP 200 after \d+ ms/u);
    expect(outcome.log).toMatch(
      /Try 1: Entra login\.microsoftonline\.com, through proxy [\d.:]+: HTTP 200 after \d+ ms/u,
    );
    expect(outcome.log).toMatch(/Proxy to https:\/\/login\.microsoftonline\.com: 127\.0\.0\.1:\d+ \(/u);
    expect(outcome.log).toContain('Claims of the assertion: iss=');
    expect(outcome.log).toContain(`appid="${clientIds.deployer}"`);
    expect(outcome.log).toMatch(/Wrote \/.+federated-token\./u);
    expectNoLeak(outcome, ['G']);
  });

  const echo: readonly (readonly [title: string, fault: (assertion: string) => Fault])[] = [
    [
      'an error that repeats the assertion',
      (assertion) => ({
        status: 400,
        body: {
          error: `x ${assertion}`,
          error_description: `${'. '.repeat(700)}${assertion}`,
          trace_id: assertion,
        },
        headers: { 'x-ms-request-id': assertion },
      }),
    ],
    [
      'a redirect to an address with the assertion',
      (assertion) => ({ kind: 'redirect', location: `https://evil.example/?${assertion}` }),
    ],
    ['a body whose key is the assertion', (assertion) => ({ status: 200, body: { [assertion]: 1 } })],
    [
      'a body that is the assertion',
      (assertion) => ({ status: 500, body: `${'. '.repeat(140)}${assertion}` }),
    ],
  ];
  test('failures that repeat the assertion show none of it', async () => {
    azure.clearRequests();
    await runStepOn(host, azure, goodInputs, { proxy: proxy() });
    const assertion =
      azure.requests.findLast(({ leg }) => leg === 'entra')?.form.get('client_assertion') ?? '';
    expect(assertion).toMatch(/^eyJ/u);
    for (const [, fault] of echo) {
      // The identity's token is the same for as long as the machine keeps it.
      azure.faults.queue('entra', fault(assertion), 99);
      const inputs = { ...goodInputs, 'timeout-seconds': '1' };
      const outcome = await runStepOn(host, azure, inputs, { debug: true, proxy: proxy() });
      azure.faults.clear();
      expect(outcome.succeeded).toBe(false);
      expect(outcome.log).toContain('Try 1: Entra');
      expectNoLeak(outcome);
    }
  });

  test('without the switch there are no debug lines', async () => {
    const outcome = await runStepOn(host, azure, goodInputs, { proxy: proxy() });
    expect(outcome.log).not.toMatch(/Try 1: |Claims of|Machine: /u);
    expect(outcome.transcript.raw.stdout).not.toContain('Claims of');
  });
});
