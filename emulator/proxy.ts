import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { RecordedRequest } from './request-log.ts';
import { flatHeaders, type OpenRecord, type Surroundings } from './service.ts';

export interface ProxyOptions {
  /** With these the proxy answers 407 to whoever does not send them. Any characters but a colon in the name. */
  readonly user?: string;
  readonly password?: string;
  /** Adds `X-Forwarded-For` to forwarded plain-http requests, as some proxies do; IMDS refuses those. */
  readonly forwardedFor?: boolean;
}

export interface RunningProxy {
  readonly port: number;
  map(host: string, port: number): void;
  close(): Promise<void>;
}

const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  502: 'Bad Gateway',
};

/**
 * A forward proxy, for CONNECT and for plain http, that knows a few names and leads each to a loopback port. It
 * looks no name up and opens no connection to anywhere else: whatever it does not know is answered 403.
 */
export async function startProxy(
  options: ProxyOptions,
  { log, faults, delays }: Surroundings,
): Promise<RunningProxy> {
  const ports = new Map<string, number>();
  const ending = new AbortController();
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  /** Records the request, waits as told, and says what it comes to: a fault, a refusal, or the port to go on to. */
  const judge = async (
    message: IncomingMessage,
    target: URL | undefined,
  ): Promise<{
    readonly record: OpenRecord;
    readonly fault?: Fault;
    readonly status?: number;
    readonly port?: number;
  }> => {
    const record = recordOf(message, target);
    log.add(record);
    if (delays.of('proxy') > 0) await delay(delays.of('proxy'), undefined, { signal: ending.signal });
    const fault = faults.take(record);
    if (fault !== undefined) return { record, fault };
    if (!admitted(record, options)) return { record, status: 407 };
    const port = target === undefined ? undefined : ports.get(target.hostname);
    return port === undefined ? { record, status: 403 } : { record, port };
  };

  const server = createServer((message, response) => {
    forward(message, response).catch(() => response.destroy());
  });
  const forward = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = plainTarget(message.url);
    const { record, fault, status, port } = await judge(message, target);
    if (fault !== undefined || status !== undefined || port === undefined || target === undefined) {
      refuse(response.socket, record, fault, status ?? 403);
      return;
    }
    const { 'proxy-authorization': _secret, 'proxy-connection': _hop, ...headers } = message.headers;
    const onward = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method: message.method,
        path: `${target.pathname}${target.search}`,
        headers: {
          ...headers,
          host: target.host,
          via: '1.1 embedded',
          ...(options.forwardedFor === true && { 'x-forwarded-for': '127.0.0.1' }),
        },
        agent: false,
      },
      (answer) => {
        record.status = answer.statusCode;
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('socket', track);
    onward.on('error', () => refuse(response.socket, record, undefined, 502));
    message.pipe(onward);
  };

  server.on('connect', (message: IncomingMessage, client: Duplex, head: Buffer) => {
    tunnel(message, client as Socket, head).catch(() => client.destroy());
  });
  const tunnel = async (message: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const { record, fault, status, port } = await judge(message, tunnelTarget(message.url));
    if (fault !== undefined || status !== undefined || port === undefined) {
      refuse(client, record, fault, status ?? 403);
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      record.status = 200;
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    track(onward);
    onward.once('close', () => client.destroy());
    client.once('close', () => onward.destroy());
  };

  server.on('connection', track);
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    map: (host, port) => {
      ports.set(host, port);
    },
    async close() {
      ending.abort();
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** `host:port` of a CONNECT. */
function tunnelTarget(authority: string | undefined): URL | undefined {
  const text = `https://${authority ?? ''}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** An absolute plain-http address; https goes through CONNECT or not at all. */
function plainTarget(address: string | undefined): URL | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const target = new URL(address);
  return target.protocol === 'http:' ? target : undefined;
}

function recordOf(message: IncomingMessage, target: URL | undefined): OpenRecord {
  const user = basicUser(message.headers['proxy-authorization']);
  const isTunnel = message.method === 'CONNECT';
  return {
    leg: 'proxy',
    time: Date.now(),
    method: message.method ?? '',
    host: isTunnel ? (message.url ?? '') : (target?.host ?? message.url ?? ''),
    path: isTunnel ? '' : (target?.pathname ?? ''),
    query: new URLSearchParams(target?.search ?? ''),
    headers: flatHeaders(message),
    body: '',
    form: new URLSearchParams(),
    ...(user !== undefined && { proxyUser: user }),
    status: undefined,
  };
}

/** RFC 7617; the password may contain colons, the name may not. */
function basicUser(header: string | undefined): RecordedRequest['proxyUser'] {
  const encoded = /^basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function admitted(record: RecordedRequest, { user, password }: ProxyOptions): boolean {
  if (user === undefined) return true;
  return record.proxyUser?.name === user && record.proxyUser.password === (password ?? '');
}

function refuse(socket: Socket | null, record: OpenRecord, fault: Fault | undefined, status: number): void {
  if (socket === null || socket.destroyed) return;
  if (fault?.kind === 'hang' || fault?.kind === 'stall') return;
  if (fault?.kind === 'reset' || fault?.kind === 'cut' || fault?.kind === 'truncated') {
    socket.resetAndDestroy();
    return;
  }
  const code = fault === undefined ? status : (fault.status ?? (fault.kind === 'redirect' ? 302 : 400));
  record.status = code;
  const challenge = code === 407 ? 'Proxy-Authenticate: Basic realm="embedded"\r\n' : '';
  const location = fault?.kind === 'redirect' ? `Location: ${fault.location}\r\n` : '';
  const body = fault?.kind === 'html' ? (fault.body ?? '<html>Sorry.</html>') : '';
  socket.end(
    `HTTP/1.1 ${code} ${REASONS[code] ?? 'Refused'}\r\n${challenge}${location}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
