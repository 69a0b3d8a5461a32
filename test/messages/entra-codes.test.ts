import { describe, expect, test } from '@jest/globals';
import { classifyAnswer } from '../../src/exchange/answers.ts';
import { entraCodeRow, entraCodes } from '../../src/exchange/entra-codes.ts';
import {
  causeAndFix,
  contextFor,
  describeRequest,
  entraFailure,
  everything,
  expectWellFormed,
  labelledHosts,
} from './message-context.ts';

type Expected = readonly [codes: string, cause: RegExp, fix: RegExp, retry?: 'trust' | 'transient'];

/** What a user must learn from each code, written down here a second time: a row that changes its meaning fails. */
const expected: readonly Expected[] = [
  ['70021 700211 700212 700213', /no federated identity credential that matches/u, /command below/u, 'trust'],
  ['70025', /has no federated identity credential\./u, /Create the credential/u, 'trust'],
  ['7002206', /audience of a different cloud/u, /Set (cloud) \(or audience\)/u],
  ['700222 700236', /different tenants/u, /own tenant.*az ad sp create --id d3b10700/u],
  ['700226', /only a managed identity’s token/u, /user-assigned managed identity/u],
  ['700227', /does not allow this audience.*sts\.windows\.net/u, /v2\.0 issuer/u],
  ['700229', /app-only tokens/u, /user-assigned managed identity/u],
  ['700231', /chained federation/u, /federated-?token-?file/iu],
  ['700223 700238', /policy of tenant c0470505/u, /administrator.*allow the issuer https/u],
  ['700016', /does not exist in tenant c0470505/u, /Check client-?id.*az ad sp create/iu],
  ['700038', /not a valid application ID/u, /az ad app list/u],
  ['7000229', /no service principal in tenant/u, /az ad sp create --id d3b10700/u],
  ['650059 50194 50020', /single-tenant/u, /Set tenant-?id to the app’s own tenant.*AzureADMultipleOrgs/iu],
  ['7000112 7000111', /disabled/u, /accountEnabled=true/u],
  ['90002 900021 900023', /does not know tenant/u, /Check tenant-?id/iu],
  ['900382 900432 90038', /belongs to a different cloud/u, /Set cloud to/u],
  ['500011 500014 50001', /no service principal in tenant/u, /Check the spelling of the scope/u],
  ['501051', /one of its app roles/u, /Assign an app role/u],
  ['70011 1002012 700022 700023 28002 901002', /malformed|several resources/u, /one resource per line/u],
  ['700024 500133', /not valid yet, or it has expired/u, /clock \(timedatectl status\)/u],
  ['700027 50013 50027', /could not verify/u, /no proxy rewrites/u],
  ['7000218 7000216 900144', /parameter was missing/u, /trace ID/u],
  ['50166 501661', /signing keys/u, /reached from the internet/u],
  ['7000215 7000222 9002313', /recognize the client assertion/u, /trace ID/u],
  [
    '82001 82002 82008',
    /is an agent identity blueprint/u,
    /Set agent-?identity-?id to the client ID of one of its agent identities/iu,
  ],
  ['53003 530032 530035', /Conditional Access/u, /egress IP/u],
  ['50196', /too often/u, /Wait a few minutes/u],
  [
    '90033 90006 90012 90024 90055 50033 90090',
    /temporarily unavailable/u,
    /status\.azure\.com/u,
    'transient',
  ],
  ['100007', /regional token endpoint/u, /Unset AZURE_REGIONAL_AUTHORITY_NAME/u],
];
const cases = expected.flatMap(([codes, cause, fix, retry]) =>
  codes.split(' ').map((code) => ({ code, cause, fix, retry })),
);

test('every code of the table is expected here, once, and none is missing', () => {
  const inTable = entraCodes.flatMap((row) => row.codes);
  expect([...inTable].sort()).toEqual(cases.map(({ code }) => code).sort());
  expect(new Set(inTable).size).toBe(inTable.length);
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('AADSTS$code has a cause, a fix and Entra’s own words', ({ code, cause, fix, retry }) => {
    const failure = entraFailure(code);
    const text = describeRequest(failure, contextFor(host));
    expectWellFormed(text, host);
    const all = everything(text);
    expect(all).toContain(
      `login.microsoftonline.com answered HTTP 400 invalid_request: AADSTS${code}: Words of Entra’s own.`,
    );
    expect(all).toContain(
      'trace ID 1111aaaa-0000-4000-8000-000000000001, correlation ID 2222bbbb-0000-4000-8000-000000000002, time 2026-01-02 03:04:05Z',
    );
    expect(all).not.toContain('Trace ID:');
    const found = causeAndFix(text);
    expect(found.cause).toMatch(cause);
    expect(found.fix).toMatch(fix);
    expect(text.error).toContain(`AADSTS${code}`);
    expect(text.error).toContain('Cause: ');
    expect(text.error).toContain('Fix: ');
    // Whether it is tried again is part of the row, and part of what the answer is taken for.
    expect(entraCodeRow([code])?.retry).toBe(retry);
    const body = JSON.stringify({ error_description: `AADSTS${code}: x` });
    const answer = classifyAnswer('entra', 'login.microsoftonline.com', { status: 400, body });
    expect(answer).toMatchObject({ kind: 'failure' });
    expect('reason' in answer ? answer.reason : undefined).toBe(retry);
  });

  test('an unknown code leads to the page where codes are looked up', () => {
    const text = describeRequest(entraFailure('987654'), contextFor(host));
    expectWellFormed(text, host);
    expect(text.error).toContain(
      'Fix: Look up the code: https://login.microsoftonline.com/error?code=987654',
    );
  });
});

test('Entra appends digits to a code: the longest prefix in the table decides', () => {
  expect(entraCodeRow(['70001123'])?.codes).toContain('7000112');
  expect(entraCodeRow(['7002138'])?.codes).toContain('700213');
  expect(entraCodeRow(['7002206'])?.codes).toEqual(['7002206']);
  expect(entraCodeRow(['700229'])?.codes).toEqual(['700229']);
});

test('the code in Entra’s words counts before the codes in its list', () => {
  const body = JSON.stringify({ error_description: 'AADSTS7000112: x', error_codes: [700016] });
  expect(classifyAnswer('entra', 'x', { status: 400, body })).toMatchObject({
    failure: { response: { codes: ['7000112', '700016'] } },
  });
});

test('on Windows a clock is checked with the command of Windows', () => {
  const [host] = labelledHosts;
  if (host === undefined) throw new Error('no host');
  const text = describeRequest(entraFailure('700024'), contextFor(host, { windows: true }));
  expect(causeAndFix(text).fix).toContain('w32tm /query /status');
  expect(everything(text)).not.toContain('timedatectl');
});
