import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createHttpHeaders, createPipelineRequest, type PipelineResponse } from '@azure/core-rest-pipeline';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from '../../emulator/certificate-authority.ts';
import { type Budget, startBudget, systemClock } from '../../src/exchange/budget.ts';
import { createAgent } from '../../src/exchange/connections.ts';
import { ExchangeError, type ExchangeProblem, type Leg } from '../../src/exchange/errors.ts';
import { createTransport, type LegTransport, type RequestContext } from '../../src/exchange/transport.ts';
import { recordingObserver } from './recording-observer.ts';
import { type Line, startScriptedServer } from './scripted-server.ts';
import { type ConnectAnswer, startScriptedProxy } from './tls-servers.ts';
import { virtualClock } from './virtual-clock.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await createCertificateAuthority();
});

const good = { status: 200, body: { access_token: 'a.b.cccccccccccccccc', expires_in: 3599 } };
const serve = async (...lines: readonly Line[]) => {
  const server = await startScriptedServer(lines);
  cleanups.push(server.stop);
  return server;
};

function transportTo(
  url: string,
  {
    leg = 'entra',
    budget = startBudget(120_000, virtualClock(), () => 0),
    proxyUrl,
    context,
    authorities,
  }: {
    readonly leg?: Leg;
    readonly budget?: Budget;
    readonly proxyUrl?: string;
    readonly context?: () => RequestContext;
    readonly authorities?: readonly string[];
  } = {},
) {
  const observer = recordingObserver();
  const proxy = proxyUrl === undefined ? undefined : { url: proxyUrl, setting: 'HTTPS_PROXY' };
  const agent = createAgent(new URL(url).protocol, {
    connectLimit: 10_000,
    signal: budget.signal,
    ...(authorities && { authorities }),
    ...(proxy && { proxy }),
  });
  cleanups.push(() => agent.destroy());
  const transport = createTransport({ leg, agent, proxy, budget, observer, ...(context && { context }) });
  const send = (): Promise<PipelineResponse> => sendTo(transport, url);
  return { observer, budget, send, transport, problem: () => problemOf(send()) };
}

function sendTo(transport: LegTransport, url: string): Promise<PipelineResponse> {
  const request = createPipelineRequest({
    url,
    method: 'POST',
    body: 'a=ü',
    headers: createHttpHeaders({
      'Content-Type': 'application/x-www-form-urlencoded',
      'Accept-Encoding': 'gzip',
    }),
    allowInsecureConnection: true,
  });
  return transport.resultOf(transport.httpClient.sendRequest(request));
}

async function problemOf(promise: Promise<unknown>): Promise<ExchangeProblem> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ExchangeError) return error.detail;
  throw error ?? new Error('a success');
}

describe('a request', () => {
  test('is sent as the library made it, and its answer is returned whole', async () => {
    const server = await serve(good);
    const { send } = transportTo(server.url);
    expect(await send()).toMatchObject({
      status: 200,
      bodyAsText: JSON.stringify(good.body),
    });
    expect(server.requests).toMatchObject([{ method: 'POST', path: '/token', body: 'a=ü' }]);
    expect(server.requests[0]?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '4',
      'accept-encoding': 'identity',
    });
  });

  test('for the discovery document is answered without sending it', async () => {
    const { transport } = transportTo('https://login.example/x');
    const url = 'https://login.example/contoso/v2.0/.well-known/openid-configuration';
    const { status, bodyAsText } = await sendTo(transport, url);
    expect([status, JSON.parse(bodyAsText ?? '')]).toEqual([
      200,
      {
        token_endpoint: 'https://login.example/contoso/oauth2/v2.0/token',
        authorization_endpoint: 'https://login.example/contoso/oauth2/v2.0/authorize',
        end_session_endpoint: 'https://login.example/contoso/oauth2/v2.0/logout',
        jwks_uri: 'https://login.example/contoso/discovery/v2.0/keys',
        issuer: 'https://login.example/contoso/v2.0',
      },
    ]);
  });
});

test('a try after a wait has a new connection, because the server may close the idle one', async () => {
  const server = await serve({ status: 503 }, good);
  await transportTo(server.url).send();
  expect(server.asked()).toBe(2);
  expect(server.connections()).toBe(2);
});

