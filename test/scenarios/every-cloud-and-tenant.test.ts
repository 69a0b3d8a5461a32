import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { cloudNames, clouds, unnamedClouds } from '../../src/azure/clouds.ts';
import { scopeAliases } from '../../src/azure/scope-aliases.ts';
import { goodInputs, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.setWorld(worldFor('public')));

const exchanges = () => azure.requests.filter(({ leg }) => leg !== 'proxy');

describe.each(oneOfEach)('$title', (host) => {
  test.each(
    cloudNames.flatMap((name) =>
      [name, clouds[name].azureCli, name.toUpperCase()].map((written) => ({ name, written })),
    ),
  )('cloud $written: its host, its audience, its resources, two requests', async ({ name, written }) => {
    azure.setWorld(worldFor(name));
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, { ...goodInputs, cloud: written, scopes: 'graph' });
    expect(outcome.errors).toEqual([]);
    expect(exchanges().map(({ leg }) => leg)).toEqual(['imds', 'entra']);
    expect(exchanges()[0]?.query.get('resource')).toBe(clouds[name].audience);
    expect(exchanges()[1]?.host).toBe(new URL(clouds[name].authorityHost).host);
    const graph = scopeAliases.find(({ names }) => names.includes('graph'))?.resource[name];
    expect(decodeJwt(outcome.outputs['access-token'] ?? '').aud).toBe(graph);
  });

  test('an authority host of one’s own: the same two requests, and three scopes four', async () => {
    azure.clearRequests();
    const inputs = { ...goodInputs, 'authority-host': azure.entra.url };
    const one = await runStepOn(host, azure, inputs, { proxy: false });
    expect(one.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra']);
    azure.clearRequests();
    const three = await runStepOn(
      host,
      azure,
      { ...inputs, scopes: 'arm\ngraph\nstorage' },
      { proxy: false },
    );
    expect(three.errors).toEqual([]);
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'entra', 'entra', 'entra']);
  });

  test.each(unnamedClouds)(
    '$title by its authority host, with its audience and a full scope',
    async (cloud) => {
      azure.clearRequests();
      const outcome = await runStepOn(host, azure, {
        ...goodInputs,
        'authority-host': cloud.authorityHost,
        scopes: 'api://contoso-orders/.default',
      });
      // The embedded Azure is the public one: what counts is who was asked for what.
      expect(exchanges()[0]?.query.get('resource')).toBe(cloud.audience);
      expect(outcome.log).not.toContain('openid');
    },
  );

  test('an audience given wins over the cloud’s', async () => {
    azure.clearRequests();
    await runStepOn(host, azure, { ...goodInputs, audience: 'api://SomethingElse' });
    expect(exchanges()[0]?.query.get('resource')).toBe('api://SomethingElse');
  });

  test.each([
    ['the other tenant’s ID', tenantIds.fabrikam, tenantIds.fabrikam],
    ['the other tenant’s name', 'fabrikam.onmicrosoft.com', tenantIds.fabrikam],
    ['a domain of its own, in capitals', 'Fabrikam.Example', tenantIds.fabrikam],
    ['the home tenant’s name', 'contoso.onmicrosoft.com', tenantIds.contoso],
  ])('a multitenant app by %s', async (_, tenant, id) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'client-id': clientIds.multitenant,
      'tenant-id': tenant,
    });
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
      /not known at/u,
    ],
  ])('an app that is %s fails at once with its remedy', async (_, clientId, tenantId, remedy) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'client-id': clientId,
      'tenant-id': tenantId,
    });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toMatch(/AADSTS\d+/u);
    expect(outcome.errors[0]).toMatch(remedy);
    expect(exchanges()).toHaveLength(2);
  });

  test('a resource with a slash keeps it in the token’s audience', async () => {
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      scopes: 'https://management.core.windows.net/',
    });
    expect(decodeJwt(outcome.outputs['access-token'] ?? '').aud).toBe('https://management.core.windows.net/');
  });
});
