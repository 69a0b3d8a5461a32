import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { authenticateToken, type Caller } from './bearer-authentication.ts';
import type { IssuedCertificate } from './certificate-authority.ts';
import { clouds } from './clouds.ts';
import type { OpenRecord, RequestLog } from './request-log.ts';
import { forwardRequest } from './reverse-proxy.ts';
import { flatHeaders } from './service.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { World } from './world.ts';

export const FEEDS_HOST = 'pkgs.dev.azure.com';
/** Clients ask for Azure DevOps by its application ID: https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity */
const AZURE_DEVOPS_APP_ID = '499b84ac-1321-427f-aa17-267ca6975798';

export interface Feeds {
  readonly port: number;
  /**
   * Forwards a part of a feed, for example `contoso/_packaging/packages/npm/registry`, to feed software on this
   * loopback port (plain HTTP). The software sees the path below that part, and never the token. The longest part
   * that matches wins.
   */
  serve(part: string, port: number): void;
  close(): Promise<void>;
}

/**
 * The gate of Azure Artifacts. It takes an app token for Azure DevOps, as a bearer token or as the password of any
 * user, and forwards what the application may do with the feed.
 */
export async function startFeeds(
  keys: SigningKeys,
  world: () => World,
  log: RequestLog,
  certificate: IssuedCertificate,
): Promise<Feeds> {
  const ports = new Map<string, number>();
  const sockets = new Set<Socket>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = recordOf(request);
    log.add(record);
    response.once('finish', () => {
      record.status = response.statusCode;
    });
    const current = world();
    const feed = current.feeds.find(({ path }) => record.path.startsWith(`/${path}/`));
    if (feed === undefined) {
      end(response, 404, 'The feed does not exist.');
      return;
    }
    const caller = await callerOf(request.headers.authorization, current, keys);
    const clientId = caller?.tenant === feed.tenant ? (caller.application?.clientId ?? '') : '';
    if (![...feed.readers, ...feed.publishers].includes(clientId)) {
      end(response, 401, 'TF400813: The user is not authorized to access this resource.', {
        'www-authenticate': [
          `Bearer authorization_uri=https://${clouds[current.cloud].authorityHosts[0]}/${feed.tenant}`,
          `Basic realm="https://${FEEDS_HOST}/"`,
        ],
      });
      return;
    }
    if (publishes(record) && !feed.publishers.includes(clientId)) {
      end(response, 403, "The user lacks permission to complete this action. You need to have 'AddPackage'.");
      return;
    }
    const parts = [...ports.keys()].filter((one) => record.path.startsWith(`/${one}/`));
    const part = parts.sort((one, other) => other.length - one.length)[0];
    if (part === undefined) {
      end(response, 404, 'The package does not exist.');
      return;
    }
    const { authorization: _token, ...headers } = request.headers;
    forwardRequest(request, response, ports.get(part) ?? 0, {
      path: (request.url ?? '').slice(`/${part}`.length),
      // pypiserver builds its links from this host, a path included.
      headers: { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': `${FEEDS_HOST}/${part}` },
    });
  };

  const server = createServer(certificate, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    serve: (part, port) => {
      ports.set(part, port);
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function recordOf(request: IncomingMessage): OpenRecord {
  const target = new URL(request.url ?? '/', `https://${FEEDS_HOST}`);
  return {
    leg: 'feeds',
    time: Date.now(),
    method: request.method ?? '',
    host: request.headers.host ?? '',
    path: target.pathname,
    query: target.searchParams,
    headers: flatHeaders(request),
    // Packages are binary, and are not kept.
    body: '',
    form: new URLSearchParams(),
    status: undefined,
  };
}

function end(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string | string[]> = {},
): void {
  // The body of the request is not read, so the connection cannot be used again.
  response.writeHead(status, { ...headers, 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ message }));
}

async function callerOf(
  header: string | undefined,
  world: World,
  keys: SigningKeys,
): Promise<Caller | undefined> {
  const basic = /^basic ([A-Za-z0-9+/=]+)$/iu.exec(header ?? '')?.[1];
  // The user name can be any text, but not empty: https://learn.microsoft.com/azure/devops/artifacts/npm/npmrc
  const token =
    basic === undefined
      ? /^bearer (\S+)$/iu.exec(header ?? '')?.[1]
      : /^[^:]+:(.+)$/su.exec(Buffer.from(basic, 'base64').toString('utf8'))?.[1];
  if (token === undefined) return undefined;
  const result = await authenticateToken(token, [AZURE_DEVOPS_APP_ID], world, keys);
  return 'problem' in result ? undefined : result.caller;
}

/** npm also sends reads as POST, for example to `-/npm/v1/security/advisories/bulk`. */
function publishes({ method, path }: OpenRecord): boolean {
  return method === 'PUT' || method === 'DELETE' || (method === 'POST' && path.endsWith('/pypi/upload/'));
}
