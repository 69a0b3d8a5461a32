import { once } from 'node:events';
import type { Agent } from 'node:http';
import { createServer, request } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import * as tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from '../../emulator/certificate-authority.ts';
import {
  type AgentOptions,
  authoritiesWith,
  createAgent,
  ProxyAnswerError,
  ProxyConnectionError,
} from '../../src/exchange/connections.ts';
import type { ForwardProxy } from '../../src/exchange/request.ts';
import { type ConnectAnswer, startScriptedProxy } from './tls-servers.ts';

const token = JSON.stringify({ access_token: 'forged.by.proxy', expires_in: 3599 });
/** Long enough that it never ends a test that is not about it. */
const patient = 30_000;
/** Short enough to wait for. */
const impatient = 150;
/** Long enough for a handshake on a loaded machine. */
const enoughForHandshake = 1_500;

let authority: CertificateAuthority;
let certificate: IssuedCertificate;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  certificate = await authority.issue(['localhost', '127.0.0.1', '::1']);
});

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** An https server that answers every request with its path. */
async function startServer(host = '127.0.0.1', delay = 0) {
  const asked: string[] = [];
  let nameAsked: (name: string) => void = () => undefined;
  const SNICallback = (name: string, use: (error: Error | null) => void): void => {
    nameAsked(name);
    use(null);
  };
  const server = createServer({ ...certificate, SNICallback }, (incoming, response) => {
    asked.push(incoming.url ?? '');
    setTimeout(() => response.end(`the server: ${incoming.url}`), delay);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const asksFor = (listener: typeof nameAsked): void => {
    nameAsked = listener;
  };
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, asksFor, port: (server.address() as AddressInfo).port };
}

async function startProxy(answer: ConnectAnswer, options: Parameters<typeof startScriptedProxy>[1] = {}) {
  const proxy = await startScriptedProxy([answer], options);
  cleanups.push(proxy.stop);
  return proxy;
}

function agentWith(proxy: Partial<ForwardProxy> | undefined, more: Partial<AgentOptions> = {}): Agent {
  const agent = createAgent('https:', {
    connectLimit: patient,
    signal: new AbortController().signal,
    authorities: [authority.pem],
    ...(proxy && { proxy: { url: '', setting: 'HTTPS_PROXY', ...proxy } }),
    ...more,
  });
  cleanups.push(() => agent.destroy());
  return agent;
}

/** The body of the answer. Rejects with what the request met. */
function get(agent: Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`a success: ${String(value)}`);
    },
    (error: unknown) => error,
  );
/** For what would otherwise never end, so that the test says so by itself. */
const after = (milliseconds: number, text: string): Promise<string> =>
  wait(milliseconds, text, { ref: false });
const at = (port: number, host = '127.0.0.1'): Partial<ForwardProxy> => ({ url: `http://${host}:${port}` });

