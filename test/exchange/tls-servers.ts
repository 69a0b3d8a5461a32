import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IssuedCertificate } from '../../emulator/certificate-authority.ts';

/** How a proxy answers a CONNECT request: it makes the tunnel, sends these bytes, or sends nothing. */
export type ConnectAnswer =
  | 'tunnel'
  | 'nothing'
  | {
      readonly bytes: string;
      /** The connection stays open after them. */
      readonly keepOpen?: boolean;
      /** More bytes, after the client has sent something through the tunnel. */
      readonly thenBytes?: string;
    };

export interface ScriptedProxy {
  readonly port: number;
  /** The CONNECT requests: their targets and credentials. */
  readonly requests: readonly { readonly target: string; readonly credentials: string | undefined }[];
  /** Resolves when the next CONNECT request has arrived and been answered. */
  connected(): Promise<void>;
  /** Resolves when every connection to this proxy has closed. */
  idle(): Promise<void>;
  stop(): void;
}

/** A proxy that answers the n-th CONNECT request with the n-th answer; the last one answers all further ones. */
export async function startScriptedProxy(
  answers: readonly ConnectAnswer[],
  {
    certificate,
    host = '127.0.0.1',
  }: { readonly certificate?: IssuedCertificate; readonly host?: string } = {},
): Promise<ScriptedProxy> {
  const requests: { target: string; credentials: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const server: Server = certificate ? createHttpsServer(certificate) : createHttpServer();
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    const target = request.url ?? '';
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? 'nothing';
    requests.push({ target, credentials: request.headers['proxy-authorization'] });
    client.on('error', () => undefined);
    // The client's end is answered, as a real proxy does; otherwise the connection stays half open.
    client.on('end', () => client.destroy());
    if (answer === 'tunnel') {
      const { hostname, port } = new URL(`http://${target}`);
      const onward = connect(Number(port), hostname.replace(/^\[|\]$/gu, ''), () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(client).pipe(onward);
      });
      onward.on('error', () => client.destroy());
      onward.on('close', () => client.destroy());
      client.on('close', () => onward.destroy());
    } else {
      client.resume();
      if (answer !== 'nothing') {
        const { bytes, keepOpen, thenBytes } = answer;
        if (thenBytes !== undefined) client.once('data', () => client.write(thenBytes));
        if (keepOpen || thenBytes !== undefined) client.write(bytes);
        else client.end(bytes);
      }
    }
    arrived();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connected: () => arrival,
    idle: async () => {
      await Promise.all(
        [...sockets].map((socket) => new Promise<unknown>((resolve) => socket.once('close', resolve))),
      );
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
