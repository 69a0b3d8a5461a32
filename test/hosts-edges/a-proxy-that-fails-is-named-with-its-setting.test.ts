import { once } from 'node:events';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, type HostUnderTest, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const inputs = { ...goodInputs, 'timeout-seconds': '2' };
const closedPort = 'http://127.0.0.1:1';
const settingOn = ({ kind }: HostUnderTest): string => (kind === 'github' ? 'HTTPS_PROXY' : '--proxyurl');

describe.each(oneOfEach)('$title', (host) => {
  test('a proxy that refuses the connection', async () => {
    const { errors } = await runStepOn(host, azure, inputs, { proxy: { url: closedPort } });
    expect(errors).toEqual([expect.stringContaining('cannot connect to the proxy 127.0.0.1:1')]);
    expect(errors[0]).toContain(settingOn(host));
    expect(errors[0]).not.toContain('configure a proxy');
  });

  test('a proxy that accepts the connection and never answers', async () => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { errors } = await runStepOn(host, azure, inputs, {
      proxy: { url: `http://127.0.0.1:${address.port}` },
    });
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(errors).toEqual([expect.stringContaining(`the proxy 127.0.0.1:${address.port}`)]);
    expect(errors[0]).toContain(settingOn(host));
  });

  test('a proxy whose own certificate is not trusted', async () => {
    const other = await startEmulator();
    const { certificate, key } = await issued(other);
    const server = createTlsServer({ cert: certificate, key }).listen(0, '127.0.0.1');
    server.on('tlsClientError', () => undefined);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { errors } = await runStepOn(host, azure, inputs, {
      proxy: { url: `https://127.0.0.1:${address.port}` },
    });
    server.close();
    await other.stop();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`127.0.0.1:${address.port}`);
    expect(errors[0]).toContain(settingOn(host));
    expect(errors[0]).toContain('NODE_EXTRA_CA_CERTS');
    expect(errors[0]).toContain('--sslcacert');
  });

  test('a certificate of Entra that is not trusted: the agent’s own setting is named too', async () => {
    const { errors } = await runStepOn(host, azure, inputs, { environment: { NODE_EXTRA_CA_CERTS: '' } });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('NODE_EXTRA_CA_CERTS');
    expect(errors[0]).toContain('--sslcacert');
  });
});

describe.each(oneOfEach.filter(({ kind }) => kind === 'github'))('$title', (host) => {
  const withProxy = (environment: Record<string, string>) =>
    runStepOn(host, azure, inputs, { proxy: false, environment });

  test('if the runner and the job name different proxies, the job’s upper-case one is used and the log says so', async () => {
    azure.clearRequests();
    const { errors, log } = await withProxy({ https_proxy: closedPort, HTTPS_PROXY: azure.proxy.url });
    expect(errors).toEqual([]);
    expect(azure.requests.filter(({ leg }) => leg === 'proxy')).toHaveLength(1);
    expect(log).toContain('HTTPS_PROXY and https_proxy have different values. HTTPS_PROXY is used.');
  });

  test('if NO_PROXY and no_proxy differ, the upper-case one is used and the log says so', async () => {
    azure.clearRequests();
    const { errors, log } = await withProxy({
      HTTPS_PROXY: azure.proxy.url,
      NO_PROXY: 'localhost',
      no_proxy: 'login.microsoftonline.com',
    });
    expect(errors).toEqual([]);
    expect(azure.requests.filter(({ leg }) => leg === 'proxy')).toHaveLength(1);
    expect(log).toContain('NO_PROXY and no_proxy have different values. NO_PROXY is used.');
  });

  test('a bad lower-case value is named as users wrote it', async () => {
    azure.clearRequests();
    const { errors, log } = await withProxy({ https_proxy: 'socks5://user:secret-word@nowhere:1' });
    expect(errors).toEqual([expect.stringMatching(/^https_proxy is not the address of an HTTP proxy/iu)]);
    expect(errors[0]).toContain('https_proxy');
    expect(log).not.toContain('secret-word');
    expect(azure.requests).toEqual([]);
  });
});

async function issued(other: Emulator): Promise<{ readonly certificate: string; readonly key: string }> {
  const { cert, key } = await other.ca.issue(['127.0.0.1']);
  return { certificate: cert, key };
}