describe('through a proxy', () => {
  test('the request reaches the server itself, over TLS, and the connection is used again', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel');
    const agent = agentWith(at(proxy.port));
    expect(await get(agent, `https://localhost:${server.port}/one`)).toBe('the server: /one');
    expect(await get(agent, `https://localhost:${server.port}/two`)).toBe('the server: /two');
    expect(proxy.requests).toEqual([{ target: `localhost:${server.port}`, credentials: undefined }]);
    agent.destroy();
    await proxy.idle();
  });

  test('the server’s name is in the certificate check', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel');
    certificate = await authority.issue(['elsewhere.example']);
    const other = await startServer();
    certificate = await authority.issue(['localhost', '127.0.0.1', '::1']);
    const agent = agentWith(at(proxy.port));
    expect(await failureOf(get(agent, `https://localhost:${other.port}/`))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await get(agent, `https://localhost:${server.port}/`)).toContain('the server');
    expect(other.asked).toEqual([]);
  });

  test('the server learns by which name it is asked', async () => {
    const server = await startServer();
    const names: string[] = [];
    server.asksFor((name) => names.push(name));
    const proxy = await startProxy('tunnel');
    await get(agentWith(at(proxy.port)), `https://localhost:${server.port}/`);
    expect(names).toEqual(['localhost']);
  });

  test('a certificate of an authority that nobody named is not trusted', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel');
    const { authorities: _, ...options } = {
      connectLimit: patient,
      signal: new AbortController().signal,
      authorities: [],
    };
    const agent = createAgent('https:', {
      ...options,
      proxy: { url: `http://127.0.0.1:${proxy.port}`, setting: 'HTTPS_PROXY' },
    });
    cleanups.push(() => agent.destroy());
    expect(await failureOf(get(agent, `https://localhost:${server.port}/`))).toMatchObject({
      code: expect.stringMatching(/UNABLE_TO|SELF_SIGNED/u),
    });
    expect(server.asked).toEqual([]);
  });

  test('user name and password are sent as they are', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel');
    const agent = agentWith({ ...at(proxy.port), username: 'dömäin\\user', password: 'p:@/%41 "' });
    await get(agent, `https://localhost:${server.port}/`);
    expect(proxy.requests[0]?.credentials).toBe(
      `Basic ${Buffer.from('dömäin\\user:p:@/%41 "').toString('base64')}`,
    );
  });

  test.each([
    ['a password without a user name', { password: 'token' }, ':token'],
    ['a user name without a password', { username: 'user' }, 'user:'],
  ])('%s is sent too', async (_, login, sent) => {
    const server = await startServer();
    const proxy = await startProxy('tunnel');
    await get(agentWith({ ...at(proxy.port), ...login }), `https://localhost:${server.port}/`);
    expect(proxy.requests[0]?.credentials).toBe(`Basic ${Buffer.from(sent).toString('base64')}`);
  });

  test('the proxy itself can speak https', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel', { certificate });
    const agent = agentWith({ url: `https://localhost:${proxy.port}` });
    expect(await get(agent, `https://localhost:${server.port}/`)).toBe('the server: /');
    expect(proxy.requests).toHaveLength(1);
  });

  test('an https proxy with a certificate for another host is not used', async () => {
    const server = await startServer();
    const proxy = await startProxy('tunnel', { certificate: await authority.issue(['elsewhere.example']) });
    const agent = agentWith({ url: `https://localhost:${proxy.port}` });
    const error = await failureOf(get(agent, `https://localhost:${server.port}/`));
    expect(error).toBeInstanceOf(ProxyConnectionError);
    expect(error).toMatchObject({ cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    expect(proxy.requests).toEqual([]);
  });

  test('IPv6 addresses of the proxy and of the server', async () => {
    const server = await startServer('::1');
    const proxy = await startProxy('tunnel', { host: '::1' });
    const agent = agentWith(at(proxy.port, '[::1]'));
    expect(await get(agent, `https://[::1]:${server.port}/`)).toBe('the server: /');
    expect(proxy.requests).toEqual([{ target: `[::1]:${server.port}`, credentials: undefined }]);
  });

  test('an answer may take longer than the connect limit', async () => {
    const server = await startServer('127.0.0.1', 2 * enoughForHandshake);
    const proxy = await startProxy('tunnel');
    const agent = agentWith(at(proxy.port), { connectLimit: enoughForHandshake });
    expect(await get(agent, `https://localhost:${server.port}/`)).toBe('the server: /');
  });
});

