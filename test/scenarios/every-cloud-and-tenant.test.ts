import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { goodInputs, hostsUnderTest, type Inputs, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.setWorld(worldFor('public')));

const exchanges = () => azure.requests.filter(({ leg }) => leg !== 'proxy');

/** Each cloud's own values, written down here a second time. */
type CloudName = 'public' | 'usgovernment' | 'china';
type CloudRow = readonly [
  name: CloudName,
  azName: string,
  authorityHost: string,
  audience: string,
  graph: string,
];
const clouds: readonly CloudRow[] = [
  [
    'public',
    'AzureCloud',
    'https://login.microsoftonline.com',
    'api://AzureADTokenExchange',
    'https://graph.microsoft.com',
  ],
  [
    'usgovernment',
    'AzureUSGovernment',
    'https://login.microsoftonline.us',
    'api://AzureADTokenExchangeUSGov',
    'https://graph.microsoft.us',
  ],
  [
    'china',
    'AzureChinaCloud',
    'https://login.partner.microsoftonline.cn',
    'api://AzureADTokenExchangeChina',
    'https://microsoftgraph.chinacloudapi.cn',
  ],
];
const cloudsWithoutPreset = [
  ['France (Bleu)', 'https://login.sovcloud-identity.fr', 'api://AzureADTokenExchangeFrance'],
  ['Germany (Delos)', 'https://login.sovcloud-identity.de', 'api://AzureADTokenExchangeGermany'],
  ['Singapore', 'https://login.sovcloud-identity.sg', 'api://AzureADTokenExchangeGovSG'],
  ['US Nat', 'https://login.microsoftonline.eaglex.ic.gov', 'api://AzureADTokenExchangeUSNat'],
  ['US Sec', 'https://login.microsoftonline.microsoft.scloud', 'api://AzureADTokenExchangeUSSec'],
] as const;

function requestFor(change: Inputs) {
  const inputs: Inputs = { ...goodInputs, ...change };
  return readStepRequest((name) => inputs[name] ?? '');
}

describe('what the inputs mean', () => {
  test.each(
    clouds.flatMap(([name, azName, ...values]) =>
      [name, azName, name.toUpperCase(), azName.toLowerCase()].map(
        (written) => [written, ...values] as const,
      ),
    ),
  )('cloud %s: its host, its audience, its resources', (cloud, authorityHost, audience, graph) => {
    expect(requestFor({ cloud, scopes: 'graph' })).toMatchObject({
      authorityHost,
      audience,
      scopes: [`${graph}/.default`],
    });
  });

  test.each(clouds)(
    'the authority host of cloud %s brings its audience',
    (_, _azName, authorityHost, audience) => {
      expect(requestFor({ 'authority-host': `${authorityHost}/` })).toMatchObject({
        authorityHost,
        audience,
      });
    },
  );

  test.each(cloudsWithoutPreset)(
    '%s by its authority host, with its audience and a full scope',
    (_, authorityHost, audience) => {
      expect(
        requestFor({ 'authority-host': authorityHost, scopes: 'https://a.example/.default' }),
      ).toMatchObject({
        authorityHost,
        audience,
        scopes: ['https://a.example/.default'],
      });
    },
  );
});

describe.each(oneOfEach)('$title', (host) => {
  test.each(clouds)(
    'cloud %s takes two requests, to its own host for its own audience',
    async (cloud, _, authority, audience, graph) => {
      azure.setWorld(worldFor(cloud));
      azure.clearRequests();
      const outcome = await runStepOn(host, azure, { ...goodInputs, cloud, scopes: 'graph' });
      expect(outcome.errors).toEqual([]);
      expect(exchanges().map(({ leg }) => leg)).toEqual(['imds', 'entra']);
      expect(exchanges()[0]?.query.get('resource')).toBe(audience);
      expect(exchanges()[1]?.host).toBe(new URL(authority).host);
      expect(decodeJwt(outcome.outputs['access-token'] ?? '').aud).toBe(graph);
    },
  );

  test('a cloud without a preset: its audience is asked for', async () => {
    azure.clearRequests();
    const [[, authority, audience]] = cloudsWithoutPreset;
    // The embedded Azure is the public one, so this fails; what counts is who was asked for what.
    const inputs = { ...goodInputs, 'authority-host': authority, scopes: 'api://contoso-orders/.default' };
    const outcome = await runStepOn(host, azure, inputs);
    expect(exchanges()[0]?.query.get('resource')).toBe(audience);
    expect(outcome.log).not.toContain('openid');
  });

  test('an audience given wins over the cloud’s', async () => {
    azure.clearRequests();
    await runStepOn(host, azure, { ...goodInputs, audience: 'api://SomethingElse' });
    expect(exchanges()[0]?.query.get('resource')).toBe('api://SomethingElse');
  });

  test('a resource with a slash at its end keeps it in the token’s audience', async () => {
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      scopes: 'https://management.core.windows.net/',
    });
    expect(decodeJwt(outcome.outputs['access-token'] ?? '').aud).toBe('https://management.core.windows.net/');
  });
});

