import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { IssuedCertificate } from '../../emulator/certificate-authority.ts';

/** What a hostile server knows of the request that it answers. */
export interface HostileRequest {
  /** The whole request, as it came. */
  readonly text: string;
  /** The number of this request at this server, from 1. */
  readonly number: number;
}

/** Writes raw bytes: whatever an HTTP library would refuse to send. */
export type Misbehavior = (socket: Socket, request: HostileRequest) => void;

/** The TCP connection below a TLS one. */
const rawSockets = new WeakMap<Socket, Socket>();

/** Ends the connection with a TCP reset. A TLS socket cannot do that itself. */
export function reset(socket: Socket): void {
  (rawSockets.get(socket) ?? socket).resetAndDestroy();
}

export interface HostileServer {
  readonly port: number;
  requests(): readonly HostileRequest[];
  stop(): void;
}

/**
 * A server that reads one request at a time and leaves the answer to `misbehave`. With `atOnce` it does not even wait
 * for the request.
 */
export async function startHostileServer(
  misbehave: Misbehavior,
  options: {
    readonly certificate?: IssuedCertificate | undefined;
    readonly atOnce?: boolean | undefined;
  } = {},
): Promise<HostileServer> {
  const requests: HostileRequest[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    let text = '';
    const raw = [...sockets].find((one) => one !== socket && one.remotePort === socket.remotePort);
    if (raw) rawSockets.set(socket, raw);
    socket.on('error', () => socket.destroy());
    if (options.atOnce) misbehave(socket, { text, number: 0 });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/^content-length: (\d+)/imu.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const request = { text, number: requests.length + 1 };
      text = '';
      requests.push(request);
      if (!options.atOnce) misbehave(socket, request);
    });
  };
  const { certificate } = options;
  const server: Server = certificate
    ? createTlsServer({ cert: certificate.cert, key: certificate.key }, serve)
    : createServer(serve);
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Writes `chunk` for as long as the other side reads. */
export function endlessly(socket: Socket, chunk: string | Buffer): void {
  const go = (): void => {
    if (socket.destroyed) return;
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', go);
  go();
}

/** Writes `chunk` again and again, with a pause between. */
export function drip(socket: Socket, chunk: string, milliseconds: number): void {
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(chunk);
  }, milliseconds);
  socket.once('close', () => clearInterval(timer));
}
