import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, oneOfEach, runStepOn } from './hosts-under-test.ts';

/** Everything that an address, a header or a shell could trip over. */
const user = 'CORP\\build user@example.com';
const password = 'p@ss:w/rd%41?#[]{}"\'$&+ü';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'), { proxy: { user, password } });
});
afterAll(() => azure.stop());

describe.each(oneOfEach)('$title', (host) => {
  test('Entra is reached through the proxy, with its user and password', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, goodInputs, {
      proxy: { url: azure.proxy.url, username: user, password },
    });
    expect(outcome.errors).toEqual([]);
    const [proxied, ...more] = azure.requests.filter(({ leg }) => leg === 'proxy');
    expect(more).toEqual([]);
    expect(proxied).toMatchObject({
      method: 'CONNECT',
      host: 'login.microsoftonline.com:443',
      proxyUser: { name: user, password },
    });
    // The identity was asked on its own address, past the proxy.
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(1);
    assertNoSecretLeaks(outcome.transcript, [password]);
  });

  test('the App Service endpoint is asked past the proxy too', async () => {
    const world = worldFor('public');
    azure.setWorld({ ...world, machine: { ...world.machine, kind: 'app-service' } });
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, goodInputs, {
      proxy: { url: azure.proxy.url, username: user, password },
    });
    azure.setWorld(world);
    expect(outcome.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['identity-endpoint', 'proxy', 'entra']);
  });

  test('a proxy that rejects the password is named, and its answer is not taken for Entra’s', async () => {
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'timeout-seconds': '1' },
      { proxy: { url: azure.proxy.url, username: user, password: 'wrong' } },
    );
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors[0]).toContain('answered HTTP 407 in place of login.microsoftonline.com');
    const setting = host.kind === 'github' ? 'HTTPS_PROXY' : 'the agent’s proxy';
    expect(outcome.errors[0]).toContain(`Fix: Correct them in ${setting}`);
  });

  test('a host on the bypass list is reached without the proxy', async () => {
    azure.clearRequests();
    const bypass = host.kind === 'github' ? ['localhost'] : ['https?://localhost(:\\d+)?$'];
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'authority-host': azure.entra.url },
      { proxy: { url: azure.proxy.url, username: user, password, bypass } },
    );
    expect(outcome.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra']);
  });
});

describe.each(hostsUnderTest.filter(({ kind }) => kind === 'azure-pipelines'))('$title', (host) => {
  const noExtra = { NODE_EXTRA_CA_CERTS: '' };

  test('the certificate authority of the agent’s own settings is trusted, with a proxy and without', async () => {
    const caFile = azure.ca.file;
    const direct = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'authority-host': azure.entra.url, scopes: 'arm\ngraph' },
      { proxy: false, environment: noExtra, caFile },
    );
    expect(direct.errors).toEqual([]);
    const proxied = await runStepOn(host, azure, goodInputs, {
      proxy: { url: azure.proxy.url, username: user, password },
      environment: noExtra,
      caFile,
    });
    expect(proxied.errors).toEqual([]);
    const without = await runStepOn(host, azure, goodInputs, {
      proxy: { url: azure.proxy.url, username: user, password },
      environment: noExtra,
    });
    expect(without.errors[0]).toContain('NODE_EXTRA_CA_CERTS');
  });
});
