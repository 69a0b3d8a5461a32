import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the script; `hang`: none ever comes; `reset`: the connection is destroyed. */
export type Line =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'hang'
  | 'reset';

export interface ScriptedServer {
  readonly url: string;
  readonly asked: () => number;
  stop(): void;
}

/** Answers the n-th request with the n-th line; the last line answers all further ones. */
export async function startScriptedServer(lines: readonly Line[]): Promise<ScriptedServer> {
  let asked = 0;
  const server = createServer((request, response) => {
    const line = lines[Math.min(asked, lines.length - 1)] ?? 'reset';
    asked += 1;
    request.resume();
    if (line === 'hang') return;
    if (line === 'reset') {
      request.socket.destroy();
      return;
    }
    const body = typeof line.body === 'string' ? line.body : JSON.stringify(line.body ?? {});
    response.writeHead(line.status, { 'Content-Type': 'application/json', ...line.headers }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/token`,
    asked: () => asked,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