describe('what a proxy says to CONNECT is never the server’s answer', () => {
  const answer = (status: string, body = token): ConnectAnswer => ({
    bytes: `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  });
  test.each([
    ['201 Created', 201],
    ['204 No Content', 204],
    ['299 Odd', 299],
    ['100 Continue', 100],
    ['101 Switching Protocols', 101],
    ['302 Found', 302],
    ['401 Unauthorized', 401],
    ['403 Forbidden', 403],
    ['407 Proxy Authentication Required', 407],
    ['502 Bad Gateway', 502],
    ['200 OK', 200],
  ])('%s with a token in its body', async (status, expected) => {
    const server = await startServer();
    const proxy = await startProxy(answer(status));
    const error = await failureOf(get(agentWith(at(proxy.port)), `https://localhost:${server.port}/`));
    expect(error).toBeInstanceOf(ProxyAnswerError);
    expect(error).toMatchObject({ status: expected });
    expect(server.asked).toEqual([]);
    await proxy.idle();
  });

  test('201 without a body is not a tunnel', async () => {
    const proxy = await startProxy({ bytes: 'HTTP/1.1 201 Created\r\n\r\n', keepOpen: true });
    const error = await failureOf(
      get(agentWith(at(proxy.port), { connectLimit: impatient }), 'https://localhost:1/'),
    );
    expect(error).toMatchObject({ name: 'ProxyAnswerError', status: 201 });
    await proxy.idle();
  });

  test('200, and after it a plain answer in place of the TLS handshake', async () => {
    const server = await startServer();
    const proxy = await startProxy({
      bytes: 'HTTP/1.1 200 OK\r\n\r\n',
      thenBytes: `HTTP/1.1 200 OK\r\n\r\n${token}`,
    });
    const error = await failureOf(get(agentWith(at(proxy.port)), `https://localhost:${server.port}/`));
    expect(error).toMatchObject({ code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    expect(server.asked).toEqual([]);
    await proxy.idle();
  });

  test.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n', 'HPE_INVALID_CONSTANT'],
    ['endless headers', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`, 'HPE_HEADER_OVERFLOW'],
    ['an end without an answer', '', 'ECONNRESET'],
  ])('%s', async (_, bytes, code) => {
    const server = await startServer();
    const proxy = await startProxy({ bytes });
    const error = await failureOf(get(agentWith(at(proxy.port)), `https://localhost:${server.port}/`));
    expect(error).toBeInstanceOf(ProxyConnectionError);
    expect(error).toMatchObject({ cause: { code } });
    expect(server.asked).toEqual([]);
    await proxy.idle();
  });
});

describe('a connection that is not made in time, or not any more', () => {
  const silent: readonly (readonly [string, ConnectAnswer])[] = [
    ['a proxy that does not answer', 'nothing'],
    ['a proxy that sends half an answer', { bytes: 'HTTP/1.1 200 OK\r\n', keepOpen: true }],
    [
      'a server behind the proxy that does not shake hands',
      { bytes: 'HTTP/1.1 200 OK\r\n\r\n', keepOpen: true },
    ],
  ];

  test.each(silent)('%s: the connect limit ends it and closes it', async (_, answer) => {
    const proxy = await startProxy(answer);
    const agent = agentWith(at(proxy.port), { connectLimit: impatient });
    const error = await failureOf(get(agent, 'https://localhost:1/'));
    const cause = error instanceof ProxyConnectionError ? error.cause : error;
    expect(cause).toMatchObject({ code: 'ETIMEDOUT', message: 'no connection within 0.15 seconds' });
    await proxy.idle();
  });

  test.each(silent)('%s: the signal ends it and closes it', async (_, answer) => {
    const proxy = await startProxy(answer);
    const controller = new AbortController();
    const agent = agentWith(at(proxy.port), { signal: controller.signal });
    const failure = failureOf(get(agent, 'https://localhost:1/'));
    await proxy.connected();
    controller.abort();
    await failure;
    await proxy.idle();
  });

  test('a signal that has fired already: no connection is made', async () => {
    const proxy = await startProxy('tunnel');
    const agent = agentWith(at(proxy.port), { signal: AbortSignal.abort() });
    expect(await failureOf(get(agent, 'https://localhost:1/'))).toBeInstanceOf(ProxyConnectionError);
    expect(proxy.requests).toEqual([]);
  });

  test('a proxy that cannot be reached', async () => {
    const proxy = await startProxy('nothing');
    const { port } = proxy;
    proxy.stop();
    const error = await failureOf(get(agentWith(at(port)), 'https://localhost:1/'));
    expect(error).toBeInstanceOf(ProxyConnectionError);
    expect(error).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });
});

describe('without a proxy', () => {
  /** Its name is never found, so its connection stays in the making. */
  const unresolved = { lookup: () => undefined };
  const direct = (options: Partial<AgentOptions>): Promise<unknown> => {
    const agent = agentWith(undefined, options);
    return failureOf(
      new Promise((resolve, reject) => {
        request('https://server.example/', { agent, ...unresolved }, resolve)
          .on('error', reject)
          .end();
      }),
    );
  };

  test('the request reaches the server', async () => {
    const server = await startServer();
    expect(await get(agentWith(undefined), `https://localhost:${server.port}/`)).toBe('the server: /');
  });

  test('the connect limit ends a connection that is not made', async () => {
    expect(await direct({ connectLimit: impatient })).toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('the signal ends it too', async () => {
    const controller = new AbortController();
    const failure = direct({ signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await failure).toBeInstanceOf(Error);
  });

  test('an answer may take longer than the connect limit', async () => {
    const server = await startServer('127.0.0.1', 2 * enoughForHandshake);
    const agent = agentWith(undefined, { connectLimit: enoughForHandshake });
    expect(await get(agent, `https://localhost:${server.port}/`)).toBe('the server: /');
  });

  test('the connect limit includes the TLS handshake', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const agent = agentWith(undefined, { connectLimit: impatient });
    const { port } = server.address() as AddressInfo;
    const failure = failureOf(get(agent, `https://localhost:${port}/`));
    expect(await Promise.race([failure, after(40 * impatient, 'still connecting')])).toMatchObject({
      code: 'ETIMEDOUT',
    });
  });
});

test('one more authority is trusted besides Node’s own, not instead of them', () => {
  const all = authoritiesWith(authority.pem);
  expect(all).toContain(authority.pem);
  expect(all.length).toBeGreaterThan(100);
  for (const root of tls.rootCertificates.slice(0, 5)) expect(all).toContain(root);
});
