import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { arm, event, startTestEndpoint } from './a-running-endpoint.ts';
import { ask, sendRaw } from './endpoint-client.ts';

const good = `?api-version=2019-08-01&resource=${arm}`;

describe('a stranger gets no token, and writes no line into the log', () => {
  test.each([
    ['without a header', {}],
    ['with another header', { 'x-identity-header': 'guess' }],
    ['with an empty header', { 'x-identity-header': '' }],
    ['with a header of the same length', { 'x-identity-header': '0'.repeat(64) }],
    ['with the header of older versions', { secret: 'the secret' }],
  ])('%s', async (_, headers) => {
    const endpoint = await startTestEndpoint();
    const { status, json } = await ask(`${endpoint.url}${good}`, headers);
    expect({ status, json }).toEqual({
      status: 403,
      json: { statusCode: 403, message: 'because: wrong-header' },
    });
    expect(endpoint.exchanges).toEqual([]);
    expect(endpoint.refusals).toEqual([]);
  });

  test('a part of the secret, or more than it, is another one', async () => {
    const endpoint = await startTestEndpoint();
    for (const guess of [endpoint.secret.slice(1), `${endpoint.secret}0`]) {
      expect((await ask(`${endpoint.url}${good}`, { 'x-identity-header': guess })).status).toBe(403);
    }
  });

  test.each(['DELETE', 'GET'])(
    '%s needs the header, also for the end and for the machine',
    async (method) => {
      const endpoint = await startTestEndpoint({ machine: { IDENTITY_HEADER: 'machine secret' } });
      const path = method === 'GET' ? '/entra-app-token/machine' : '/entra-app-token/msi/token';
      const { status, body } = await ask(new URL(path, endpoint.url).href, {}, { method });
      expect(status).toBe(403);
      expect(body).not.toContain('machine secret');
      expect((await endpoint.token(`resource=${arm}`)).status).toBe(200);
    },
  );
});

test('two endpoints have different secrets', async () => {
  const [one, two] = [await startTestEndpoint(), await startTestEndpoint()];
  expect(one.secret).toMatch(/^[0-9a-f]{64}$/u);
  expect(one.secret).not.toBe(two.secret);
});

test.each(['evil.example', 'localhost', '127.0.0.1', '127.0.0.1:1', '[::1]'])(
  'the Host header %s is not its own, so the request may be a web page’s',
  async (name) => {
    const endpoint = await startTestEndpoint();
    const host = name.endsWith(':1') || name === '127.0.0.1' ? name : `${name}:${endpoint.port}`;
    const { status, json } = await ask(`${endpoint.url}${good}`, {
      host,
      'x-identity-header': endpoint.secret,
    });
    expect({ status, json }).toEqual({
      status: 403,
      json: { statusCode: 403, message: 'because: wrong-host' },
    });
    expect(endpoint.exchanges).toEqual([]);
  },
);

test.each([
  ['GET', '/'],
  ['GET', '/msi/token'],
  ['GET', '/entra-app-token/msi/token/'],
  ['GET', '/entra-app-token/msi/../msi/token'],
  ['GET', '//entra-app-token/msi/token'],
  ['GET', '/metadata/identity/oauth2/token'],
  ['HEAD', '/entra-app-token/msi/token'],
  ['POST', '/entra-app-token/msi/token'],
  ['PUT', '/entra-app-token/msi/token'],
  ['OPTIONS', '/entra-app-token/msi/token'],
  ['DELETE', '/entra-app-token/machine'],
])('%s %s is nothing', async (method, path) => {
  const endpoint = await startTestEndpoint();
  const answer = await sendRaw(
    endpoint.port,
    `${method} ${path}${good} HTTP/1.1\r\nHost: 127.0.0.1:${endpoint.port}\r\nX-IDENTITY-HEADER: ${endpoint.secret}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 404 /u);
  expect(endpoint.exchanges).toEqual([]);
});

test('the address that a proxy sends is nothing', async () => {
  const endpoint = await startTestEndpoint();
  const answer = await sendRaw(
    endpoint.port,
    `GET ${endpoint.url}${good} HTTP/1.1\r\nHost: 127.0.0.1:${endpoint.port}\r\nX-IDENTITY-HEADER: ${endpoint.secret}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 404 /u);
});

describe('what a client sends has limits', () => {
  const head = (endpoint: { port: number; secret: string; url: string }): string =>
    `GET /entra-app-token/msi/token${good} HTTP/1.1\r\nHost: 127.0.0.1:${endpoint.port}\r\nX-IDENTITY-HEADER: ${endpoint.secret}\r\n`;

  test.each([
    ['a length', 'Content-Length: 5\r\n\r\n'],
    ['a length, and a body that never ends', `Content-Length: 99999999\r\n\r\n${'x'.repeat(100_000)}`],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['a question whether it may', 'Content-Length: 5\r\nExpect: 100-continue\r\n\r\n'],
  ])('a body announced by %s is refused and not read', async (_, rest) => {
    const endpoint = await startTestEndpoint();
    const answer = await sendRaw(endpoint.port, head(endpoint) + rest);
    expect(answer).toMatch(/HTTP\/1\.1 400 /u);
    expect(answer).toContain('because: has-body');
    expect(endpoint.exchanges).toEqual([]);
  });

  test('headers over 8 KiB are refused', async () => {
    const endpoint = await startTestEndpoint();
    const answer = await sendRaw(endpoint.port, `${head(endpoint)}X-Long: ${'x'.repeat(9_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /u);
    expect(endpoint.exchanges).toEqual([]);
  });

  test('a client that sends its headers too slowly, or nothing at all, is disconnected', async () => {
    const endpoint = await startTestEndpoint();
    const slow = connect(endpoint.port, '127.0.0.1');
    const silent = connect(endpoint.port, '127.0.0.1');
    const answers = [text(slow), text(silent)];
    slow.write('GET / HTTP/1.1\r\nHost:');
    silent.on('error', () => undefined);
    await Promise.all([once(slow, 'close'), once(silent, 'close')]);
    expect((await Promise.all(answers)).join()).toMatch(/408|^,$/u);
    expect((await endpoint.token(`resource=${arm}`)).status).toBe(200);
  });

  test('every connection is closed after its answer', async () => {
    const endpoint = await startTestEndpoint();
    expect(await sendRaw(endpoint.port, `${head(endpoint)}Connection: keep-alive\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 200 .*Connection: close/su,
    );
  });
});

describe('the end', () => {
  test('a DELETE with the header ends the server after its answer', async () => {
    const endpoint = await startTestEndpoint();
    const { status } = await ask(
      endpoint.url,
      { 'x-identity-header': endpoint.secret },
      { method: 'DELETE' },
    );
    expect(status).toBe(204);
    await endpoint.stopped;
    await expect(endpoint.token(`resource=${arm}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('ends exchanges and connections that are under way', async () => {
    const { happened: begun, happen: begin } = event<AbortSignal>();
    const endpoint = await startTestEndpoint({
      exchange: (_, __, ___, budget) => {
        begin(budget.signal);
        return new Promise(() => undefined);
      },
    });
    const waiting = endpoint.token(`resource=${arm}`).catch((error: unknown) => error);
    const signal = await begun;
    endpoint.stop();
    expect(signal.aborted).toBe(true);
    expect(await waiting).toMatchObject({ code: 'ECONNRESET' });
    await endpoint.stopped;
  });
});
