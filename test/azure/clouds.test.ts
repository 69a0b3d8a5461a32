import { describe, expect, test } from '@jest/globals';
import {
  cloudOfAuthorityHost,
  clouds,
  cloudsWithoutPreset,
  findCloud,
  tenantOfIssuer,
} from '../../src/azure/clouds.ts';

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

describe('the tenant of an issuer', () => {
  const tenant = 'c0470505-1111-4000-8000-000000000001';
  test.each([
    ['public', 'https://login.microsoftonline.com/T/v2.0'],
    ['public', 'https://login.windows.net/T/v2.0'],
    ['public', 'https://sts.windows.net/T/'],
    ['usgovernment', 'https://login.microsoftonline.us/T/v2.0'],
    ['usgovernment', 'https://sts.windows.net/T/'],
    ['china', 'https://login.partner.microsoftonline.cn/T/v2.0'],
    ['china', 'https://login.chinacloudapi.cn/T/v2.0'],
    ['china', 'https://sts.chinacloudapi.cn/T/'],
  ] as const)('%s: %s is one of its own', (name, form) => {
    const issuer = form.replace('T', tenant);
    const { authorityHost } = clouds[name];
    expect(tenantOfIssuer(issuer, { cloud: clouds[name], authorityHost })).toBe(tenant);
    expect(tenantOfIssuer(issuer, { cloud: clouds[name], authorityHost: 'https://127.0.0.1:1' })).toBe(
      tenant,
    );
    expect(tenantOfIssuer(issuer)).toBe(tenant);
  });

  test.each(cloudsWithoutPreset.map(({ authorityHost }) => authorityHost))(
    '%s as the sign-in address issues, too',
    (authorityHost) => {
      const known = { cloud: clouds.public, authorityHost };
      expect(tenantOfIssuer(`${authorityHost}/${tenant}/v2.0`, known)).toBe(tenant);
      expect(tenantOfIssuer(`${authorityHost}/${tenant}/v2.0`)).toBe(tenant);
    },
  );

  test('the sign-in address can belong to another cloud than `cloud`', () => {
    const known = { cloud: clouds.public, authorityHost: clouds.china.authorityHost };
    expect(tenantOfIssuer(`https://login.chinacloudapi.cn/${tenant}/v2.0`, known)).toBe(tenant);
  });

  test.each([
    '',
    'https://evil.example/v2.0',
    `https://evil.example/${tenant}/v2.0`,
    `https://login.microsoftonline.com.evil.example/${tenant}/v2.0`,
    `https://login.microsoftonline.com@evil.example/${tenant}/v2.0`,
    `http://login.microsoftonline.com/${tenant}/v2.0`,
    `https://login.microsoftonline.com/${tenant}/v2.0/more`,
    `https://login.microsoftonline.com/x/${tenant}/v2.0`,
    'https://login.microsoftonline.com/common/v2.0',
    `https://login.microsoftonline.us/${tenant}/v2.0`,
  ])('%s is none of the public cloud', (issuer) => {
    const known = { cloud: clouds.public, authorityHost: clouds.public.authorityHost };
    expect(tenantOfIssuer(issuer, known)).toBeUndefined();
  });
});
