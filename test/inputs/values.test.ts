import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../src/inputs/errors.ts';
import { guid, identityResourceId, listOf, seconds, tenant, trueOrFalse } from '../../src/inputs/values.ts';

const id = 'ABCDEF11-2222-3333-4444-555555555555';

/** What an input error says, in its parts. */
function errorOf(action: () => unknown): object {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.detail;
    throw error;
  }
  throw new Error('no error');
}

describe('a GUID', () => {
  test('is read in lower case', () => {
    expect(guid('client-id', id, 'the ID')).toBe('abcdef11-2222-3333-4444-555555555555');
  });

  test.each([
    ['', 'It is required, and no value was given.'],
    ['x', '"x" is not a GUID.'],
  ])('"%s" is none', (value, problem) => {
    expect(errorOf(() => guid('client-id', value, 'the app’s ID'))).toEqual({
      inputs: ['client-id'],
      problem,
      expected: 'Use the app’s ID, such as 11111111-2222-3333-4444-555555555555.',
    });
  });
});

describe('a tenant', () => {
  const label = 'a'.repeat(63);
  const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`;

  test.each([id, 'contoso.com', 'a.bc', 'x-1.contoso.c-m', '1.contoso.com', `${label}.com`, longest])(
    '%s',
    (value) => {
      expect(tenant(value)).toBe(value.toLowerCase());
    },
  );

  test.each([
    'contoso',
    'a.b',
    '.contoso.com',
    'contoso.com.',
    'contoso..com',
    '-a.contoso.com',
    'a-.contoso.com',
    'contoso.-om',
    'contoso.co-',
    'contoso.1om',
    'conto_so.com',
    'contoso.com/x',
    'https://contoso.com',
    `${label}a.com`,
    `contoso.${label}a`,
    `${longest}a`,
    `${id}0`,
  ])('%s is none', (value) => {
    expect(errorOf(() => tenant(value))).toEqual({
      inputs: ['tenant-id'],
      problem: expect.stringMatching(/ is neither a GUID nor a domain name\.$/u),
      expected: 'Use the directory (tenant) ID, or one of its domain names such as contoso.onmicrosoft.com.',
    });
  });

  test.each([
    ['', 'It is required, and no value was given.'],
    ['COMMON', '"COMMON" does not name one tenant.'],
    ['organizations', '"organizations" does not name one tenant.'],
    ['consumers', '"consumers" does not name one tenant.'],
  ])('"%s" is none: %s', (value, problem) => {
    expect(errorOf(() => tenant(value))).toEqual({
      inputs: ['tenant-id'],
      problem,
      expected: 'Use the directory (tenant) ID, or one of its domain names such as contoso.onmicrosoft.com.',
    });
  });
});

describe('a resource ID', () => {
  const path = (group: string, name: string, subscription = id): string =>
    `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

  test.each([
    path('g', 'abc'),
    path('g'.repeat(90), 'a'.repeat(128)),
    path('my.group_(1)', 'A-b_9').toUpperCase(),
  ])('%s', (value) => {
    expect(identityResourceId(value)).toBe(value);
  });

  test.each([
    '',
    'abc',
    path('g', 'ab'),
    path('g', 'a'.repeat(129)),
    path('g', 'a.b.c'),
    path('', 'abc'),
    path('g'.repeat(91), 'abc'),
    path('a b', 'abc'),
    path('a/b', 'abc'),
    path('g', 'abc', id.slice(1)),
    path('g', 'abc', `${id}0`),
    path('g', 'abc', 'z'.repeat(36)),
    ` ${path('g', 'abc')}`,
    `${path('g', 'abc')}/`,
    path('g', 'abc').replace('ManagedIdentity', 'ManagedXIdentity'),
    path('g', 'abc').replace('Microsoft.', 'Microsoft-'),
  ])('"%s" is none', (value) => {
    expect(errorOf(() => identityResourceId(value))).toEqual({
      inputs: ['managed-identity-resource-id'],
      problem: expect.stringMatching(/ is not the resource ID of a user-assigned managed identity\.$/u),
      expected:
        'Use /subscriptions/<ID>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>. To print it: az identity show --query id.',
    });
  });
});

describe('a list', () => {
  const known = ['one', 'two'] as const;

  test.each<readonly [string, readonly string[]]>([
    ['', []],
    [' , \n', []],
    ['one', ['one']],
    [' TWO ,one\n\ntwo', ['two', 'one']],
  ])('%j: %j', (text, values) => {
    expect(listOf('export', text, known)).toEqual(values);
  });

  test.each([
    ['three', '"three" is not one of its values.'],
    ['one three', '"one three" is not one of its values.'],
    ['one TWO', '"one TWO" has spaces between its values.'],
    ['one  two', '"one  two" has spaces between its values.'],
  ])('"%s": %s', (text, problem) => {
    expect(errorOf(() => listOf('export', text, known))).toEqual({
      inputs: ['export'],
      problem,
      expected: 'Use one or more of one, two, separated by commas or on lines of their own.',
    });
  });
});

describe('true or false', () => {
  test.each([
    ['true', true],
    ['True', true],
    ['false', false],
    ['FALSE', false],
    ['', false],
  ])('"%s"', (text, expected) => {
    expect(trueOrFalse('allow-fork-pull-requests', text)).toBe(expected);
  });

  test.each(['xtrue', 'truex', 'xfalse', 'falsex', '0', ' '])('"%s" is neither', (text) => {
    expect(errorOf(() => trueOrFalse('allow-fork-pull-requests', text))).toEqual({
      inputs: ['allow-fork-pull-requests'],
      problem: `"${text}" is neither true nor false.`,
      expected: 'Use true or false.',
    });
  });
});

describe('seconds', () => {
  test.each([
    ['10', 10],
    ['200', 200],
    ['', 120],
    ['000000015', 15],
  ])('"%s": %i', (text, value) => {
    expect(seconds('timeout-seconds', text, 10, 200)).toBe(value);
  });

  test.each([
    ['9', '"9"'],
    ['201', '"201"'],
    ['0000000015', 'The value (10 characters)'],
    ['x15', 'The value (3 characters)'],
    ['15x', '"15x"'],
    ['15.0', '"15.0"'],
    ['1_5', 'The value (3 characters)'],
  ])('"%s" is an error', (text, shown) => {
    expect(errorOf(() => seconds('timeout-seconds', text, 10, 200))).toEqual({
      inputs: ['timeout-seconds'],
      problem: `${shown} is not a whole number from 10 to 200.`,
      expected: 'Use a number in this range, or omit the input to use 120 seconds.',
    });
  });
});
