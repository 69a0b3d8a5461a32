import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../emulator/certificate-authority.ts';

export interface RateLimits {
  /** Requests that are answered at the same time. */
  readonly atOnce: number;
  readonly perSecond: number;
  /** The header of a refusal, in seconds. */
  readonly retryAfter?: number;
}

export interface LimitedService {
  readonly url: string;
  /** All requests, the refused ones included. */
  requests(): number;
  stop(): void;
}

/** Forwards to `upstream`, and answers 429 to what exceeds the limits. */
export async function startLimitedService(
  upstream: string,
  { atOnce, perSecond, retryAfter }: RateLimits,
  tls?: { readonly certificate: IssuedCertificate; readonly ca: string },
): Promise<LimitedService> {
  let requests = 0;
  let busy = 0;
  const answered: number[] = [];
  const serve = (incoming: IncomingMessage, response: ServerResponse): void => {
    requests += 1;
    const now = performance.now();
    while (answered[0] !== undefined && answered[0] <= now - 1_000) answered.shift();
    if (busy >= atOnce || answered.length >= perSecond) {
      incoming.resume();
      response.writeHead(429, {
        'content-type': 'application/json',
        ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      });
      response.end('{"error":"too many requests"}');
      return;
    }
    answered.push(now);
    busy += 1;
    response.once('close', () => {
      busy -= 1;
    });
    const { hostname, port } = new URL(upstream);
    const send = tls ? httpsRequest : httpRequest;
    const outgoing = send(
      {
        hostname,
        port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
        ...(tls && { ca: tls.ca }),
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.once('error', () => response.destroy());
    incoming.pipe(outgoing);
  };
  const server = tls ? createHttpsServer(tls.certificate, serve) : createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    requests: () => requests,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
