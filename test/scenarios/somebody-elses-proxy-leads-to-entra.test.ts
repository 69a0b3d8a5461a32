import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from './hosts-under-test.ts';

const username = 'DOMAIN\\build agent';
const password = 'p@ss%41:/?#&+ü';

let azure: Emulator;
let proxy: ChildProcess;
let url: string;
const log: { readonly method?: string; readonly url?: string; readonly granted?: boolean }[] = [];
beforeAll(async () => {
  azure = await startEmulator();
  const map = { 'login.microsoftonline.com:443': Number(new URL(azure.entra.url).port) };
  proxy = spawn(
    process.execPath,
    ['test/scenarios/third-party-proxy.mjs', username, password, JSON.stringify(map)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (proxy.stdout === null) throw new Error('no output');
  const lines = createInterface(proxy.stdout);
  const [first] = (await once(lines, 'line')) as [string];
  lines.on('line', (line) => log.push(JSON.parse(line)));
  url = `http://127.0.0.1:${(JSON.parse(first) as { port: number }).port}`;
});
afterAll(async () => {
  proxy.kill();
  await once(proxy, 'exit');
  await azure.stop();
});

describe.each(hostsUnderTest)('$title', (host) => {
  test('one connection to Entra, with user and password, and none for the identity', async () => {
    log.length = 0;
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, goodInputs, { proxy: { url, username, password } });
    expect(outcome.errors).toEqual([]);
    // A client may show its credentials only when asked for them.
    expect(log.filter(({ granted }) => granted)).toEqual([
      { method: 'CONNECT', url: 'login.microsoftonline.com:443', granted: true },
    ]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra']);
  });
});

test('a wrong password is named, with the setting to correct', async () => {
  const [github] = hostsUnderTest;
  if (github === undefined) throw new Error('no host');
  const outcome = await runStepOn(
    github,
    azure,
    { ...goodInputs, 'timeout-seconds': '1' },
    { proxy: { url, username, password: 'wrong' } },
  );
  expect(outcome.succeeded).toBe(false);
  expect(outcome.errors[0]).toContain('Cause: The proxy 127.0.0.1:');
  expect(outcome.errors[0]).toContain('rejected the user name or password (HTTP 407).');
  expect(outcome.errors[0]).toContain('Fix: Correct them in HTTPS_PROXY.');
  expect(outcome.log).not.toContain('wrong');
});

test.each([
  [
    'without a scheme',
    (address: URL) => `${encodeURIComponent(username)}:${encodeURIComponent(password)}@${address.host}`,
  ],
  [
    'with http://',
    (address: URL) =>
      `http://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${address.host}`,
  ],
])('HTTPS_PROXY %s', async (_, write) => {
  const [github] = hostsUnderTest;
  if (github === undefined) throw new Error('no host');
  log.length = 0;
  const environment = { HTTPS_PROXY: write(new URL(url)) };
  const outcome = await runStepOn(github, azure, goodInputs, { proxy: false, environment });
  expect(outcome.errors).toEqual([]);
  expect(log.filter(({ granted }) => granted)).toHaveLength(1);
});

test('an HTTPS_PROXY that is not an address is an error that does not show it', async () => {
  const [github] = hostsUnderTest;
  if (github === undefined) throw new Error('no host');
  azure.clearRequests();
  const environment = { HTTPS_PROXY: 'socks5://user:secret-word@nowhere:1' };
  const outcome = await runStepOn(github, azure, goodInputs, { proxy: false, environment });
  expect(outcome.errors[0]).toMatch(
    /^HTTPS_PROXY is not the address of an HTTP proxy\. Nothing was requested\.\nFix: /u,
  );
  expect(outcome.log).not.toContain('secret-word');
  expect(azure.requests).toEqual([]);
});
