import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { OpenRecord, RecordedRequest } from './request-log.ts';
import { flatHeaders, type TestControls } from './service.ts';

export interface ProxyOptions {
  /** The proxy answers 407 to requests without this user. The name cannot contain a colon. */
  readonly user?: string;
  readonly password?: string;
  /** Adds `X-Forwarded-For` to forwarded plain HTTP requests, as some proxies do. IMDS rejects these requests. */
  readonly forwardedFor?: boolean;
}

export interface RunningProxy {
  readonly port: number;
  map(host: string, port: number): void;
  close(): Promise<void>;
}

/**
 * A forward proxy for CONNECT and for plain HTTP. It maps host names to loopback ports and answers 403 for all other
 * hosts. It never resolves a name and never connects to another address.
 */
export async function startProxy(
  options: ProxyOptions,
  { log, faults, delays, portOf }: TestControls,
): Promise<RunningProxy> {
  const ports = new Map<string, number>();
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  /** Records and delays the request. Returns a fault, an error status, or the port to connect to. */
  const route = async (
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
    if (delays.of('proxy') > 0) await delay(delays.of('proxy'), undefined, { signal: stopping.signal });
    const fault = faults.take(record);
    if (fault !== undefined) return { record, fault };
    if (!isAuthorized(record, options)) return { record, status: 407 };
    const port = target === undefined ? undefined : ports.get(target.hostname);
    return port === undefined ? { record, status: 403 } : { record, port };
  };

  const refuse = (
    socket: Socket | null,
    record: OpenRecord,
    fault: Fault | undefined,
    status: number | undefined,
  ): void => {
    const unknown = fault === undefined && (status ?? 403) === 403 ? unknownHost(record, ports) : undefined;
    sendError(socket, record, fault, status ?? 403, unknown);
    log.answered(record);
  };

  const server = createServer((message, response) => {
    forward(message, response).catch(() => response.destroy());
  });
  const forward = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = plainTarget(message.url);
    const { record, fault, status, port } = await route(message, target);
    if (fault !== undefined || status !== undefined || port === undefined || target === undefined) {
      refuse(response.socket, record, fault, status);
      return;
    }
    const {
      'proxy-authorization': _credentials,
      'proxy-connection': _hopByHop,
      ...headers
    } = message.headers;
    const upstream = httpRequest(
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
        log.answered(record);
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('socket', track);
    upstream.on('error', () => refuse(response.socket, record, undefined, 502));
    message.pipe(upstream);
  };

  server.on('connect', (message: IncomingMessage, client: Duplex, head: Buffer) => {
    tunnel(message, client as Socket, head).catch(() => client.destroy());
  });
  const tunnel = async (message: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const { record, fault, status, port } = await route(message, tunnelTarget(message.url));
    if (fault !== undefined || status !== undefined || port === undefined) {
      refuse(client, record, fault, status);
      return;
    }
    const upstream = connect(port, '127.0.0.1', () => {
      record.status = 200;
      log.answered(record);
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    track(upstream);
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
  };

  server.on('connection', track);
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(portOf('proxy'), '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    map: (host, port) => {
      ports.set(host, port);
    },
    async close() {
      stopping.abort();
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The `host:port` of a CONNECT request. */
function tunnelTarget(authority: string | undefined): URL | undefined {
  const text = `https://${authority ?? ''}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** An absolute `http:` URL. HTTPS is supported only through CONNECT. */
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

/** RFC 7617: the password can contain colons, the name cannot. */
function basicUser(header: string | undefined): RecordedRequest['proxyUser'] {
  const encoded = /^basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function isAuthorized(record: RecordedRequest, { user, password }: ProxyOptions): boolean {
  if (user === undefined) return true;
  return record.proxyUser?.name === user && record.proxyUser.password === (password ?? '');
}

/** What the proxy says about a host that it does not know. Most clients show only the reason. */
function unknownHost(
  { host }: OpenRecord,
  ports: ReadonlyMap<string, number>,
): { reason: string; body: string } {
  const name = host.replace(/[^\x21-\x7e]/gu, '?').slice(0, 260) || '(none)';
  const known = [...ports.keys()].sort().map((one) => `  ${one}\n`);
  return {
    reason: `The embedded Azure does not know ${name}`,
    body: `The embedded Azure does not know the host ${name}, and its proxy never connects to other machines.\nIt knows:\n${known.join('')}`,
  };
}

function sendError(
  socket: Socket | null,
  record: OpenRecord,
  fault: Fault | undefined,
  status: number,
  unknown: { readonly reason: string; readonly body: string } | undefined,
): void {
  if (socket === null || socket.destroyed) return;
  if (fault?.kind === 'hang' || fault?.kind === 'stall') return;
  if (fault?.kind === 'reset' || fault?.kind === 'cut' || fault?.kind === 'truncated') {
    socket.resetAndDestroy();
    return;
  }
  const code = fault === undefined ? status : (fault.status ?? (fault.kind === 'redirect' ? 302 : 400));
  record.status = code;
  const headers: Record<string, string> = {
    ...(unknown !== undefined && { 'Content-Type': 'text/plain; charset=utf-8' }),
    ...(code === 407 && { 'Proxy-Authenticate': 'Basic realm="embedded"' }),
    ...(fault?.kind === 'redirect' && { Location: fault.location }),
    ...(fault !== undefined && 'headers' in fault && fault.headers),
  };
  const body = unknown?.body ?? bodyOf(fault);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${code} ${unknown?.reason ?? STATUS_CODES[code] ?? 'Error'}\r\n${lines.join('')}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function bodyOf(fault: Fault | undefined): string {
  if (fault?.kind === 'html') return fault.body ?? '<html>Sorry.</html>';
  if (fault === undefined || !('body' in fault) || fault.body === undefined) return '';
  return typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body);
}
