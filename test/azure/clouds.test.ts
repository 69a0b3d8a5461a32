import { describe, expect, test } from '@jest/globals';
import { cloudOfAuthorityHost, clouds, cloudsWithoutPreset, findCloud } from '../../src/azure/clouds.ts';

describe('every cloud', () => {
  test.each([
    [
      'public',
      'https://login.microsoftonline.com',
      'api://AzureADTokenExchange',
      'public',
      'AzureCloud',
      'AzureCloud',
    ],
    [
      'usgovernment',
      'https://login.microsoftonline.us',
      'api://AzureADTokenExchangeUSGov',
      'usgovernment',
      'AzureUSGovernment',
      'AzureUSGovernment',
    ],
    [
      'china',
      'https://login.partner.microsoftonline.cn',
      'api://AzureADTokenExchangeChina',
      'china',
      'AzureChinaCloud',
      'AzureChinaCloud',
    ],
  ] as const)('%s', (name, authorityHost, audience, terraform, azureCli, powershell) => {
    expect(clouds[name]).toMatchObject({ name, authorityHost, audience, terraform, azureCli, powershell });
    for (const text of [name, name.toUpperCase(), azureCli, azureCli.toLowerCase()]) {
      expect(findCloud(text)).toBe(clouds[name]);
    }
  });

  test.each(['', 'azure', 'Public Cloud', 'germany', 'AzureGermanCloud', ' public'])(
    '"%s" is none',
    (text) => {
      expect(findCloud(text)).toBeUndefined();
    },
  );
});

describe('the cloud of a sign-in host', () => {
  test.each([
    ['https://login.microsoftonline.com', 'public'],
    ['https://login.windows.net', 'public'],
    ['https://login.microsoft.com', 'public'],
    ['https://sts.windows.net', 'public'],
    ['https://login.microsoftonline.us', 'usgovernment'],
    ['https://login.usgovcloudapi.net', 'usgovernment'],
    ['https://login.partner.microsoftonline.cn', 'china'],
    ['https://login.chinacloudapi.cn', 'china'],
  ] as const)('%s: %s', (host, name) => {
    expect(cloudOfAuthorityHost(host)).toEqual({ kind: 'preset', cloud: clouds[name] });
  });

  test.each([
    ['https://login.sovcloud-identity.fr', 'France (Bleu)', 'api://AzureADTokenExchangeFrance'],
    ['https://login.sovcloud-identity.de', 'Germany (Delos)', 'api://AzureADTokenExchangeGermany'],
    ['https://login.sovcloud-identity.sg', 'Singapore', 'api://AzureADTokenExchangeGovSG'],
    ['https://login.microsoftonline.eaglex.ic.gov', 'US Nat', 'api://AzureADTokenExchangeUSNat'],
    ['https://login.microsoftonline.microsoft.scloud', 'US Sec', 'api://AzureADTokenExchangeUSSec'],
  ])('%s: %s', (host, title, audience) => {
    expect(cloudOfAuthorityHost(host)).toEqual({ kind: 'without-preset', title, audience });
  });

  test('there are no more', () => {
    expect(cloudsWithoutPreset).toHaveLength(5);
    expect(
      Object.values(clouds).flatMap((cloud) => [cloud.authorityHost, ...cloud.authorityAliases]),
    ).toHaveLength(8);
  });

  test.each([
    'https://login.example',
    'https://login.microsoftonline.com.example',
    'https://login.microsoftonline.com/',
  ])('%s is unknown', (host) => {
    expect(cloudOfAuthorityHost(host)).toBeUndefined();
  });
});
