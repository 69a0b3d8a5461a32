import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the script; `hang`: no answer ever comes; `reset`: the connection is destroyed. */
export type Line =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Text and bytes are sent as they are, everything else as JSON. */
      readonly body?: unknown;
    }
  | 'hang'
  | 'reset';

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedServer {
  readonly port: number;
  readonly url: string;
  readonly asked: () => number;
  /** How many connections were opened. */
  readonly connections: () => number;
  /** The requests whose bodies have arrived. */
  readonly requests: readonly ScriptedRequest[];
  stop(): void;
}

/**
 * Answers the n-th request with the n-th line; the last line answers all further ones.
 *
 * @param hanging called when a request has arrived that gets no answer
 */
export async function startScriptedServer(
  lines: readonly Line[],
  hanging: () => void = () => undefined,
): Promise<ScriptedServer> {
  let asked = 0;
  const requests: ScriptedRequest[] = [];
  const server = createServer((request, response) => {
    const line = lines[Math.min(asked, lines.length - 1)] ?? 'reset';
    asked += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      requests.push({ method, path, headers, body: Buffer.concat(chunks).toString('utf8') });
      if (line === 'hang') {
        hanging();
        return;
      }
      if (line === 'reset') {
        request.socket.destroy();
        return;
      }
      const { body = {} } = line;
      const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      response.writeHead(line.status, { 'Content-Type': 'application/json', ...line.headers }).end(sent);
    });
    request.on('error', () => undefined);
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/token`,
    asked: () => asked,
    connections: () => connections,
    requests,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
