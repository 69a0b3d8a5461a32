import { describe, expect, test } from '@jest/globals';
import type { CertificateProblem, RequestFailure } from '../../src/exchange/errors.ts';
import { connectionFailures } from '../../src/messages/connection-failures.ts';
import {
  causeAndFix,
  contextFor,
  describeRequest,
  entraHost,
  everything,
  expectWellFormed,
  imdsHost,
  labelledHosts,
} from './message-context.ts';

const proxy = { host: 'proxy.example:3128', setting: 'HTTPS_PROXY' };
const entra = { leg: 'entra', host: entraHost } as const;
const identity = { leg: 'identity', host: imdsHost } as const;
const unreachable = (code: string, more: object = {}) =>
  ({ kind: 'unreachable', code, message: `connect ${code}`, ...more }) as const;
const certificate = (problem: CertificateProblem, code: string): RequestFailure => ({
  ...entra,
  ...unreachable(code),
  certificate: problem,
});

/** One failure for each row, in the table's order, and what a user must learn from it. */
const cases: readonly (readonly [
  failure: RequestFailure,
  said: string,
  cause: RegExp,
  fix: RegExp,
  own?: true,
])[] = [
  [
    { ...entra, ...unreachable('SELF_SIGNED_CERT_IN_CHAIN'), certificate: 'untrusted', proxy },
    'Connection to the proxy proxy.example:3128 failed: SELF_SIGNED_CERT_IN_CHAIN',
    /the proxy proxy\.example:3128 itself shows cannot be verified\. The proxy is set in HTTPS_PROXY/u,
    /NODE_EXTRA_CA_CERTS/u,
  ],
  [
    certificate('expired', 'CERT_HAS_EXPIRED'),
    'CERT_HAS_EXPIRED',
    /clock is wrong, or the certificate has expired/u,
    /clock first \(timedatectl status\)/u,
  ],
  [
    certificate('wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    'ERR_TLS_CERT_ALTNAME_INVALID',
    /for another host/u,
    /Check the address login\.microsoftonline\.com/u,
  ],
  [
    certificate('untrusted', 'SELF_SIGNED_CERT_IN_CHAIN'),
    'SELF_SIGNED_CERT_IN_CHAIN',
    /does not trust the certificate/u,
    /NODE_EXTRA_CA_CERTS.*--sslcacert/u,
  ],
  [
    { ...entra, kind: 'proxy-answer', status: 407, proxy },
    'The proxy proxy.example:3128 answered HTTP 407 in place of',
    /rejected the user name or password \(HTTP 407\)/u,
    /Correct them in HTTPS_PROXY/u,
  ],
  [
    { ...entra, kind: 'proxy-answer', status: 200, proxy },
    'answered HTTP 200',
    /answered the request for a tunnel to login\.microsoftonline\.com itself/u,
    /Make sure that HTTPS_PROXY names an HTTP proxy/u,
  ],
  [
    { ...entra, kind: 'proxy-answer', status: 403, proxy },
    'answered HTTP 403',
    /The answer is the proxy’s, not login/u,
    /Allow login\.microsoftonline\.com on the proxy/u,
  ],
  [
    { ...entra, ...unreachable('ENOTFOUND'), proxy },
    'Connection to the proxy proxy.example:3128 failed: ENOTFOUND',
    /cannot connect to the proxy proxy\.example:3128, which is set in HTTPS_PROXY/u,
    /Correct HTTPS_PROXY/u,
  ],
  [
    { ...entra, kind: 'timed-out', limit: 30_000, proxy },
    'sent no answer within 30 s',
    /No answer came through the proxy/u,
    /raise timeout-?seconds/iu,
  ],
  [
    { ...entra, kind: 'timed-out', limit: 30_000 },
    'sent no answer within 30 s',
    /accepted the connection and did not answer/u,
    /Run the job again.*raise timeout-?seconds/iu,
  ],
  [
    { ...identity, ...unreachable('HPE_INVALID_CONSTANT') },
    'HPE_INVALID_CONSTANT',
    /response from .* is not HTTP/u,
    /service answers at 169/u,
  ],
  [
    { ...identity, ...unreachable('ECONNREFUSED') },
    'ECONNREFUSED',
    /\(IDENTITY_ENDPOINT\)/u,
    /IDENTITY_HEADER/u,
    true,
  ],
  [
    { ...identity, ...unreachable('ECONNRESET') },
    'ECONNRESET',
    /identity endpoint broke/u,
    /restart the machine/u,
  ],
  [
    { ...identity, ...unreachable('ETIMEDOUT') },
    'ETIMEDOUT',
    /not in Azure, or the job’s container cannot reach/u,
    /host’s network/u,
  ],
  [
    { leg: 'registry', host: 'contoso.azurecr.io', ...unreachable('ENOTFOUND') },
    'Connection to contoso.azurecr.io failed: ENOTFOUND',
    /DNS does not know contoso\.azurecr\.io/u,
    /private endpoint/u,
  ],
  [
    { ...entra, ...unreachable('ERR_SSL_WRONG_VERSION_NUMBER') },
    'ERR_SSL_WRONG_VERSION_NUMBER',
    /connected to login\.microsoftonline\.com, but the TLS handshake failed/u,
    /answers as login\.microsoftonline\.com/u,
  ],
  [
    { ...entra, ...unreachable('ECONNRESET') },
    'ECONNRESET',
    /The connection to login\.microsoftonline\.com broke/u,
    /Run the job again.*firewall or proxy closes connections/u,
  ],
  [
    { ...entra, ...unreachable('ENOTFOUND') },
    'Connection to login.microsoftonline.com failed: ENOTFOUND',
    /cannot connect to login/u,
    /Allow this machine to reach https:\/\/login/u,
  ],
];
const ownEndpoint = { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token' };

test('every row of the table has its failure here, and no other row takes it first', () => {
  const rows = cases.map(([failure, , , , own]) =>
    connectionFailures.findIndex(({ applies }) => applies(failure, own === true)),
  );
  expect(rows).toEqual(connectionFailures.map((_, index) => index));
});

describe.each(labelledHosts)('$title', (host) => {
  const named = cases.map(([failure, said, cause, fix, own]) => ({ failure, said, cause, fix, own }));
  test.each(named)('$failure.leg, $failure.kind: $said', ({ failure, said, cause, fix, own }) => {
    const text = describeRequest(failure, contextFor(host, own ? { variables: ownEndpoint } : {}));
    expectWellFormed(text, host);
    expect(everything(text)).toContain(said);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
  });

  test('a used-up time budget is shown with the input’s name and the next try', () => {
    const failure = { ...entra, kind: 'timed-out', limit: 2_000 } as const;
    const more = { attempts: { tries: 3, elapsed: 1_900 }, outOfTime: { budget: 2_000, nextTryIn: 4_000 } };
    const { error } = describeRequest(failure, contextFor(host), more);
    expect(error).toContain(
      `Tried 3 times in 1.9 s. The next try would have been in 4 s, after the end of the time budget of 2 s (${host.inputLabel('timeout-seconds')}).`,
    );
    const once = { attempts: { tries: 1, elapsed: 2_000 }, outOfTime: { budget: 2_000 } };
    expect(describeRequest(failure, contextFor(host), once).error).toMatch(
      /Tried once\. The time budget.*used up\.$/u,
    );
    expect(describeRequest(failure, contextFor(host)).error).not.toContain('Tried');
  });

  test.each(['not-yet-valid', 'expired'] as const)(
    'a certificate that is %s sends to the clock first',
    (problem) => {
      const text = describeRequest(
        certificate(problem, 'CERT_NOT_YET_VALID'),
        contextFor(host, { windows: true }),
      );
      expect(causeAndFix(text).fix).toContain('clock first (w32tm /query /status)');
    },
  );

  test.each(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])('%s from IMDS is a broken connection', (code) => {
    const text = describeRequest({ ...identity, ...unreachable(code) }, contextFor(host));
    expect(causeAndFix(text).cause).toContain('broke');
  });
});
