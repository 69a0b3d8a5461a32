import {
  type ClientRequestArgs,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { ForwardProxy } from './request.ts';

/** Node's own certificate authorities and one more: passing any to Node replaces all. */
export function authoritiesWith(one: string): readonly string[] {
  // Node 20 cannot say which it trusts, only which it was built with.
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'default') => string[] };
  return [...(getCACertificates?.('default') ?? tls.rootCertificates), one];
}

export interface AgentOptions {
  /** For everything until the first byte of a request can be sent, a proxy's answer included. Milliseconds. */
  readonly connectLimit: number;
  /** Ends every connection that is still being made. */
  readonly signal: AbortSignal;
  /** Everything that is trusted, PEM; without it Node's own. */
  readonly authorities?: readonly string[];
  readonly proxy?: ForwardProxy;
}

/**
 * An agent that gives up on an address that does not answer: Node has no limit of its own for that, and a machine
 * without a metadata service would keep a job waiting for minutes. With a proxy it connects through a CONNECT tunnel.
 *
 * The tunnel is our own because `https-proxy-agent`, which the library would use, returns a proxy's refusal as if the
 * server had sent it, and does not end a tunnel that is still being made when its request is aborted.
 */
export function createAgent(protocol: string, options: AgentOptions): HttpAgent {
  const agent =
    protocol === 'https:'
      ? new HttpsAgent({
          keepAlive: true,
          maxCachedSessions: 1,
          ...(options.authorities && { ca: [...options.authorities] }),
        })
      : new HttpAgent({ keepAlive: true });
  const { proxy } = options;
  const direct = agent.createConnection.bind(agent);
  agent.createConnection = (target, callback) => {
    if (proxy && callback) {
      void openTunnel(proxy, target, options).then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, undefined as never),
      );
      return undefined;
    }
    const socket = direct(target, callback);
    if (socket) limitConnecting(socket as Socket, options);
    return socket;
  };
  return agent;
}

/** The proxy answered a CONNECT request with something other than 200. Nothing it said is the server's answer. */
export class ProxyAnswerError extends Error {
  override readonly name = 'ProxyAnswerError';
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered the CONNECT request with HTTP ${status}`);
    this.status = status;
  }
}

/** The way to the proxy itself failed. The system's error is the cause. */
export class ProxyConnectionError extends Error {
  override readonly name = 'ProxyConnectionError';
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-connect, then TLS with the server through the tunnel. */
async function openTunnel(
  proxy: ForwardProxy,
  target: ClientRequestArgs,
  { connectLimit, signal, authorities }: AgentOptions,
): Promise<Duplex> {
  // One limit for the whole way: connect to the proxy, its answer, and the handshake with the server.
  const { limit, clear } = limitTime(signal, connectLimit);
  const host = target.host ?? '';
  const options = { signal: limit, authorities };
  const socket = await connectThrough(proxy, host, target.port ?? 443, options).catch((cause: unknown) => {
    clear();
    if (cause instanceof ProxyAnswerError) throw cause;
    const error = limit.aborted ? timedOut(connectLimit) : cause;
    throw new ProxyConnectionError('no connection through the proxy', { cause: error });
  });
  return new Promise((resolve, reject) => {
    const secure = tls.connect({
      socket,
      // SNI does not allow IP addresses.
      ...(isIP(host) === 0 && { servername: host }),
      host,
      ...(authorities && { ca: [...authorities] }),
    });
    const giveUp = (): void => {
      secure.destroy(timedOut(connectLimit));
    };
    limit.addEventListener('abort', giveUp, { once: true });
    secure.once('close', clear);
    secure.once('secureConnect', () => {
      clear();
      limit.removeEventListener('abort', giveUp);
      secure.off('error', reject);
      resolve(secure);
    });
    secure.once('error', reject);
  });
}

/**
 * Ends with `signal` or when the time is over. Not `AbortSignal.any` with `AbortSignal.timeout`: on Node 20 the garbage
 * collector can take that timeout, and then nothing ends a tunnel that hangs.
 */
function limitTime(
  signal: AbortSignal,
  milliseconds: number,
): { readonly limit: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, milliseconds);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return {
    limit: controller.signal,
    clear: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}

function connectThrough(
  proxy: ForwardProxy,
  host: string,
  port: number | string,
  {
    signal,
    authorities,
  }: { readonly signal: AbortSignal; readonly authorities: AgentOptions['authorities'] },
): Promise<Socket> {
  const { protocol, hostname, port: proxyPort } = new URL(proxy.url);
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const { username = '', password = '' } = proxy;
  const credentials = Buffer.from(`${username}:${password}`).toString('base64');
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send({
      method: 'CONNECT',
      host: hostname.replace(/^\[|\]$/gu, ''),
      port: proxyPort === '' ? (protocol === 'https:' ? 443 : 80) : proxyPort,
      path: authority,
      headers: {
        host: authority,
        ...((username !== '' || password !== '') && { 'proxy-authorization': `Basic ${credentials}` }),
      },
      agent: false,
      signal,
      // A proxy that speaks https is trusted like the server behind it.
      ...(authorities && { ca: [...authorities] }),
    });
    // Node emits `connect` for an answer of any status.
    request.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      // Bytes before our handshake cannot be the server's: TLS servers wait for the client.
      if (answer.statusCode === 200 && head.length === 0) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new ProxyAnswerError(answer.statusCode ?? 0));
    });
    request.once('error', reject);
    request.end();
  });
}

function limitConnecting(socket: Socket, { connectLimit, signal }: AgentOptions): void {
  const stop = (): void => {
    socket.destroy(timedOut(connectLimit));
  };
  const timer = setTimeout(stop, connectLimit);
  signal.addEventListener('abort', stop, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  };
  socket.once(socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect', clear);
  socket.once('close', clear);
}

function timedOut(limit: number): Error {
  return Object.assign(new Error(`no connection within ${limit / 1000} seconds`), { code: 'ETIMEDOUT' });
}
