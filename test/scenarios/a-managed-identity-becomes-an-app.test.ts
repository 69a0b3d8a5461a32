import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, published, runStepOn, tokensIn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

describe.each(hostsUnderTest)('$title', (host) => {
  test('one scope costs one identity request and one token request', async () => {
    azure.clearRequests();
    const { succeeded, outputs, log, transcript } = await runStepOn(host, azure, goodInputs);
    expect(log).toContain(`became app ${clientIds.deployer} in tenant ${tenantIds.contoso}`);
    expect(succeeded).toBe(true);
    expect(decodeJwt(outputs['access-token'] ?? '')).toMatchObject({
      aud: 'https://management.azure.com',
      appid: clientIds.deployer,
      tid: tenantIds.contoso,
      idtyp: 'app',
    });
    expect(JSON.parse(outputs['access-tokens'] ?? '')).toEqual({ arm: outputs['access-token'] });
    const expiry = decodeJwt(outputs['access-token'] ?? '').exp ?? 0;
    expect(Math.abs(Date.parse(outputs['expires-on'] ?? '') - expiry * 1000)).toBeLessThan(5_000);

    expect(requests()).toEqual(['imds GET 200', 'proxy CONNECT 200', 'entra POST 200']);
    expect(Object.fromEntries(azure.requests.at(-1)?.form ?? [])).toMatchObject({
      grant_type: 'client_credentials',
      client_id: clientIds.deployer,
      scope: 'https://management.azure.com/.default',
    });
    assertNoSecretLeaks(transcript, secretsOf(transcript.raw.stdout), published);
  });

  test('three scopes cost one identity request and three token requests, named ones become variables', async () => {
    azure.clearRequests();
    const scopes = 'arm\nGRAPH_TOKEN = graph\nORDERS=api://contoso-orders, storage,graph';
    const { succeeded, outputs, variables, order, transcript } = await runStepOn(host, azure, {
      ...goodInputs,
      scopes,
    });
    expect(succeeded).toBe(true);
    const tokens: Record<string, string> = JSON.parse(outputs['access-tokens'] ?? '');
    expect(Object.keys(tokens)).toEqual(['arm', 'GRAPH_TOKEN', 'ORDERS', 'storage', 'graph']);
    expect(Object.values(tokens).map((token) => decodeJwt(token).aud)).toEqual([
      'https://management.azure.com',
      'https://graph.microsoft.com',
      expect.stringMatching(/^[0-9a-f-]{36}$/u),
      'https://storage.azure.com',
      'https://graph.microsoft.com',
    ]);
    expect(variables).toEqual({ GRAPH_TOKEN: tokens['GRAPH_TOKEN'], ORDERS: tokens['ORDERS'] });
    // The same resource twice is one request.
    expect(requests().filter((line) => !line.startsWith('proxy'))).toEqual([
      'imds GET 200',
      ...Array(4).fill('entra POST 200'),
    ]);
    const assertion = azure.requests.at(-1)?.form.get('client_assertion') ?? '';
    expect(decodeJwt(assertion).sub).toBe(identities.runner.objectId);
    // Every value that is handed over was registered as a secret before.
    for (const value of [
      outputs['access-token'],
      outputs['access-tokens'],
      tokens['GRAPH_TOKEN'],
      tokens['ORDERS'],
    ]) {
      const masked = order.findIndex(({ kind, text }) => kind === 'mask' && text === value);
      const handed = order.findIndex(({ kind, text }) => kind === 'value' && text === value);
      expect(masked).toBeGreaterThanOrEqual(0);
      expect(handed).toBeGreaterThan(masked);
    }
    expect(order.findIndex(({ kind, text }) => kind === 'mask' && text === assertion)).toBeGreaterThanOrEqual(
      0,
    );
    assertNoSecretLeaks(transcript, [...Object.values(tokens), assertion], {
      outputs: published.outputs ?? [],
      variables: ['GRAPH_TOKEN', 'ORDERS'],
    });
  });

  test.each([
    ['managed-identity-object-id', identities.runner.objectId, 'object_id'],
    ['managed-identity-resource-id', identities.runner.resourceId, 'msi_res_id'],
  ])('%s selects the identity', async (input, value, parameter) => {
    azure.clearRequests();
    const { 'managed-identity-client-id': _, ...inputs } = goodInputs;
    const { succeeded } = await runStepOn(host, azure, { ...inputs, [input]: value });
    expect(succeeded).toBe(true);
    expect(azure.requests.find(({ leg }) => leg === 'imds')?.query.get(parameter)).toBe(value);
  });
});

function requests(): readonly string[] {
  return azure.requests.map(({ leg, method, status }) => `${leg} ${method} ${status}`);
}

/** The tokens that were masked: the step's own, since nothing else is. */
function secretsOf(stdout: string): readonly string[] {
  return tokensIn(stdout);
}
