import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assertionClaims, expiryClaim, isGuid, readClaims, textClaim } from '../../src/exchange/claims.ts';

const tokenWith = (claims: unknown): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

test('the claims of a token are read without judging them', () => {
  const claims = { iss: 'i', exp: 1, nested: { a: [1] }, name: 'Jürgen 🙂' };
  expect(readClaims(tokenWith(claims))).toEqual(claims);
});

test.each([
  '',
  'opaque',
  'a.',
  'a.b',
  'a.!!.c',
  tokenWith([]),
  tokenWith(null),
  tokenWith('text'),
  tokenWith(7),
])('"%s" has no readable claims', (token) => {
  expect(readClaims(token)).toBeUndefined();
  expect(assertionClaims(token)).toEqual({});
  expect(expiryClaim(token)).toBeUndefined();
});

test('the first named claim that is a text counts', () => {
  const claims = { a: '', b: 7, c: 'c', d: 'd' };
  expect(textClaim(claims, 'a', 'b', 'x', 'c', 'd')).toBe('c');
  expect(textClaim(claims, 'a', 'b')).toBeUndefined();
  expect(textClaim(undefined, 'a')).toBeUndefined();
});

test('the claims of an assertion that messages and the trust need', () => {
  const claims = {
    iss: 'issuer',
    sub: 'subject',
    aud: 'audience',
    tid: 'tenant',
    azp: 'azp',
    xms_mirid: 'mirid',
  };
  expect(assertionClaims(tokenWith(claims))).toEqual({
    issuer: 'issuer',
    subject: 'subject',
    audience: 'audience',
    tenantId: 'tenant',
    clientId: 'azp',
    resourceId: 'mirid',
  });
  // Strictly: a claim that is missing is no property.
  expect(assertionClaims(tokenWith({ appid: 'appid', sub: 7 }))).toStrictEqual({ clientId: 'appid' });
});

describe('the expiry', () => {
  test('is the exp claim', () => {
    expect(expiryClaim(tokenWith({ exp: 4102444800 }))).toEqual(new Date('2100-01-01T00:00:00Z'));
  });
  test.each([0, -1, '4102444800', 253_402_300_799, 1e300, null])('%j is not one', (exp) => {
    expect(expiryClaim(tokenWith({ exp }))).toBeUndefined();
  });
});

test.each([
  ['11111111-2222-3333-4444-555555555555', true],
  ['AAAAAAAA-bbbb-CCCC-dddd-EEEEEEEEEEEE', true],
  ['11111111222233334444555555555555', false],
  ['{11111111-2222-3333-4444-555555555555}', false],
  ['11111111-2222-3333-4444-55555555555g', false],
  ['11111111-2222-3333-4444-555555555555\n', false],
  [' 11111111-2222-3333-4444-555555555555', false],
  ['', false],
])('%j is a GUID: %s', (text, expected) => {
  expect(isGuid(text)).toBe(expected);
});

test('no token makes the reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.jsonValue().map(tokenWith)), (token) => {
      assertionClaims(token);
      expect(Number.isNaN((expiryClaim(token) ?? new Date(0)).getTime())).toBe(false);
    }),
  );
});
