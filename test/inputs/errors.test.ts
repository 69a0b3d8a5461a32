import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InputError, StepDeclined, showValue } from '../../src/inputs/errors.ts';

describe('a value for a message', () => {
  test.each([
    'contoso',
    'my app',
    'https://graph.microsoft.com/User.Read',
    '11111111-2222-3333-4444-555555555555',
    'AzureUSGovernment',
    'A-B = arm',
    '# comment',
    '',
    'Jürgen',
    // Twelve characters that are no words are an ID at most.
    'a1b2c3d4e5f6',
  ])('%s is quoted, unchanged', (value) => {
    expect(showValue(value)).toBe(`"${value}"`);
  });

  test.each([
    [
      '{"clientId":"x","clientSecret":"Ab18Q~dEfGhIj"}',
      'a JSON object of 47 characters; did you mean its clientId?',
    ],
    ['{"a":"x~"}', 'a JSON object of 10 characters'],
    ['-----BEGIN PRIVATE KEY-----\nMII', 'a certificate or key of 31 characters'],
    [`eyJ${'a1'.repeat(20)}`, 'a token of 43 characters'],
    ['one\ntwo\nthree', '3 lines, 13 characters'],
    ['Ab18Q~dEfGhIjKlMnOpQrStUvWxYz0123456789_a', '41 characters'],
    ['0123456789abcdef0123456789abcdef', '32 characters'],
    // A password can be short, with its parts between words or without.
    ['a1b2c3d4e5f6g', '13 characters'],
    ['q1W8eR5tY2uI9oP3', '16 characters'],
    ['vault/a1b2c3d4-e5f6g7h8', '23 characters'],
    ['~', '1 character'],
    [`11111111-2222-3333-4444-555555555555\t`, 'a GUID'],
    ['a\u0000b', '3 characters'],
    ['a\u200bb', '3 characters'],
    ['a%0Ab', '5 characters'],
    ['x '.repeat(60), '120 characters'],
  ])('%j is described', (value, shape) => {
    expect(showValue(value)).toBe(`The value (${shape})`);
  });

  test('a secret of Entra or a random key never appears', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
    const random = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 30, maxLength: 200 });
    fc.assert(
      fc.property(random, fc.constantFrom('', '8Q~', '==', '\n'), (key, more) => {
        // Letters alone are a word to a reader, however unlikely.
        fc.pre(/[0-9]/u.test(key));
        expect(showValue(key + more)).not.toContain(key);
      }),
    );
  });

  test('it is one line, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(showValue(value)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
    );
  });
});

test('an input error names its inputs, the problem and what is expected', () => {
  const error = new InputError('client-id', 'It is wrong.', 'Use another.');
  expect(error).toMatchObject({
    name: 'InputError',
    code: 'input',
    message: 'It is wrong.',
    detail: { inputs: ['client-id'], problem: 'It is wrong.', expected: 'Use another.' },
  });
  expect(new InputError(['login', 'export'], '', '').detail.inputs).toEqual(['login', 'export']);
});

test('a declined step says why', () => {
  expect(new StepDeclined('fork', 'words')).toMatchObject({ code: 'fork', detail: 'words' });
  expect(new StepDeclined('tls-verification-off')).toMatchObject({
    detail: '',
    message: 'TLS verification is off',
  });
});
