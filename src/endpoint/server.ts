import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../exchange/budget.ts';
import type { AppTokenSource } from '../exchange/exchange.ts';
import type { MachineFacts } from '../exchange/machine.ts';
import { allowList } from './allow-list.ts';
import {
  addressOf,
  machinePath,
  type Refusal,
  type Reply,
  readQuestion,
  refusalReply,
  secretHeader,
  tokenPath,
  tokenReply,
} from './protocol.ts';
import { createTokenCache, mostExchangesPerMinute } from './token-cache.ts';

export interface EndpointOptions {
  /** The app. */
  readonly clientId: string;
  /** The app's tokens; asked for only when a client asks for the first one. */
  readonly source: () => Promise<Pick<AppTokenSource, 'token'>>;
  /** For each exchange, retries included. Milliseconds. */
  readonly timeBudget: number;
  /** The machine's own identity variables, for our own step and command. */
  readonly machine: MachineFacts['variables'];
  /** Full scopes. Without it every resource is handed out. */
  readonly allow?: readonly string[] | undefined;
  readonly observer: EndpointObserver;
  /** The sentence that tells a client why it gets no token. */
  readonly explain: (refusal: Refusal) => Promise<string>;
  readonly clock?: Clock;
}

/** Receives what authenticated clients got. Strangers are not reported: they could fill a log. */
export interface EndpointObserver {
  handedOut(handOut: { readonly resource: string; readonly expiresOn: Date }): void;
  refused(refusal: Refusal): void;
}

export interface Endpoint {
  /** For `IDENTITY_ENDPOINT`. */
  readonly url: string;
  /** For `IDENTITY_HEADER`. */
  readonly secret: string;
  /** Ends the server, with every connection and exchange. */
  stop(): void;
  /** Resolves when it has ended, by `stop` or by a client's request. */
  readonly stopped: Promise<void>;
}

/** Milliseconds. Real clients send their few headers at once. */
const headersLimit = 5_000;
/** Bytes. Real clients send less than 1,000. */
const largestHeaders = 8 * 1024;
const mostConnections = 200;

/**
 * A server on loopback that answers as App Service's identity endpoint does, with the app's tokens. Only who knows the
 * secret gets anything: other users of the machine, and web pages in a browser on it, can reach the port too.
 *
 * @throws if no port can be had
 */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { clientId, source, timeBudget, machine, allow, observer, explain, clock = systemClock } = options;
  const secret = randomBytes(32).toString('hex');
  const isAllowed = allow === undefined ? () => true : allowList(allow);
  const cache = createTokenCache(source, timeBudget, clock);

  const refuse = async (refusal: Refusal): Promise<Reply> => {
    observer.refused(refusal);
    return refusalReply(refusal, await explain(refusal));
  };

  const handOut = async (query: URLSearchParams): Promise<Reply> => {
    const question = readQuestion(query);
    if ('kind' in question) return refuse(question);
    const { resource, scope } = question;
    if (allow !== undefined && !isAllowed(resource)) {
      return refuse({ kind: 'not-allowed', resource, allowed: allow });
    }
    try {
      const token = await cache.token(scope);
      if (token === undefined) {
        return refuse({ kind: 'too-many-exchanges', resource, mostPerMinute: mostExchangesPerMinute });
      }
      observer.handedOut({ resource, expiresOn: token.expiresOn });
      return tokenReply(question, token, clientId);
    } catch (error) {
      return refuse({ kind: 'exchange-failed', resource, error });
    }
  };

  const replyTo = async (request: IncomingMessage): Promise<Reply & { readonly last?: true }> => {
    const stranger = async (refusal: Refusal): Promise<Reply> =>
      refusalReply(refusal, await explain(refusal));
    // A web page that moved its name to loopback has its own name here (DNS rebinding).
    if (request.headers.host !== host) return stranger({ kind: 'wrong-host' });
    const { path, query } = addressOf(request);
    const route = routes.find((candidate) => candidate.method === request.method && candidate.path === path);
    if (route === undefined) return stranger({ kind: 'unknown-path' });
    if (!isSecret(request.headers[secretHeader], secret)) return stranger({ kind: 'wrong-header' });
    if (hasBody(request)) return refuse({ kind: 'has-body' });
    return route.reply(query);
  };

  const routes: readonly {
    readonly method: string;
    readonly path: string;
    readonly reply: (query: URLSearchParams) => Promise<Reply & { readonly last?: true }>;
  }[] = [
    { method: 'GET', path: tokenPath, reply: handOut },
    { method: 'DELETE', path: tokenPath, reply: async () => ({ status: 204, last: true }) },
    { method: 'GET', path: machinePath, reply: async () => ({ status: 200, body: { variables: machine } }) },
  ];

  const server = createServer(
    {
      maxHeaderSize: largestHeaders,
      headersTimeout: headersLimit,
      requestTimeout: headersLimit,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      void replyTo(request).then(
        ({ status, body, last }) => {
          if (last) response.once('close', stop);
          response.writeHead(status, {
            'Content-Type': 'application/json',
            'Cache-Control': 'no-store',
            // No connection waits for a next request, which the end of the server would break.
            Connection: 'close',
          });
          response.end(body === undefined ? undefined : JSON.stringify(body));
        },
        () => response.destroy(),
      );
    },
  );
  server.maxConnections = mostConnections;
  const stopped = new Promise<void>((resolve) => void server.once('close', resolve));
  const stop = (): void => {
    cache.stop();
    server.close();
    server.closeAllConnections();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // One connection that cannot be accepted must not end the others.
  server.on('error', () => undefined);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}${tokenPath}`, secret, stop, stopped };
}

/** Takes the same time whatever is wrong: the digests have one length, and all of it is compared. */
function isSecret(given: string | string[] | undefined, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(secret));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
