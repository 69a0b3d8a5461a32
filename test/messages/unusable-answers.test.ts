import { describe, expect, test } from '@jest/globals';
import { agentIdentityIds, clientIds, tenantIds } from '../../emulator/default-world.ts';
import { classifyAnswer } from '../../src/exchange/answers.ts';
import type { RequestFailure, UnusableAnswer } from '../../src/exchange/errors.ts';
import { unusableAnswers } from '../../src/messages/unusable-answers.ts';
import {
  causeAndFix,
  contextFor,
  describeRequest,
  entraHost,
  everything,
  expectWellFormed,
  failureOf,
  imdsHost,
  labelledHosts,
} from './message-context.ts';

const token = { access_token: 'eyJhbGciOiJub25lIn0.e30.c2ln', token_type: 'Bearer' };
const good = { ...token, expires_in: 3599 };
const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';
/** Found out only after the answer was read. */
const later = (leg: 'entra' | 'identity', reason: UnusableAnswer, found: string): RequestFailure => ({
  kind: 'unusable-answer',
  leg,
  host: leg === 'entra' ? entraHost : imdsHost,
  status: 200,
  reason,
  found,
});
const redirect = { location: 'https://evil.example/' };

const cases: readonly (readonly [
  title: string,
  failure: () => RequestFailure,
  reason: UnusableAnswer,
  cause: RegExp,
  fix: RegExp,
])[] = [
  [
    'a web page from Entra',
    () => failureOf('entra', 200, page),
    'html',
    /returned a web page instead of a token/u,
    /captive portal/u,
  ],
  [
    'a web page from the identity endpoint',
    () => failureOf('identity', 200, page),
    'html',
    /web page instead/u,
    /captive portal/u,
  ],
  [
    'a web page with status 403',
    () => failureOf('entra', 403, page),
    'html',
    /web page instead/u,
    /captive portal/u,
  ],
  [
    'truncated JSON from Entra',
    () => failureOf('entra', 200, '{"access_token":"ey'),
    'not-json',
    /not valid JSON/u,
    /Run the job again/u,
  ],
  [
    'truncated JSON from the identity endpoint',
    () => failureOf('identity', 200, '{"acc'),
    'not-json',
    /not valid JSON/u,
    /Run the job again/u,
  ],
  ['an array', () => failureOf('entra', 200, []), 'not-json', /not valid JSON/u, /Run the job again/u],
  ['an empty body', () => failureOf('entra', 200, ''), 'not-json', /not valid JSON/u, /Run the job again/u],
  [
    'a body of more than 1 MB',
    () => failureOf('entra', 200, '', { cut: true }),
    'too-large',
    /more than 1 MB/u,
    /which proxy or service/u,
  ],
  [
    'a redirect by Entra',
    () => failureOf('entra', 302, '', redirect),
    'redirect',
    /never follows a redirect/u,
    /which proxy redirects/u,
  ],
  [
    'a redirect that keeps the method',
    () => failureOf('entra', 307, '', redirect),
    'redirect',
    /never follows/u,
    /which proxy/u,
  ],
  [
    'a redirect by the identity endpoint',
    () => failureOf('identity', 302, '', redirect),
    'redirect',
    /never follows/u,
    /which proxy/u,
  ],
  [
    'status 201 with a token',
    () => failureOf('entra', 201, good),
    'status',
    /success status that a token response never has/u,
    /which proxy or service/u,
  ],
  [
    'status 204 with a token',
    () => failureOf('entra', 204, good),
    'status',
    /success status/u,
    /which proxy or service/u,
  ],
  [
    'status 201 from the identity endpoint',
    () => failureOf('identity', 201, { ...token, expires_on: '4102444800' }),
    'status',
    /success status/u,
    /which proxy/u,
  ],
  [
    'a compressed body',
    () => failureOf('entra', 200, '\u001f', { encoding: 'gzip' }),
    'encoded',
    /an encoded answer \(gzip\)/u,
    /which proxy or firewall/u,
  ],
  [
    'a token of one character',
    () => failureOf('entra', 200, { ...good, access_token: 'e' }),
    'token-size',
    /a token of 1 characters/u,
    /which proxy or service/u,
  ],
  [
    'an enormous token',
    () =>
      failureOf('identity', 200, { ...token, access_token: 'e'.repeat(900_000), expires_on: '4102444800' }),
    'token-size',
    /a token of 900000 characters/u,
    /which proxy or service/u,
  ],
  [
    'a token that needs a key',
    () => failureOf('entra', 200, { ...good, token_type: 'pop' }),
    'not-bearer',
    /a token of type pop/u,
    /which proxy or service/u,
  ],
  [
    'no token from Entra',
    () => failureOf('entra', 200, { token_type: 'Bearer', expires_in: 1 }),
    'no-token',
    /without a token/u,
    /which proxy or firewall/u,
  ],
  [
    'no token from the identity endpoint',
    () => failureOf('identity', 200, { expires_on: '4102444800' }),
    'no-token',
    /without a token/u,
    /which proxy/u,
  ],
  [
    'a token that is a number',
    () => failureOf('entra', 200, { ...good, access_token: 7 }),
    'no-token',
    /without a token/u,
    /which proxy/u,
  ],
  [
    'a token with a line break',
    () => failureOf('entra', 200, { ...good, access_token: 'a\nb' }),
    'no-token',
    /without a token/u,
    /which proxy/u,
  ],
  [
    'no expires_on from the identity endpoint',
    () => failureOf('identity', 200, { ...token, expires_in: '3599' }),
    'no-expiry',
    /without a valid expiry/u,
    /which proxy/u,
  ],
  [
    'no expires_in from Entra',
    () => failureOf('entra', 200, { ...token, expires_on: '4102444800' }),
    'no-expiry',
    /without a valid expiry/u,
    /which proxy/u,
  ],
  ...[[3600], true, 0.5, 0, -1, '1.5', 'soon', {}, null, 1e12].map(
    (expires_in) =>
      [
        `expires_in ${JSON.stringify(expires_in)}`,
        () => failureOf('entra', 200, { ...token, expires_in }),
        'no-expiry',
        /without a valid expiry/u,
        /which proxy/u,
      ] as const,
  ),
  [
    'the machine’s system-assigned identity',
    () => later('identity', 'system-assigned', '/subscriptions/x/virtualMachines/v'),
    'system-assigned',
    /returned its system-assigned identity/u,
    /az identity create.*az vm identity assign/u,
  ],
  [
    'an old token',
    () => later('entra', 'expired', '1970-01-01T00:16:40.000Z'),
    'expired',
    /expired at 1970-01-01T00:16:40\.000Z/u,
    /clock \(timedatectl status\)/u,
  ],
  [
    'the token of another identity',
    () => later('identity', 'other-identity', clientIds.multitenant),
    'other-identity',
    /an identity other than the selected one/u,
    /in place of this machine’s identity endpoint/u,
  ],
  [
    'a token for another resource',
    () => later('entra', 'other-resource', 'https://graph.microsoft.com'),
    'other-resource',
    /another resource than https:\/\/management\.azure\.com/u,
    /Do not trust the server/u,
  ],
  [
    'the token of another app',
    () => later('entra', 'other-app', clientIds.multitenant),
    'other-app',
    /an app other than d3b10700-2222-4000-8000-000000000001/u,
    /Do not trust the server/u,
  ],
  [
    'a token for another tenant',
    () => later('entra', 'other-tenant', tenantIds.fabrikam),
    'other-tenant',
    /a tenant other than c0470505/u,
    /Do not trust the server/u,
  ],
  [
    'a blueprint’s token for another agent identity',
    () => later('entra', 'other-agent-identity', agentIdentityIds.elsewhere),
    'other-agent-identity',
    /an agent identity other than a9e17000-5555-4000-8000-000000000001/u,
    /Do not trust the server/u,
  ],
  [
    'a token of another blueprint’s agent identity',
    () => later('entra', 'other-blueprint', clientIds.otherBlueprint),
    'other-blueprint',
    /whose blueprint is not d3b10700-2222-4000-8000-000000000001/u,
    /Do not trust the server/u,
  ],
];

