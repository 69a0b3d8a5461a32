import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { cloudNames, clouds } from '../../src/azure/clouds.ts';
import { goodInputs, hostsUnderTest, type Outcome, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => azure.clearRequests());
afterEach(() => {
  azure.faults.clear();
  azure.setWorld(worldFor('public'));
});

const registry = 'contoso.azurecr.io';
const legs = () => azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy');
const toRegistries = () => azure.requests.filter(({ leg }) => leg === 'registry');
/** Nothing reached the job's later steps. */
function expectNothingHandedOver({ succeeded, outputs, variables }: Outcome): void {
  expect(succeeded).toBe(false);
  expect([outputs, variables]).toEqual([{}, {}]);
}

describe.each(hostsUnderTest)('$title', (host) => {
  test('a registry’s token costs one identity request, one token request and one exchange', async () => {
    const scopes = `ACR_PASSWORD = acr:${registry}`;
    const { errors, outputs, variables, order, log } = await runStepOn(host, azure, {
      ...goodInputs,
      scopes,
    });
    expect(errors).toEqual([]);
    expect(azure.requests.map(({ leg, method, host: to }) => [leg, method, to].join(' '))).toEqual([
      expect.stringMatching(/^imds GET /u),
      'proxy CONNECT login.microsoftonline.com:443',
      'entra POST login.microsoftonline.com',
      `proxy CONNECT ${registry}:443`,
      `registry POST ${registry}`,
    ]);
    const [exchange] = toRegistries();
    expect(exchange?.path).toBe('/oauth2/exchange');
    const { access_token: appToken = '', ...form } = Object.fromEntries(exchange?.form ?? []);
    expect(form).toEqual({ grant_type: 'access_token', service: registry, tenant: tenantIds.contoso });
    expect(decodeJwt(appToken)).toMatchObject({
      aud: 'https://containerregistry.azure.net',
      appid: clientIds.deployer,
    });

    const password = variables['ACR_PASSWORD'] ?? '';
    const { aud, exp = 0, iat = 0, grant_type: grant } = decodeJwt(password);
    expect([aud, exp - iat, grant]).toEqual([registry, 3 * 3600, 'refresh_token']);
    expect(outputs).toMatchObject({
      'access-token': password,
      'access-tokens': JSON.stringify({ ACR_PASSWORD: password }),
      'expires-on': `${new Date(exp * 1000).toISOString().slice(0, 19)}Z`,
    });
    expect(log).toContain(`token for registry ${registry}, valid until`);
    // The app's token for registries was masked too, and is handed over nowhere.
    const masks = order.flatMap(({ kind, text }) => (kind === 'mask' ? [text] : []));
    expect(masks).toEqual(expect.arrayContaining([password, appToken]));
    expect(order.filter(({ kind, text }) => kind === 'value' && text.includes(appToken))).toEqual([]);
    const masked = order.findIndex(({ kind, text }) => kind === 'mask' && text === password);
    expect(order.findIndex(({ kind, text }) => kind === 'value' && text === password)).toBeGreaterThan(
      masked,
    );
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('several registries share one app token, beside other scopes', async () => {
    const { errors, outputs } = await runStepOn(host, azure, {
      ...goodInputs,
      'tenant-id': 'contoso.onmicrosoft.com',
      scopes: [
        'A = acr:contoso.azurecr.io',
        'B = acr:Contoso.AzureCR.io',
        'acr:contosostrict.azurecr.io',
        'acr:contoso.westeurope.geo.azurecr.io',
        'container-registry',
        'arm',
      ].join('\n'),
    });
    expect(errors).toEqual([]);
    expect(legs().sort()).toEqual(['entra', 'entra', 'imds', 'registry', 'registry', 'registry']);
    expect(new Set(toRegistries().map(({ form }) => form.get('access_token'))).size).toBe(1);
    // The tenant's own GUID, as its app token names it.
    expect(new Set(toRegistries().map(({ form }) => form.get('tenant')))).toEqual(
      new Set([tenantIds.contoso]),
    );
    const tokens: Record<string, string> = JSON.parse(outputs['access-tokens'] ?? '');
    expect(Object.entries(tokens).map(([key, token]) => [key, decodeJwt(token).aud])).toEqual([
      ['A', 'contoso.azurecr.io'],
      ['B', 'contoso.azurecr.io'],
      ['acr:contosostrict.azurecr.io', 'contosostrict.azurecr.io'],
      ['acr:contoso.westeurope.geo.azurecr.io', 'contoso.westeurope.geo.azurecr.io'],
      ['container-registry', 'https://containerregistry.azure.net'],
      ['arm', 'https://management.azure.com'],
    ]);
    const expiries = Object.values(tokens).map((token) => decodeJwt(token).exp ?? 0);
    const difference = Date.parse(outputs['expires-on'] ?? '') / 1000 - Math.min(...expiries);
    expect(Math.abs(difference)).toBeLessThan(5);
  });

  test('beside `export`, a registry alone proves the trust, and the tools get the tenant’s GUID', async () => {
    const { errors, variables } = await runStepOn(host, azure, {
      ...goodInputs,
      'tenant-id': 'contoso.onmicrosoft.com',
      scopes: `acr:${registry}`,
      export: 'azure-sdk',
    });
    expect(errors).toEqual([]);
    expect(legs()).toEqual(['imds', 'entra', 'registry']);
    expect(variables['AZURE_TENANT_ID']).toBe(tenantIds.contoso);
  });

  test.each(cloudNames)('cloud %s', async (cloud) => {
    azure.setWorld(worldFor(cloud));
    const loginServer = `contoso${clouds[cloud].registrySuffix}`;
    const inputs = { ...goodInputs, cloud, scopes: `acr:${loginServer}` };
    const { errors, outputs } = await runStepOn(host, azure, inputs);
    expect(errors).toEqual([]);
    expect(decodeJwt(outputs['access-token'] ?? '').aud).toBe(loginServer);
    expect(toRegistries().map((request) => request.host)).toEqual([loginServer]);
  });

  test.each([
    'acr:contoso.azurecr.io.example.com',
    'acr:contoso.azurecr.io/app',
    'acr:example.com#.azurecr.io',
    'acr:contoso.azurecr.us',
  ])('%s: nothing is requested', async (written) => {
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes: `P = ${written}\narm` });
    expectNothingHandedOver(outcome);
    expect(outcome.errors[0]).toContain(written.replace('acr:', ''));
    expect(azure.requests).toEqual([]);
  });

  test('the error names the role that an app lacks, and nothing is handed over', async () => {
    const world = worldFor('public');
    const without = (loginServer: string) => (loginServer === registry ? { pull: [], push: [] } : {});
    azure.setWorld({
      ...world,
      registries: world.registries.map((one) => ({ ...one, ...without(one.loginServer) })),
    });
    const scopes = `arm\nacr:contosostrict.azurecr.io\nP = acr:${registry}`;
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes });
    expectNothingHandedOver(outcome);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toContain(`Could not get a token from registry ${registry}`);
    expect(outcome.errors[0]).toContain(`App ${clientIds.deployer} has no role on registry ${registry}`);
    expect(outcome.log).toContain(`${registry} answered HTTP 401 UNAUTHORIZED: authentication required`);
    expect(outcome.log).toContain(`az role assignment create --assignee ${clientIds.deployer}`);
    expect(toRegistries().filter((request) => request.host === registry)).toHaveLength(1);
  });

  test('a registry of another tenant', async () => {
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'client-id': clientIds.multitenant,
      'tenant-id': tenantIds.fabrikam,
      scopes: `acr:${registry}`,
    });
    expectNothingHandedOver(outcome);
    expect(outcome.errors[0]).toContain(`is not in tenant ${tenantIds.fabrikam}`);
  });

  test('the registry’s firewall', async () => {
    const message = "client with IP '198.51.100.7' is not allowed access. Refer https://aka.ms/acr/firewall";
    const body = { errors: [{ code: 'DENIED', message }] };
    azure.faults.queue('registry', { status: 403, body });
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes: `acr:${registry}` });
    expectNothingHandedOver(outcome);
    expect(outcome.errors[0]).toContain(`firewall of registry ${registry}`);
    expect(outcome.log).toContain("DENIED: client with IP '198.51.100.7' is not allowed access");
    expect(legs()).toEqual(['imds', 'entra', 'registry']);
  });

  test('a registry that is busy is asked again, and Entra is not', async () => {
    azure.faults.queue('registry', { status: 503, body: {} });
    azure.faults.queue('registry', { kind: 'reset' });
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes: `acr:${registry}` });
    expect(outcome.errors).toEqual([]);
    expect(legs()).toEqual(['imds', 'entra', 'registry', 'registry', 'registry']);
    expect(outcome.log).toMatch(/^.*Registry contoso\.azurecr\.io: HTTP 503\. Try 2 starts in /mu);
  });

  test('whatever the registry says stays text, and a token in it stays hidden', async () => {
    const message = `##vso[task.setvariable variable=PATH]x\n::set-output name=a::b eyJ${'a'.repeat(40)}`;
    azure.faults.queue('registry', { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message }] } });
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes: `acr:${registry}` });
    expectNothingHandedOver(outcome);
    expect(outcome.log).not.toContain(`eyJ${'a'.repeat(40)}`);
  });

  test('each host has its own way: Entra directly, the registry through the proxy', async () => {
    const bypass = host.kind === 'github' ? ['localhost'] : ['https?://localhost(:\\d+)?'];
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'authority-host': azure.entra.url, scopes: `acr:${registry}` },
      { proxy: { url: azure.proxy.url, bypass } },
    );
    expect(outcome.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra', 'proxy', 'registry']);
  });

  test('debug lines show the registry’s request and what its token allows', async () => {
    const inputs = { ...goodInputs, scopes: `acr:${registry}` };
    const { log } = await runStepOn(host, azure, inputs, { debug: true });
    expect(log).toMatch(/Proxy to https:\/\/contoso\.azurecr\.io: /u);
    expect(log).toMatch(
      /Try 1: registry contoso\.azurecr\.io, through proxy [^:]+:\d+: HTTP 200 after \d+ ms/u,
    );
    expect(log).toMatch(/Claims of the registry token: .*aud="contoso\.azurecr\.io".*permissions=.*push/u);
  });
});
