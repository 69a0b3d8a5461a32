import { setMaxListeners } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { IssuedCertificate } from './certificate-authority.ts';
import type { Delays } from './delays.ts';
import type { Faults } from './faults.ts';
import type { Handler } from './handler.ts';
import type { Leg, OpenRecord, RequestLog } from './request-log.ts';
import { applyFault, sendResponse } from './responses.ts';
import { forwardRequest } from './reverse-proxy.ts';

/** What all services share: the request log, and the faults and delays that a test asked for. */
export interface TestControls {
  readonly log: RequestLog;
  readonly faults: Faults;
  readonly delays: Delays;
  /** The loopback port of a service. 0 means any free port. */
  readonly portOf: (leg: Leg) => number;
}

/** The order in which services get the ports from a first port on. */
const PORT_ORDER: readonly Leg[] = [
  'proxy',
  'entra',
  'imds',
  'identity-endpoint',
  'arm',
  'graph',
  'registry',
  'cluster-issuer',
];

/** The ports of the services from `first` on. Services that are not in the order get any free port. */
export function portsFrom(first: number | undefined): (leg: Leg) => number {
  return (leg) => (first === undefined || !PORT_ORDER.includes(leg) ? 0 : first + PORT_ORDER.indexOf(leg));
}

/** The first port after those of the services. */
export const portAfterServices = (first: number): number => first + PORT_ORDER.length;

export interface RunningService {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts one service on a loopback port.
 *
 * @param certificate turns on TLS
 * @param upstreamPort requests for which it returns a port are forwarded there, without a record and without faults
 */
export async function startService(
  leg: Leg,
  handler: Handler,
  { log, faults, delays, portOf }: TestControls,
  certificate?: IssuedCertificate,
  upstreamPort: (request: IncomingMessage) => number | undefined = () => undefined,
): Promise<RunningService> {
  const stopping = new AbortController();
  // Each delayed response adds a listener. A large number of them is not a leak.
  setMaxListeners(0, stopping.signal);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = await recordOf(leg, request);
    log.add(record);
    response.once('close', () => log.answered(record));
    const wait = delays.of(leg);
    if (wait > 0) await delay(wait, undefined, { signal: stopping.signal });
    const fault = faults.take(record);
    await (fault === undefined
      ? sendResponse(response, await handler(record), record)
      : applyFault(fault, response, record, handler));
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const port = upstreamPort(request);
    if (port !== undefined) {
      forwardRequest(request, response, port);
      return;
    }
    serve(request, response).catch((error: unknown) => {
      if (stopping.signal.aborted || response.destroyed) return;
      if (response.headersSent) response.destroy();
      else sendResponse(response, { status: 500, body: String(error) }, undefined);
    });
  };

  const server = certificate ? createHttpsServer(certificate, listener) : createHttpServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A client that disconnects or does not trust the certificate is not an error of the service.
  server.on('tlsClientError', () => {});
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(portOf(leg), '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      stopping.abort();
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
  const queryStart = target.indexOf('?');
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  return {
    leg,
    time: Date.now(),
    method: request.method ?? '',
    host: request.headers.host ?? '',
    path: queryStart < 0 ? target : target.slice(0, queryStart),
    query: new URLSearchParams(queryStart < 0 ? '' : target.slice(queryStart + 1)),
    headers: flatHeaders(request),
    body,
    form: new URLSearchParams(isForm ? body : ''),
    status: undefined,
  };
}

/** Returns each header as one string. Repeated headers are joined with commas (RFC 9110, section 5.3). */
export function flatHeaders(request: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