test('every reason of the table is met here', () => {
  expect([...new Set(cases.map(([, , reason]) => reason))].sort()).toEqual(
    Object.keys(unusableAnswers).sort(),
  );
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('%s', (_, make, reason, cause, fix) => {
    const failure = make();
    expect(failure).toMatchObject({ kind: 'unusable-answer', reason });
    const ofAgent = reason === 'other-agent-identity' || reason === 'other-blueprint';
    const given = ofAgent ? { 'agent-identity-id': agentIdentityIds.triage } : {};
    const text = describeRequest(failure, contextFor(host, { given }));
    expectWellFormed(text, host);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
    const status = 'status' in failure ? failure.status : 0;
    expect(everything(text)).toContain(`${failure.host} answered HTTP ${status}.`);
  });

  test('what the answer has instead is shown', () => {
    const shown = (failure: RequestFailure): string => describeRequest(failure, contextFor(host)).error;
    expect(shown(failureOf('entra', 302, '', redirect))).toContain('Found: https://evil.example/');
    expect(shown(failureOf('entra', 200, { token_type: 'Bearer', scope: 'x' }))).toContain(
      'Found: token_type, scope',
    );
    expect(shown(later('entra', 'other-app', clientIds.multitenant))).toContain(
      `Found: ${clientIds.multitenant}`,
    );
  });
});

test.each([200, 201, 204])('only status 200 is a success: %i', (status) => {
  expect(classifyAnswer('entra', entraHost, { status, body: JSON.stringify(good) }).kind).toBe(
    status === 200 ? 'token' : 'failure',
  );
});

test.each([
  ['entra', 3599],
  ['entra', '3599'],
  ['identity', '4102444800'],
  ['identity', 4102444800],
  ['identity', '01/02/2099 03:04:05 +00:00'],
] as const)('%s: the expiry %j is one', (leg, value) => {
  const body = JSON.stringify({ ...token, [leg === 'entra' ? 'expires_in' : 'expires_on']: value });
  expect(classifyAnswer(leg, 'x', { status: 200, body }).kind).toBe('token');
});
