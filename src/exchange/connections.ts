import { type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';

/** How the requests of a leg travel; what is left out is the library's own way. */
export interface Route {
  readonly agent?: HttpAgent;
  /** All certificate authorities that are trusted, PEM; left out: Node's own. */
  readonly authorities?: readonly string[];
}

/** Node's own certificate authorities and one more: naming any replaces all. */
export function authoritiesWith(one: string): readonly string[] {
  // Node 20 cannot say which it trusts, only which it was built with.
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'default') => string[] };
  return [...(getCACertificates?.('default') ?? tls.rootCertificates), one];
}

/**
 * An agent that gives up on an address that does not answer at all: Node has no limit of its own for that, and a
 * machine without a metadata service would keep a job waiting for minutes.
 *
 * @param limit for connecting, in milliseconds
 */
export function agentWithConnectLimit(protocol: string, limit: number): HttpAgent {
  const agent =
    protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    if (socket) limitConnecting(socket as Socket, limit);
    return socket;
  };
  return agent;
}

/**
 * The same, with a first connection to `origin` under way already: looking up the name, connecting and the TLS
 * handshake go on while other things are waited for. It is a connection and no request; the first request takes it.
 * When it fails, nobody hears of it and that request makes its own.
 */
export function agentConnectingAhead(
  origin: URL,
  limit: number,
  authorities: readonly string[] | undefined,
): HttpAgent {
  const agent = agentWithConnectLimit(origin.protocol, limit);
  const { hostname: host, port } = origin;
  const target = { host, port: port === '' ? 443 : Number(port) };
  const options: ClientRequestArgs & tls.ConnectionOptions & { noDelay: boolean; _agentKey: string } = {
    ...target,
    // An address is no name to ask for.
    ...(isIP(host) === 0 && { servername: host }),
    noDelay: true,
    ...(authorities && { ca: [...authorities] }),
    // Under this key the agent keeps the TLS session, which the connections beside this one then resume.
    _agentKey: agent.getName({ ...target, servername: host } as Parameters<HttpAgent['getName']>[0]),
  };
  const connect = agent.createConnection;
  const close = agent.destroy.bind(agent);
  let ahead = connect(options) as Socket | undefined;
  ahead?.on('error', () => undefined);
  agent.createConnection = (wanted, callback) => {
    const ready = ahead;
    ahead = undefined;
    const fits = ready?.destroyed === false && wanted.host === host && Number(wanted.port) === target.port;
    return fits ? ready : connect(wanted, callback);
  };
  // The agent does not know of a connection that no request has taken, and the process would wait for its end.
  agent.destroy = () => {
    ahead?.destroy();
    close();
  };
  return agent;
}

function limitConnecting(socket: Socket, limit: number): void {
  const timer = setTimeout(() => {
    socket.destroy(
      Object.assign(new Error(`no connection within ${limit / 1000} seconds`), { code: 'ETIMEDOUT' }),
    );
  }, limit);
  const clear = (): void => clearTimeout(timer);
  socket.once('connect', clear);
  socket.once('close', clear);
}