describe('secrets', () => {
  test('a token is reported before anything else', async () => {
    const server = await serve(good);
    const { send, observer } = transportTo(server.url);
    await send();
    expect(observer.events).toEqual(['secret a.b.cccccccccccccccc', 'try HTTP 200']);
  });

  test.each<[string, Line]>([
    ['of 201', { status: 201, body: { access_token: 'a.b.cccccccccccccccc', expires_in: 1 } }],
    ['without an expiry', { status: 200, body: { access_token: 'a.b.cccccccccccccccc' } }],
    ['of an error', { status: 400, body: { access_token: 'a.b.cccccccccccccccc' } }],
    ['that is malformed', { status: 200, body: { access_token: 'a bbbbbbbbbbbbbbbbb', expires_in: 1 } }],
  ])('the token %s is reported although the answer is not used', async (_, line) => {
    const server = await serve(line);
    const { problem, observer } = transportTo(server.url);
    await problem();
    expect(observer.secrets).toHaveLength(1);
    expect(observer.events[0]).toMatch(/^secret a/u);
  });
});

test('a server that switches protocols has answered, and is not asked again', async () => {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const { problem } = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const patience = wait(10_000, { kind: 'still waiting' }, { ref: false });
  expect(await Promise.race([problem(), patience])).toMatchObject({
    kind: 'unusable-answer',
    status: 101,
    attempts: { tries: 1 },
  });
  expect(connections).toBe(1);
});

