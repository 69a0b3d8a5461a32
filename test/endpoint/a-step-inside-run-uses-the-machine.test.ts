import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { startTestEndpoint } from './a-running-endpoint.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => azure.clearRequests());

describe.each(oneOfEach)('$title', (host) => {
  test('a step that finds our own endpoint asks the machine behind it', async () => {
    const endpoint = await startTestEndpoint({
      machine: { AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.imds.url },
    });
    const { errors, outputs } = await runStepOn(host, azure, goodInputs, {
      environment: { IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: endpoint.secret },
    });
    expect(errors).toEqual([]);
    expect(claimsOf(outputs['access-token'] ?? '')).toMatchObject({ appid: clientIds.deployer });
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(1);
    expect(endpoint.exchanges).toEqual([]);
  });

  test('an endpoint that has ended is an error, and no machine is asked in its place', async () => {
    const endpoint = await startTestEndpoint();
    endpoint.stop();
    await endpoint.stopped;
    const { errors } = await runStepOn(host, azure, goodInputs, {
      environment: { IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: endpoint.secret },
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/Nothing was requested\.\n.*\nCause: .*has ended\.\nFix: /su);
    expect(azure.requests).toEqual([]);
  });
});
