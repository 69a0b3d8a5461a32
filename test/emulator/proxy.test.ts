import { type ClientRequest, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/emulator.ts';
import { ask } from './raw-request.ts';

let azure: Emulator;
afterEach(() => azure.stop());

interface Tunnel {
  readonly status: number;
  readonly socket: Socket;
}

/** Sends a CONNECT request to the proxy. */
function tunnel(target: string, authorization?: string): Promise<Tunnel> {
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = httpRequest(azure.proxy.url, {
      method: 'CONNECT',
      path: target,
      agent: false,
      ...(authorization !== undefined && { headers: { 'proxy-authorization': authorization } }),
    });
    outgoing.on('connect', (answer, socket) =>
      resolve({ status: answer.statusCode ?? 0, socket: socket as Socket }),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const basic = (text: string): string => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;

const start = async (proxy?: EmulatorOptions['proxy']): Promise<void> => {
  azure = await startEmulator(undefined, proxy === undefined ? {} : { proxy });
};

test.each([
  ['login.microsoftonline.com', /x5c/],
  ['login.partner.microsoftonline.cn', /x5c/],
])('a tunnel to %s reaches the embedded Entra, with a certificate for that name', async (host, expected) => {
  await start();
  const { status, socket } = await tunnel(`${host}:443`);
  expect(status).toBe(200);
  const text = await new Promise<string>((resolve, reject) => {
    const secure = tlsConnect({ socket, servername: host, ca: azure.ca.pem }, () => {
      secure.write(`GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    let received = '';
    secure.on('data', (chunk: Buffer) => {
      received += chunk.toString('utf8');
    });
    secure.on('end', () => resolve(received));
    secure.on('error', reject);
  });
  expect(text).toMatch(expected);
  expect(azure.requests.map(({ leg, method, host: to, status: code }) => [leg, method, to, code])).toEqual([
    ['proxy', 'CONNECT', `${host}:443`, 200],
    ['entra', 'GET', host, 200],
  ]);
});

test.each(['example.com:443', '127.0.0.1:1', 'localhost:22'])(
  'a tunnel to %s is rejected',
  async (target) => {
    await start();
    const { status, socket } = await tunnel(target);
    socket.destroy();
    expect(status).toBe(403);
    expect(azure.requests.map((one) => [one.host, one.status])).toEqual([[target, 403]]);
  },
);

test('the rejection names the host, and its text the hosts that the proxy knows', async () => {
  await start();
  const url = new URL(azure.proxy.url);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write('CONNECT management.azure.co:443 HTTP/1.1\r\nHost: management.azure.co:443\r\n\r\n');
    });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 403 The embedded Azure does not know management\.azure\.co:443\r\n/u);
  expect(answer).toContain('  management.azure.com\n');
});

test('a test can map another host name to a port', async () => {
  await start();
  azure.proxy.map('account.blob.core.windows.net', Number(new URL(azure.entra.url).port));
  const { status, socket } = await tunnel('account.blob.core.windows.net:443');
  socket.destroy();
  expect(status).toBe(200);
});

/** Sends a plain HTTP request through the proxy to the address of the real IMDS. */
const forwarded = (headers: Record<string, string> = { Metadata: 'true' }) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = httpRequest(
      azure.proxy.url,
      {
        path: 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/',
        headers,
        agent: false,
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8');
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });

test('the address of IMDS is mapped to the embedded IMDS, and both services record the request', async () => {
  await start();
  expect((await forwarded()).status).toBe(200);
  expect(azure.requests.map(({ leg, host }) => [leg, host])).toEqual([
    ['proxy', '169.254.169.254'],
    ['imds', '169.254.169.254'],
  ]);
});

test('IMDS rejects requests with X-Forwarded-For', async () => {
  await start({ forwardedFor: true });
  const { status, text } = await forwarded();
  expect(status).toBe(400);
  expect(text).toContain('X-Forwarded-For');
});

test('user names and passwords with any characters are required, decoded and recorded', async () => {
  const password = 'p@ss:wörd/%41 #?';
  await start({ user: 'dom\\ain', password });
  for (const [authorization, expected] of [
    [undefined, 407],
    [basic('dom\\ain:wrong'), 407],
    [basic(`dom\\ain:${password}`), 200],
  ] as const) {
    const { status, socket } = await tunnel('login.microsoftonline.com:443', authorization);
    socket.destroy();
    expect(status).toBe(expected);
  }
  expect(azure.requests.map((one) => one.proxyUser?.password)).toEqual([undefined, 'wrong', password]);
  const url = new URL(azure.proxy.urlWithUser);
  expect([decodeURIComponent(url.username), decodeURIComponent(url.password)]).toEqual([
    'dom\\ain',
    password,
  ]);
});

test('a direct request is rejected', async () => {
  await start();
  expect((await ask(`${azure.proxy.url}/`)).status).toBe(403);
});

test('the proxy has faults, too', async () => {
  await start();
  azure.faults.queue('proxy', { status: 502 });
  azure.faults.queue('proxy', { kind: 'reset' });
  const { status, socket } = await tunnel('login.microsoftonline.com:443');
  socket.destroy();
  expect(status).toBe(502);
  await expect(tunnel('login.microsoftonline.com:443')).rejects.toThrow(/ECONNRESET|socket hang up/);
});

test('a fault can answer CONNECT with any status, headers and body', async () => {
  await start();
  const forged = { access_token: 'forged' };
  azure.faults.queue('proxy', { status: 201, headers: { 'X-Proxy': 'yes' }, body: forged });
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(azure.proxy.url).port), '127.0.0.1', () => {
      socket.write(
        'CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: login.microsoftonline.com:443\r\n\r\n',
      );
    });
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('utf8');
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
  expect(text).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
  expect(text).toContain('X-Proxy: yes');
  expect(text.split('\r\n\r\n')[1]).toBe(JSON.stringify(forged));
});
