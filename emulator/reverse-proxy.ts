import {
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';

/**
 * Forwards a request, with its body as a stream, to a plain HTTP server on a loopback port.
 *
 * @param changes the path or headers, if the server must not see the client's own
 */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  changes: Pick<RequestOptions, 'path' | 'headers'> = {},
): void {
  const upstream = httpRequest(
    {
      host: '127.0.0.1',
      port,
      method: request.method,
      path: request.url,
      // The server builds its redirects from these headers.
      headers: { ...request.headers, 'x-forwarded-proto': 'https' },
      ...changes,
      agent: false,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  upstream.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}
