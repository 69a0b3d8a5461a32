import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** The proxy is a closed port, so a step succeeds only without it. */
const closedPort = 'http://127.0.0.1:1';

/** Azure Pipelines' rule: `AgentWebProxy.cs` of azure-pipelines-agent. */
describe.each(oneOfEach.filter(({ kind }) => kind === 'azure-pipelines'))('$title', (host) => {
  const escaped = (): string => azure.entra.url.replaceAll('.', '\\.');

  test.each<[string, () => string]>([
    ['an anchored address without a slash at its end', () => `^${escaped()}$`],
    ['.NET’s option for any letter case', () => '(?i)LOCALHOST'],
    ['a host in another letter case', () => 'LocalHost'],
    ['a port', () => `:${new URL(azure.entra.url).port}$`],
  ])('%s excludes Entra from the proxy', async (_, entry) => {
    azure.clearRequests();
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'authority-host': azure.entra.url },
      { proxy: { url: closedPort, bypass: [entry()] } },
    );
    expect(outcome.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra']);
  });

  test.each([
    ['no expression', '*.corp.local'],
    ['no expression', '*'],
    ['an anchored address with a slash at its end', '^https://login\\.microsoftonline\\.com/$'],
    ['the default port, which is not written', ':443'],
    ['another host', '^https://login\\.example\\.com$'],
  ])('%s (%s) leaves Entra behind the proxy', async (_, entry) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, goodInputs, {
      proxy: { url: azure.proxy.url, bypass: [entry] },
    });
    expect(outcome.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'proxy', 'entra']);
  });

  test('Entra’s own address, anchored, is excluded', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'timeout-seconds': '5' },
      { proxy: { url: azure.proxy.url, bypass: ['*', '^https://login\\.microsoftonline\\.com$'] } },
    );
    // Nothing but loopback can be reached here, so the direct way ends at once.
    expect(outcome.succeeded).toBe(false);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds']);
  });
});
