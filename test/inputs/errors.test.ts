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
    'grpah',
    'key vault',
    'az-cli',
    'GRAPH_TOKEN = grahp',
    '3601',
    '-5',
    '1.5',
    '10 minutes',
    '10m',
    // A character too few, and one too many.
    '11111111-2222-3333-4444-55555555555',
    '11111111-2222-3333-4444-5555555555555',
    'https://login.microsoftonline.com/common/v2.0',
    'api://11111111-2222-3333-4444-555555555555',
    'http://login.microsoftonline.com',
    'https://graph.microsoft.com/.default offline_access',
  ])('%s is quoted, unchanged', (value) => {
    expect(showValue(value)).toBe(`"${value}"`);
  });

  test.each([
    [
      '{"clientId":"x","clientSecret":"Ab18Q~dEfGhIj"}',
      'a JSON object of 47 characters; did you mean its clientId?',
    ],
    ['{"a":"x~"}', 'a JSON object of 10 characters'],
    // Nothing in these looks random: a JSON, or a line of one, is never quoted.
    ['{"password":"correct horse"}', 'a JSON object of 28 characters'],
    ['"password": "correct horse",', '28 characters'],
    ['password: horse}', '16 characters'],
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

  test.each([
    // Generated passwords, keys and recovery codes.
    '9DOcFZ41hNW.*)34',
    '3-GsdMA!ZxDT',
    'Summer2026!',
    'hunter2',
    'GsdMA-ZxDT',
    'correct horse battery staple',
    'abcd efgh ijkl mnop',
    'J4NS-55J3-DAQL-QGBF-BSE6-98JH',
    'e6:bd:e8:c1:f6:88:d2:6a:55:48:3a:e9:77:87:96:82',
    '6f8a1c2b-77aa-4c',
    '482 913 556',
    '4829135561',
    // Tokens of other services.
    'xoxb-1196567198-P44arVXe',
    'npm_abcdefghijklmnopqrstuvwxyz0123456789',
    'glpat-Ab1cD2eF3gH4iJ5kL6mN',
    'AKIAIOSFODNN7EXAMPLE',
    'Xy78Q~Ab1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uVwX',
    'abcdefghijklmnopqrstuvwxyz',
    // An address with a user, a password or a query.
    'https://user:secret@login.example',
    'user:pass@db',
    'someone@contoso.example',
    'https://x.example/?sig=abc&se=x',
    'pass$word',
    'pass&word',
    'pa%73s',
  ])('%s is not quoted, and no part of it', (value) => {
    const text = showValue(value);
    expect(text).toMatch(/^The value \(\d+ characters\)$/u);
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
