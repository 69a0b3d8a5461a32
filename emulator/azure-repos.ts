import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { authenticateToken } from './bearer-authentication.ts';
import type { IssuedCertificate } from './certificate-authority.ts';
import { v1Issuer } from './clouds.ts';
import type { OpenRecord, RequestLog } from './request-log.ts';
import { flatHeaders } from './service.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { AzureDevOpsOrganization, World } from './world.ts';

/** Azure DevOps has no identifier URI that clients use. They ask for its application ID. */
const AZURE_DEVOPS_APP_ID = '499b84ac-1321-427f-aa17-267ca6975798';

export interface AzureRepos {
  readonly port: number;
  /** Serves the bare repository in `folder` as `organization/project/_git/repository`. */
  serve(path: string, folder: string): void;
  close(): Promise<void>;
}

/**
 * Azure Repos, with the real `git http-backend` behind it. `dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY` and
 * `ORGANIZATION.visualstudio.com/PROJECT/_git/REPOSITORY` are the same repository. A request needs a token of a member
 * of the organization, as the password of any user (Basic) or as it is (Bearer).
 * https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity
 */
export async function startAzureRepos(
  keys: SigningKeys,
  world: () => World,
  log: RequestLog,
  certificate: IssuedCertificate,
): Promise<AzureRepos> {
  const folders = new Map<string, string>();
  const sockets = new Set<Socket>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = recordOf(request);
    log.add(record);
    const end = (status: number, text: string, headers: Record<string, string | string[]> = {}): void => {
      record.status = status;
      // The rest of the body is not read.
      response.writeHead(status, { ...headers, connection: 'close' }).end(text);
    };
    const [organization = '', path = ''] = splitTarget(record);
    const found = /^\/([^/]+\/_git\/[^/]+)(\/.*)$/u.exec(path);
    const current = world();
    const owner = current.organizations.find(({ name }) => name === organization);
    if (owner === undefined) {
      end(404, 'TF400898: the organization does not exist.');
      return;
    }
    if (!(await isMember(request.headers.authorization, owner, current, keys))) {
      end(401, 'TF400813: The user is not authorized to access this resource.', {
        'www-authenticate': [
          `Bearer authorization_uri=${v1Issuer(current.cloud, owner.tenant)}`,
          `Basic realm="https://dev.azure.com/"`,
        ],
      });
      return;
    }
    const folder = folders.get(`${organization}/${found?.[1] ?? ''}`);
    if (folder === undefined || found?.[2] === undefined) {
      end(404, 'TF401019: The Git repository does not exist or you do not have permissions.');
      return;
    }
    runBackend(request, response, record, folder, found[2]);
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
    serve: (path, folder) => {
      folders.set(path, folder);
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function recordOf(request: IncomingMessage): OpenRecord {
  const target = new URL(request.url ?? '/', 'https://localhost');
  return {
    leg: 'azure-repos',
    time: Date.now(),
    method: request.method ?? '',
    host: request.headers.host ?? '',
    path: target.pathname,
    query: target.searchParams,
    headers: flatHeaders(request),
    // Packs are binary, and are not kept.
    body: '',
    form: new URLSearchParams(),
    status: undefined,
  };
}

/** The organization, and the path below it. */
function splitTarget({ host, path }: OpenRecord): readonly string[] {
  const old = /^([^.]+)\.visualstudio\.com(?::\d+)?$/iu.exec(host)?.[1];
  if (old !== undefined) return [old, path];
  return /^\/([^/]+)(\/.*)$/u.exec(path)?.slice(1) ?? [];
}

async function isMember(
  header: string | undefined,
  { tenant, members }: AzureDevOpsOrganization,
  world: World,
  keys: SigningKeys,
): Promise<boolean> {
  const basic = /^basic ([A-Za-z0-9+/=]+)$/iu.exec(header ?? '')?.[1];
  const token =
    basic === undefined
      ? /^bearer (\S+)$/iu.exec(header ?? '')?.[1]
      : /:(.+)$/su.exec(Buffer.from(basic, 'base64').toString('utf8'))?.[1];
  if (token === undefined) return false;
  const result = await authenticateToken(token, [AZURE_DEVOPS_APP_ID], world, keys);
  if ('problem' in result) return false;
  return result.caller.tenant === tenant && members.includes(result.caller.application?.clientId ?? '');
}

/** https://git-scm.com/docs/git-http-backend, as a CGI program: https://www.rfc-editor.org/rfc/rfc3875 */
function runBackend(
  request: IncomingMessage,
  response: ServerResponse,
  record: OpenRecord,
  folder: string,
  pathInfo: string,
): void {
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathInfo,
      QUERY_STRING: record.query.toString(),
      REQUEST_METHOD: record.method,
      CONTENT_TYPE: record.headers['content-type'] ?? '',
      GIT_PROTOCOL: record.headers['git-protocol'] ?? '',
      // With a user, the backend takes pushes.
      REMOTE_USER: 'member',
    },
  });
  child.once('error', () => response.destroy());
  const isCompressed = record.headers['content-encoding'] === 'gzip';
  pipeline(isCompressed ? request.pipe(createGunzip()) : request, child.stdin, () => undefined);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', readHead);
    const headers = Object.fromEntries(
      head
        .subarray(0, end)
        .toString('latin1')
        .split('\r\n')
        .map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
    );
    const { status = '200', ...others } = headers;
    record.status = Number.parseInt(status, 10);
    response.writeHead(record.status, others);
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', readHead);
  child.once('close', () => {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
  response.once('close', () => child.kill());
}
