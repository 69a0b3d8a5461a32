import { describe, expect, test } from '@jest/globals';
import { readAuthority } from '../../src/inputs/authority.ts';
import { InputError } from '../../src/inputs/errors.ts';

/** What an input error says, in its parts. */
function errorOf(cloud: string, host: string, audience: string): object {
  try {
    readAuthority(cloud, host, audience);
  } catch (error) {
    if (error instanceof InputError) return error.detail;
    throw error;
  }
  throw new Error('no error');
}

describe('the cloud, the sign-in host and the audience', () => {
  test.each([
    ['', '', '', 'public', 'https://login.microsoftonline.com', 'api://AzureADTokenExchange', false],
    [
      'china',
      '',
      '',
      'china',
      'https://login.partner.microsoftonline.cn',
      'api://AzureADTokenExchangeChina',
      false,
    ],
    // The host's own cloud decides about the audience, unless it is not known.
    [
      '',
      'https://login.microsoftonline.us',
      '',
      'public',
      'https://login.microsoftonline.us',
      'api://AzureADTokenExchangeUSGov',
      true,
    ],
    [
      'china',
      'https://login.example/',
      '',
      'china',
      'https://login.example',
      'api://AzureADTokenExchangeChina',
      true,
    ],
    [
      '',
      'https://LOGIN.windows.net:443',
      '',
      'public',
      'https://login.windows.net',
      'api://AzureADTokenExchange',
      false,
    ],
    ['', 'https://login.example:8443', 'urn:mine', 'public', 'https://login.example:8443', 'urn:mine', true],
  ] as const)('"%s" "%s" "%s"', (cloud, host, audience, name, expectedHost, expectedAudience, foreign) => {
    const authority = readAuthority(cloud, host, audience);
    expect(authority).toMatchObject({
      cloud: { name },
      host: expectedHost,
      audience: expectedAudience,
      foreignToCloud: foreign,
    });
    expect(authority).not.toHaveProperty('cloudWithoutPreset');
  });

  test('a host of a cloud that `cloud` cannot name', () => {
    expect(readAuthority('', 'https://login.sovcloud-identity.fr', '')).toMatchObject({
      cloud: { name: 'public' },
      audience: 'api://AzureADTokenExchangeFrance',
      foreignToCloud: true,
      cloudWithoutPreset: 'France (Bleu)',
    });
  });
});

test('an unknown cloud', () => {
  expect(errorOf('mars', '', '')).toEqual({
    inputs: ['cloud'],
    problem: '"mars" is not a known cloud.',
    expected:
      'Use one of public, usgovernment, china, or the Azure CLI’s names AzureCloud, AzureUSGovernment, AzureChinaCloud. For any other cloud, set {input:authority-host} and use full scopes.',
  });
});

describe('an audience that is none', () => {
  test.each([
    ['api://a b', 'contains white space.'],
    ['api://a\tb', 'contains white space.'],
    ['api://a"b', 'is neither an application ID URI nor a GUID.'],
    ["api://a'b", 'is neither an application ID URI nor a GUID.'],
    ['{a}', 'is neither an application ID URI nor a GUID.'],
    ['<a>', 'is neither an application ID URI nor a GUID.'],
    ['a\\b', 'is neither an application ID URI nor a GUID.'],
    ['a`b', 'is neither an application ID URI nor a GUID.'],
    ['x', 'is neither an application ID URI nor a GUID.'],
    ['api://a%20b', 'is neither an application ID URI nor a GUID.'],
    ['ä', 'is neither an application ID URI nor a GUID.'],
  ])('%s', (audience, words) => {
    expect(errorOf('usgovernment', '', audience)).toEqual({
      inputs: ['audience'],
      problem: expect.stringMatching(new RegExp(` ${words.replace('.', '\\.')}$`, 'u')),
      expected: 'Use one audience, such as api://AzureADTokenExchangeUSGov.',
    });
  });

  test.each(['api://A-z_0.9~:/', '11111111-2222-3333-4444-555555555555'])('%s is one', (audience) => {
    expect(readAuthority('', '', audience).audience).toBe(audience);
  });
});

test.each([
  'http://login.example',
  'ftp://login.example/',
  'login.example',
  'https://login.example/tenant',
  'https://login.example/?a',
  'https://login.example/#a',
  'https://user@login.example',
  'https://:password@login.example',
  'mailto:x',
])('%s is no sign-in host', (host) => {
  expect(errorOf('', host, '')).toEqual({
    inputs: ['authority-host'],
    problem: expect.stringMatching(/ is not an https address without a path\.$/u),
    expected:
      'Use only the sign-in address, such as https://login.microsoftonline.us. The tenant belongs in {input:tenant-id}.',
  });
});
