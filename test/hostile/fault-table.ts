import { gzipSync } from 'node:zlib';
import { drip, endlessly, type Misbehavior, reset } from './hostile-server.ts';

/** Hostile answers as data. Each row is tried on every leg, on both hosts, directly and through a proxy. */

/** What a faulty server could answer if it were a good one. */
export interface Truth {
  /** The body of a good answer. */
  readonly body: string;
  readonly token: string;
  /** A good body whose token is another app's, and one whose token is for another tenant. */
  readonly otherApp: string;
  readonly otherTenant: string;
}

/** What a step must do: hand over the token, or fail with a message that has this in it. */
export type Expected = 'token' | RegExp;

export interface FaultRow {
  readonly title: string;
  readonly expected: Expected | { readonly identity: Expected; readonly entra: Expected };
  readonly atOnce?: true;
  readonly misbehave: (truth: Truth) => Misbehavior;
}

/** One HTTP/1.1 answer. */
export function http(
  status: number | string,
  headers: readonly string[],
  body: string | Buffer = '',
): Buffer {
  const head = [
    `HTTP/1.1 ${status} X`,
    ...(headers.some((line) => /^content-type/iu.test(line)) ? [] : ['Content-Type: application/json']),
    ...(headers.some((line) => /^(content-length|transfer-encoding)/iu.test(line))
      ? []
      : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

type Row = readonly [title: string, expected: FaultRow['expected'], misbehave: FaultRow['misbehave']];

/** The same bytes for every request. */
const sends =
  (make: (truth: Truth) => Buffer | string): FaultRow['misbehave'] =>
  (truth) =>
  (socket) => {
    socket.write(make(truth));
  };

const json = (value: unknown): string => JSON.stringify(value);
const words = (description: string, more: object = {}): string =>
  json({ error: 'invalid_client', error_description: description, ...more });

const noToken = /without a token/u;
const noExpiry = /without a valid expiry/u;
const notJson = /not valid JSON/u;
const encoded = /returned an encoded answer \(gzip\)/u;
const timeOut = /no answer/iu;
const broke = /ECONNRESET|socket hang up|aborted/u;
const notHttp = /HPE_|not an HTTP response/u;
const wrongStatus = /a success status that a token response never has/u;
const tooLarge = /more than 1 MB/u;

const silent: readonly Row[] = [
  ['accepts and says nothing', timeOut, () => () => undefined],
  [
    'sends a header line every 0.2 s for ever',
    timeOut,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      drip(socket, 'X: y\r\n', 200);
    },
  ],
  [
    'sends one byte of the body every 0.2 s for ever',
    timeOut,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n{');
      drip(socket, ' ', 200);
    },
  ],
  [
    'stops in the middle of the body',
    timeOut,
    ({ body }) =>
      (socket) => {
        socket.write(http(200, [`Content-Length: ${body.length}`], body.slice(0, 40)));
      },
  ],
  [
    'promises more than it sends',
    timeOut,
    ({ body }) =>
      (socket) => {
        socket.write(http(200, [`Content-Length: ${body.length + 1}`], body));
      },
  ],
  ['sends 100 Continue for ever', /./u, () => (socket) => drip(socket, 'HTTP/1.1 100 Continue\r\n\r\n', 50)],
  [
    'sends a chunked body without an end',
    timeOut,
    ({ body }) =>
      (socket) => {
        socket.write(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`,
        );
      },
  ],
];

const broken: readonly Row[] = [
  ['closes after the request', broke, () => (socket) => socket.end()],
  ['resets after the request', broke, () => (socket) => reset(socket)],
  [
    'closes in the middle of the body',
    broke,
    ({ body }) =>
      (socket) => {
        socket.end(http(200, [`Content-Length: ${body.length}`], body.slice(0, 40)));
      },
  ],
  ['sends bytes that are no HTTP', notHttp, sends(() => Buffer.from([0, 1, 2, 3, 255, 254, 10, 10]))],
  ['speaks SSH', notHttp, sends(() => 'SSH-2.0-OpenSSH_9.2\r\n')],
  ['answers in HTTP/0.9', notHttp, sends(({ body }) => body)],
  [
    'sends two different lengths',
    notHttp,
    sends(({ body }) => http(200, ['Content-Length: 5', `Content-Length: ${body.length}`], body)),
  ],
  [
    'sends a length and chunks',
    notHttp,
    sends(({ body }) => http(200, [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'], body)),
  ],
  ['sends a negative length', notHttp, sends(({ body }) => http(200, ['Content-Length: -1'], body))],
  ['switches protocols', wrongStatus, sends(() => http(101, ['Upgrade: x', 'Connection: Upgrade']))],
];

const endless: readonly Row[] = [
  [
    'sends headers without an end',
    notHttp,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      endlessly(socket, `X: ${'y'.repeat(1000)}\r\n`);
    },
  ],
  [
    'sends one header line without an end',
    notHttp,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX: ');
      endlessly(socket, 'y'.repeat(65_536));
    },
  ],
  [
    'sends a body without an end',
    tooLarge,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a":"');
      endlessly(socket, 'y'.repeat(65_536));
    },
  ],
  [
    'sends chunks without an end',
    tooLarge,
    () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      endlessly(socket, `10000\r\n${'y'.repeat(65_536)}\r\n`);
    },
  ],
  [
    'sends an error body without an end',
    tooLarge,
    () => (socket) => {
      socket.write('HTTP/1.1 400 Bad\r\n\r\n{"error_description":"');
      endlessly(socket, ' '.repeat(65_536));
    },
  ],
  ['sends one word of 8 MB', tooLarge, sends(() => http(200, [], 'a'.repeat(8_000_000)))],
  [
    'sends a good answer of more than 1 MB',
    tooLarge,
    sends(({ body }) => http(200, [], body + ' '.repeat(1_048_577))),
  ],
];

const withToken: readonly Row[] = [
  ...['201', '202', '203', '206', '299'].map(
    (status): Row => [
      `HTTP ${status} with a token`,
      wrongStatus,
      sends(({ body }) => http(status, [], body)),
    ],
  ),
  ['HTTP 204', wrongStatus, sends(() => 'HTTP/1.1 204 No Content\r\n\r\n')],
  ...['301', '302', '303', '307', '308'].map(
    (status): Row => [
      `HTTP ${status} with a token`,
      /redirected/u,
      sends(({ body }) => http(status, ['Location: http://127.0.0.1:1/::error::pwned'], body)),
    ],
  ),
  ['gzip', encoded, sends(({ body }) => http(200, ['Content-Encoding: gzip'], gzipSync(body)))],
  ['plain text declared as gzip', 'token', sends(({ body }) => http(200, ['Content-Encoding: gzip'], body))],
  ['a byte order mark', notJson, sends(({ body }) => http(200, [], `\ufeff${body}`))],
  [
    'a second answer at once',
    'token',
    sends(({ body, otherApp }) => Buffer.concat([http(200, [], body), http(200, [], otherApp)])),
  ],
  ['the token in a JSON array', notJson, sends(({ body }) => http(200, [], `[${body}]`))],
  [
    'the token twice, first another one',
    'token',
    sends(({ body }) => http(200, [], `{"access_token":"x",${body.slice(1)}`)),
  ],
  [
    'an odd content type',
    'token',
    sends(({ body }) => http(200, ['Content-Type: text/html; charset=\u00ff'], body)),
  ],
];

const noUsableToken: readonly Row[] = [
  ['an empty body', notJson, sends(() => http(200, []))],
  ['null', notJson, sends(() => http(200, [], 'null'))],
  ['100,000 open brackets', notJson, sends(() => http(200, [], '['.repeat(100_000)))],
  [
    'a web page',
    /web page/u,
    sends(() => http(200, ['Content-Type: text/html'], '<!DOCTYPE html><title>Sign in</title>')),
  ],
  ['an empty token', noToken, sends(({ body, token }) => http(200, [], body.replace(token, '')))],
  [
    'a token of objects',
    noToken,
    sends(() =>
      http(200, [], json({ access_token: { toString: 'x' }, expires_in: 3599, expires_on: '4102444800' })),
    ),
  ],
  [
    'a token with a line break and a command',
    noToken,
    sends(({ body, token }) => http(200, [], body.replace(token, `${token}\\n::set-output name=pwned::1`))),
  ],
  [
    'keys like commands',
    noToken,
    sends(() =>
      http(
        200,
        [],
        json({ '::error::pwned': 1, '##vso[task.setvariable variable=PWNED]1': 2, __proto__: null }),
      ),
    ),
  ],
  ...['[3600]', 'true', '0.0001', '-1', '"soon"', 'null', '1e400', '{}'].map(
    (value): Row => [
      `an expiry of ${value}`,
      noExpiry,
      sends(({ token }) =>
        http(
          200,
          [],
          `{"access_token":"${token}","token_type":"Bearer","expires_in":${value},"expires_on":${value}}`,
        ),
      ),
    ],
  ),
];

const errors: readonly Row[] = [
  [
    '100 kB of spaces',
    /HTTP 400|AADSTS/u,
    sends(() => http(400, [], words(`AADSTS7000229: x${' '.repeat(100_000)}`))),
  ],
  ['900 kB of words', /HTTP 400/u, sends(() => http(400, [], words('word '.repeat(180_000))))],
  ['one word of 900 kB', /HTTP 400/u, sends(() => http(400, [], words('w'.repeat(900_000))))],
  [
    '100,000 error codes',
    /HTTP 400/u,
    sends(() => http(400, [], words('x', { error_codes: Array.from({ length: 100_000 }, (_, i) => i) }))),
  ],
  [
    'commands of both hosts',
    /HTTP 400/u,
    sends(() =>
      http(
        400,
        [],
        words(
          '\n::set-env name=PWNED::1\n  ::error::pwned\r##vso[task.setvariable variable=PWNED]1\u2028::add-path::/pwned\u0085##[group]x\u001b[2J##\u200b[x] ##vs\u00ado[task.complete]',
        ),
      ),
    ),
  ],
  [
    'the request itself, with its secrets',
    /HTTP 400/u,
    () =>
      (socket, { text }) => {
        socket.write(http(400, ['X-Ms-Request-Id: ::error::pwned'], words(`${'.'.repeat(1_990)}${text}`)));
      },
  ],
  [
    'the request itself as a web page',
    /./u,
    () =>
      (socket, { text }) => {
        socket.write(http(403, ['Content-Type: text/html'], `<html>${text}`));
      },
  ],
  [
    'the request itself as plain text',
    /./u,
    () =>
      (socket, { text }) => {
        socket.write(http(403, ['Content-Type: text/plain'], text.slice(-20_000)));
      },
  ],
  [
    'the request itself in Location',
    /redirected/u,
    () =>
      (socket, { text }) => {
        const secret = /client_assertion=([^&]+)/u.exec(text)?.[1] ?? 'nothing';
        socket.write(http(302, [`Location: https://example.invalid/?a=${secret.slice(0, 8_000)}`]));
      },
  ],
  [
    'an error that is an object',
    /HTTP 400/u,
    sends(() => http(400, [], '{"error":{"code":{"a":1},"message":["x"]},"error_description":{}}')),
  ],
  ['HTTP 503 for ever', /HTTP 503/u, sends(() => http(503, [], '{}'))],
  ['HTTP 429 for ever', /HTTP 429/u, sends(() => http(429, [], '{}'))],
  [
    'HTTP 429 and Retry-After of ten digits',
    /HTTP 429/u,
    sends(() => http(429, ['Retry-After: 9999999999'], '{}')),
  ],
  ['HTTP 429 and a negative Retry-After', /HTTP 429/u, sends(() => http(429, ['Retry-After: -5'], '{}'))],
  ['HTTP 503 and a Retry-After of 0', /HTTP 503/u, sends(() => http(503, ['Retry-After: 0'], '{}'))],
  [
    'HTTP 503 and a Retry-After in the year 9999',
    /HTTP 503/u,
    sends(() => http(503, ['Retry-After: Fri, 31 Dec 9999 23:59:59 GMT'], '{}')),
  ],
  [
    'HTTP 500 as a web page',
    /HTTP 500|web page/u,
    sends(() => http(500, ['Content-Type: text/html'], '<html>busy</html>')),
  ],
  ['HTTP 404', /HTTP 404/u, sends(() => http(404, [], '{}'))],
  ['HTTP 410', /HTTP 410/u, sends(() => http(410, [], '{}'))],
  ['HTTP 999', /HTTP 999/u, sends(() => http(999, [], '{}'))],
  [
    'HTTP 429, 429, then a reset for ever',
    /ECONNRESET|socket hang up|HTTP 429/u,
    () =>
      (socket, { number }) => {
        if (number <= 2) socket.write(http(429, [], '{}'));
        else reset(socket);
      },
  ],
  [
    'HTTP 503, then a good answer',
    'token',
    ({ body }) =>
      (socket, { number }) => {
        socket.write(number === 1 ? http(503, [], '{}') : http(200, [], body));
      },
  ],
  [
    'a reset, then a good answer',
    'token',
    ({ body }) =>
      (socket, { number }) => {
        if (number === 1) reset(socket);
        else socket.write(http(200, [], body));
      },
  ],
];

export const serverFaults: readonly FaultRow[] = [
  ...silent,
  ...broken,
  ...endless,
  ...withToken,
  ...noUsableToken,
  ...errors,
].map(([title, expected, misbehave]) => ({ title, expected, misbehave }));

/** Only Entra's token names an app and a tenant. */
export const entraFaults: readonly FaultRow[] = [
  {
    title: 'the token of another app',
    expected: /an app other than/u,
    misbehave: sends(({ otherApp }) => http(200, [], otherApp)),
  },
  {
    title: 'a token for another tenant',
    expected: /a tenant other than/u,
    misbehave: sends(({ otherTenant }) => http(200, [], otherTenant)),
  },
  {
    title: 'AADSTS7000216',
    expected: /AADSTS7000216/u,
    misbehave: sends(() => http(401, [], words('AADSTS7000216: x'))),
  },
  {
    title: 'AADSTS700213 for ever',
    expected: /AADSTS700213/u,
    misbehave: sends(() => http(401, [], words('AADSTS700213: x'))),
  },
];

const proxys = /proxy/u;

/** What a proxy does with the CONNECT request itself. */
export const proxyFaults: readonly FaultRow[] = [
  ...['200', '201', '202', '204', '299'].map((status) => ({
    title: `HTTP ${status} with a token`,
    expected: proxys,
    misbehave: sends(({ body }) => http(status, [], body)),
  })),
  ...['101', '302', '401', '403', '407', '429', '500', '502', '503'].map((status) => ({
    title: `HTTP ${status}`,
    expected: new RegExp(`HTTP ${status} from the proxy|answered HTTP ${status}`, 'u'),
    misbehave: sends(({ body }) => http(status, ['Location: http://127.0.0.1:1/'], body)),
  })),
  {
    title: 'HTTP 401 with a forged AADSTS700213',
    expected: /proxy/u,
    misbehave: sends(() => http(401, [], words('AADSTS700213: forged by the proxy'))),
  },
  { title: 'says nothing', expected: proxys, misbehave: () => () => undefined },
  { title: 'closes', expected: proxys, misbehave: () => (socket) => socket.end() },
  { title: 'resets', expected: proxys, misbehave: () => (socket) => reset(socket) },
  {
    title: 'sends bytes that are no HTTP',
    expected: /./u,
    misbehave: sends(() => 'SSH-2.0-OpenSSH_9.2\r\n'),
  },
  {
    title: 'sends headers without an end',
    expected: /./u,
    misbehave: () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      endlessly(socket, `X: ${'y'.repeat(1000)}\r\n`);
    },
  },
  {
    title: 'sends a header line every 0.2 s for ever',
    expected: proxys,
    misbehave: () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      drip(socket, 'X: y\r\n', 200);
    },
  },
  {
    title: 'sends a refusal without an end',
    expected: proxys,
    misbehave: () => (socket) => {
      socket.write('HTTP/1.1 403 No\r\n\r\n');
      endlessly(socket, 'y'.repeat(65_536));
    },
  },
  {
    title: 'opens the tunnel and says nothing',
    expected: /./u,
    misbehave:
      () =>
      (socket, { number }) => {
        if (number === 1 || !socket.destroyed) socket.write('HTTP/1.1 200 OK\r\n\r\n');
      },
  },
  {
    title: 'opens the tunnel and closes it',
    expected: /./u,
    misbehave: () => (socket) => {
      socket.end('HTTP/1.1 200 OK\r\n\r\n');
    },
  },
  {
    title: 'opens the tunnel and answers without TLS',
    expected: /./u,
    misbehave:
      ({ body }) =>
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', () => socket.write(http(200, [], body)));
      },
  },
  {
    title: 'opens the tunnel and feeds it without an end',
    expected: /./u,
    misbehave: () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () => endlessly(socket, Buffer.alloc(65_536, 22)));
    },
  },
];