describe('the size of an answer', () => {
  const megabyte = 1024 * 1024;
  test('1 MB is read, one byte more is not', async () => {
    const body = (size: number): string => {
      const json = JSON.stringify({ access_token: 'a.b.cccccccccccccccc', expires_in: 3599 });
      return json + ' '.repeat(size - json.length);
    };
    const server = await serve(
      { status: 200, body: body(megabyte) },
      { status: 200, body: body(megabyte + 1) },
    );
    const { send, problem } = transportTo(server.url);
    expect((await send()).bodyAsText).toHaveLength(megabyte);
    expect(await problem()).toMatchObject({
      kind: 'unusable-answer',
      reason: 'too-large',
      attempts: { tries: 1 },
    });
  });

  test('nothing is waited for after the limit', async () => {
    const server = createServer((_, response) => {
      // The end never comes.
      response.writeHead(200).write('x'.repeat(megabyte + 1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { problem } = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const patience = wait(10_000, { reason: 'still reading' }, { ref: false });
    expect(await Promise.race([problem(), patience])).toMatchObject({ reason: 'too-large' });
  });

  test('an endless answer ends, and so does its connection', async () => {
    let closed: Promise<unknown> | undefined;
    const server = createServer((_, response) => {
      closed = once(response, 'close');
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      response.writeHead(200);
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { problem } = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await problem()).toMatchObject({ reason: 'too-large' });
    await closed;
  });
});

describe('what the observer receives about each try', () => {
  test('number, result and the server’s ID of the request', async () => {
    const server = await serve(
      { status: 503, headers: { 'x-ms-request-id': 'r'.repeat(200) } },
      'reset',
      good,
    );
    const { send, observer } = transportTo(server.url, { context: () => ({ scope: 'the-scope' }) });
    await send();
    expect(observer.tries).toMatchObject([
      { leg: 'entra', number: 1, result: 'HTTP 503', requestId: expect.stringMatching(/^r+$/u) },
      { number: 2, result: 'ECONNRESET' },
      { number: 3, result: 'HTTP 200' },
    ]);
    expect(observer.retries).toMatchObject([
      { reason: 'server-error', tries: 1, scope: 'the-scope' },
      { reason: 'unreachable', tries: 2, scope: 'the-scope' },
    ]);
  });

  test('the failure knows its scope and its assertion', async () => {
    const server = await serve({ status: 400, body: { error: 'x' } });
    const { problem } = transportTo(server.url, {
      context: () => ({ scope: 's', assertion: { issuer: 'i' } }),
    });
    expect(await problem()).toMatchObject({ scope: 's', assertion: { issuer: 'i' }, attempts: { tries: 1 } });
  });
});

describe('another part of the exchange failed', () => {
  test('a wait between two tries ends at once', async () => {
    const server = await serve({ status: 503, headers: { 'Retry-After': '60' } });
    const budget = startBudget(120_000, systemClock, () => 0);
    const { problem, observer } = transportTo(server.url, { budget });
    const failure = problem();
    while (observer.retries.length === 0) await new Promise((resolve) => setImmediate(resolve));
    budget.cancel();
    expect(await failure).toMatchObject({ kind: 'error-response', attempts: { tries: 1 } });
    expect(server.asked()).toBe(1);
  });

  test('a request that waits for its answer ends at once, and is not repeated', async () => {
    const server = await serve('hang');
    const budget = startBudget(120_000, systemClock, () => 0);
    const { problem, observer } = transportTo(server.url, { budget });
    const failure = problem();
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    budget.cancel();
    expect(await failure).toMatchObject({ kind: 'unreachable', attempts: { tries: 1 } });
    expect(observer.retries).toEqual([]);
    expect(server.asked()).toBe(1);
  });
});

test('the library’s own errors are replaced by what the request met, and others stay', async () => {
  const server = await serve({ status: 400 });
  const { transport, problem } = transportTo(server.url);
  await expect(transport.resultOf(Promise.reject(new Error('own')))).rejects.toThrow('own');
  await problem();
  expect(await problemOf(transport.resultOf(Promise.reject(new Error('reworded'))))).toMatchObject({
    kind: 'error-response',
  });
});

describe('a certificate that is not accepted is not asked again', () => {
  test.each([
    ['untrusted', [], ['localhost']],
    ['wrong-host', ['own'], ['elsewhere.example']],
  ] as const)('%s', async (certificate, trusted, names) => {
    const server = createHttpsServer(await authority.issue([...names]), (_, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { problem } = transportTo(`https://localhost:${(server.address() as AddressInfo).port}/`, {
      authorities: trusted.length > 0 ? [authority.pem] : [],
    });
    expect(await problem()).toMatchObject({ kind: 'unreachable', certificate, attempts: { tries: 1 } });
  });
});

test('what is not HTTP is unreachable with its code', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const { problem } = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(await problem()).toMatchObject({ kind: 'unreachable', code: 'HPE_INVALID_CONSTANT' });
});

describe('the proxy', () => {
  const refuse = (status: string, body = ''): ConnectAnswer => ({
    bytes: `HTTP/1.1 ${status}\r\n\r\n${body}`,
  });
  const through = async (answer: ConnectAnswer) => {
    const proxy = await startScriptedProxy([answer]);
    cleanups.push(proxy.stop);
    const sent = transportTo('https://login.example/', { proxyUrl: `http://127.0.0.1:${proxy.port}` });
    return { ...sent, proxy, place: { host: `127.0.0.1:${proxy.port}`, setting: 'HTTPS_PROXY' } };
  };

  test.each([
    ['407 Proxy Authentication Required', 407],
    ['403 Forbidden', 403],
    ['201 Created', 201],
  ])('%s is the proxy’s own answer, and final', async (status, code) => {
    const { problem, place, proxy, observer } = await through(
      refuse(status, '{"access_token":"forged","expires_in":3599,"error_description":"AADSTS700213"}'),
    );
    expect(await problem()).toEqual({
      kind: 'proxy-answer',
      leg: 'entra',
      host: 'login.example',
      status: code,
      proxy: place,
      attempts: { tries: 1, elapsed: 0 },
    });
    expect(proxy.requests).toHaveLength(1);
    expect(observer.tries).toMatchObject([{ result: `proxy HTTP ${code}`, proxy: place }]);
  });

  test('502 can pass, so it is tried again', async () => {
    const { problem, proxy } = await through(refuse('502 Bad Gateway'));
    expect(await problem()).toMatchObject({ kind: 'proxy-answer', status: 502, attempts: { tries: 6 } });
    expect(proxy.requests).toHaveLength(6);
  });

  test('one that says nothing holds the step no longer than its time budget', async () => {
    const proxy = await startScriptedProxy(['nothing']);
    cleanups.push(proxy.stop);
    const { problem } = transportTo('https://login.example/', {
      proxyUrl: `http://127.0.0.1:${proxy.port}`,
      budget: startBudget(200, systemClock, () => 0),
    });
    expect(await Promise.race([problem(), wait(5_000, 'still waiting', { ref: false })])).toMatchObject({
      kind: 'timed-out',
      outOfTime: { budget: 200 },
    });
  });

  test('one that cannot be reached is named', async () => {
    const { problem, proxy, place } = await through('nothing');
    proxy.stop();
    expect(await problem()).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED', proxy: place });
  });
});