describe.each(hostsUnderTest)('$title', (host) => {
  test('an authority host of your own takes the same requests: two, and four for three scopes', async () => {
    const inputs = { ...goodInputs, 'authority-host': azure.entra.url };
    for (const [scopes, legs] of [
      ['arm', ['imds', 'entra']],
      ['arm\ngraph\nstorage', ['imds', 'entra', 'entra', 'entra']],
    ] as const) {
      azure.clearRequests();
      const outcome = await runStepOn(host, azure, { ...inputs, scopes }, { proxy: false });
      expect(outcome.errors).toEqual([]);
      expect(azure.requests.map(({ leg }) => leg)).toEqual(legs);
    }
  });

  test('a multitenant app signs in to another tenant, given by a domain in capitals', async () => {
    azure.clearRequests();
    const inputs = { ...goodInputs, 'client-id': clientIds.multitenant, 'tenant-id': 'Fabrikam.Example' };
    const outcome = await runStepOn(host, azure, inputs);
    expect(outcome.errors).toEqual([]);
    expect(decodeJwt(outcome.outputs['access-token'] ?? '')['tid']).toBe(tenantIds.fabrikam);
    expect(outcome.log).toContain(`in tenant fabrikam.example (${tenantIds.fabrikam}):`);
    expect(exchanges()).toHaveLength(2);
  });
});

/** The tenant is part of an address and of nothing that a host decides: one host is enough. */
describe.each(hostsUnderTest.slice(0, 1))('$title', (host) => {
  test.each([
    ['the other tenant’s ID', tenantIds.fabrikam, tenantIds.fabrikam],
    ['the other tenant’s name', 'fabrikam.onmicrosoft.com', tenantIds.fabrikam],
    ['the home tenant’s name', 'contoso.onmicrosoft.com', tenantIds.contoso],
  ])('a multitenant app by %s', async (_, tenant, id) => {
    azure.clearRequests();
    const inputs = { ...goodInputs, 'client-id': clientIds.multitenant, 'tenant-id': tenant };
    const outcome = await runStepOn(host, azure, inputs);
    expect(outcome.errors).toEqual([]);
    expect(decodeJwt(outcome.outputs['access-token'] ?? '')['tid']).toBe(id);
    expect(exchanges()).toHaveLength(2);
  });

  test.each([
    [
      'not provisioned in the tenant',
      clientIds.unprovisioned,
      tenantIds.fabrikam,
      /az ad sp create --id d3b10700/u,
    ],
    ['single-tenant', clientIds.deployer, tenantIds.fabrikam, /single-tenant|not provisioned there/u],
    ['disabled', clientIds.disabled, tenantIds.contoso, /accountEnabled=true/u],
    [
      'disabled in that tenant alone',
      clientIds.disabledInFabrikam,
      tenantIds.fabrikam,
      /accountEnabled=true/u,
    ],
    [
      'registered in another tenant than the identity',
      clientIds.foreign,
      tenantIds.fabrikam,
      /identity’s own tenant/u,
    ],
    [
      'in a tenant that does not exist',
      clientIds.deployer,
      '99999999-0000-4000-8000-000000000000',
      /does not know tenant/u,
    ],
  ])('an app that is %s fails at once with its fix', async (_, clientId, tenantId, fix) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'client-id': clientId,
      'tenant-id': tenantId,
    });
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toMatch(/AADSTS\d+/u);
    expect(outcome.errors[0]).toMatch(fix);
    expect(exchanges()).toHaveLength(2);
  });
});
