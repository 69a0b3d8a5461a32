import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface EndpointAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly json: any;
}

/** Sends one request as an SDK would, without a library that adds or changes anything. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  { method = 'GET', body = '' }: { readonly method?: string; readonly body?: string } = {},
): Promise<EndpointAnswer> {
  const outgoing = request(url, { method, headers, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const answer = await text(response);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: answer,
    json: answer.startsWith('{') ? JSON.parse(answer) : undefined,
  };
}

/** Sends bytes as they are, and resolves with everything that comes back until the server closes the connection. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answer = text(socket);
  socket.write(bytes);
  return answer;
}
