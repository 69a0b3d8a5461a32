import { setMaxListeners } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { IssuedCertificate } from './certificates.ts';
import type { Delays } from './delays.ts';
import { entraFailure } from './entra-failure.ts';
import type { Fault, Faults } from './faults.ts';
import type { Leg, RecordedRequest, RequestLog } from './request-log.ts';

/** What a service answers. A string or buffer is sent as it is, `undefined` as nothing, all else as JSON. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Decides on a request; `'reset'` closes the connection as if nobody listened there. */
export type Handler = (request: RecordedRequest) => Answer | 'reset' | Promise<Answer | 'reset'>;

/** What all services share: the log, and what a test has asked for. */
export interface Surroundings {
  readonly log: RequestLog;
  readonly faults: Faults;
  readonly delays: Delays;
}

export interface RunningService {
  readonly port: number;
  close(): Promise<void>;
}

/** Lets `status` be filled in once there is one, while everybody else sees a read-only record. */
export type OpenRecord = { -readonly [K in keyof RecordedRequest]: RecordedRequest[K] };

const JSON_TYPE = 'application/json; charset=utf-8';

/** One embedded service on a free loopback port, over TLS when it has a certificate. */
export async function startService(
  leg: Leg,
  handler: Handler,
  { log, faults, delays }: Surroundings,
  certificate?: IssuedCertificate,
): Promise<RunningService> {
  const ending = new AbortController();
  // Every delayed answer listens to it; many at once are no leak.
  setMaxListeners(0, ending.signal);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = await recordOf(leg, request);
    log.add(record);
    const wait = delays.of(leg);
    if (wait > 0) await delay(wait, undefined, { signal: ending.signal });
    const fault = faults.take(record);
    await (fault === undefined
      ? send(response, await handler(record), record)
      : strike(fault, response, record, handler));
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      if (ending.signal.aborted || response.destroyed) return;
      if (response.headersSent) response.destroy();
      else send(response, { status: 500, body: String(error) }, undefined);
    });
  };

  const server = certificate ? createHttpsServer(certificate, listener) : createHttpServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A client that goes away, or does not trust the certificate, is no failure of the service.
  server.on('tlsClientError', () => {});
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      ending.abort();
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function recordOf(leg: Leg, request: IncomingMessage): Promise<OpenRecord> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  return {
    leg,
    time: Date.now(),
    method: request.method ?? '',
    host: request.headers.host ?? '',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: flatHeaders(request),
    body,
    form: new URLSearchParams(isForm ? body : ''),
    status: undefined,
  };
}

/** Every header as one string; repeated ones joined, as RFC 9110 5.3 reads them. */
export function flatHeaders(request: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function encode(answer: Answer): { readonly headers: Record<string, string>; readonly body: Buffer } {
  const { body, headers = {} } = answer;
  if (body === undefined) return { headers: { ...headers }, body: Buffer.alloc(0) };
  if (Buffer.isBuffer(body)) return { headers: { ...headers }, body };
  if (typeof body === 'string') return { headers: { ...headers }, body: Buffer.from(body, 'utf8') };
  return {
    headers: { 'content-type': JSON_TYPE, ...headers },
    body: Buffer.from(JSON.stringify(body), 'utf8'),
  };
}

function send(response: ServerResponse, answer: Answer | 'reset', record: OpenRecord | undefined): void {
  if (answer === 'reset') {
    reset(response);
    return;
  }
  const { headers, body } = encode(answer);
  if (record !== undefined) record.status = answer.status;
  response.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
}

function reset(response: ServerResponse): void {
  const socket = response.socket;
  if (socket === null) return;
  // A TLS socket has no handle to reset; closing it without a goodbye looks the same to the client.
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

async function strike(
  fault: Fault,
  response: ServerResponse,
  record: OpenRecord,
  handler: Handler,
): Promise<void> {
  switch (fault.kind) {
    case undefined:
    case 'answer':
      send(response, fault, record);
      return;
    case 'entra':
      send(response, entraFailure(fault.code, record, fault), record);
      return;
    case 'html':
      send(
        response,
        {
          status: fault.status,
          headers: { 'content-type': 'text/html; charset=utf-8' },
          body: fault.body ?? `<html><head><title>${fault.status}</title></head><body>Sorry.</body></html>`,
        },
        record,
      );
      return;
    case 'redirect':
      send(response, { status: fault.status ?? 302, headers: { location: fault.location } }, record);
      return;
    case 'reset':
      reset(response);
      return;
    case 'hang':
      return;
    case 'truncated':
    case 'cut':
    case 'stall': {
      const own = await handler(record);
      if (own === 'reset') {
        reset(response);
        return;
      }
      const { headers, body } = encode(own);
      const half = body.subarray(0, Math.floor(body.length / 2));
      if (fault.kind === 'truncated') {
        send(response, { status: own.status, headers, body: half }, record);
        return;
      }
      record.status = own.status;
      response.writeHead(own.status, { ...headers, 'content-length': String(body.length) });
      response.write(half, () => {
        if (fault.kind === 'cut') response.socket?.destroy();
      });
    }
  }
}
