import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { identities, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import type { MachineKind } from '../../emulator/world.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, oneOfEach, published, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.setWorld(worldFor('public')));

function on(kind: MachineKind): void {
  const world = worldFor('public');
  azure.setWorld({ ...world, machine: { ...world.machine, kind } });
  azure.clearRequests();
}

const { 'managed-identity-client-id': _, ...withoutIdentity } = goodInputs;
const { runner } = identities;
const selectors = [
  ['managed-identity-client-id', runner.clientId],
  ['managed-identity-object-id', runner.objectId],
  ['managed-identity-resource-id', runner.resourceId],
] as const;

/** The selector is the machine's part and not the host's: all of them on one host, one of them on each. */
const served = hostsUnderTest.flatMap((host, index) =>
  selectors
    .slice(index === 0 ? 0 : index, index === 0 ? 3 : index + 1)
    .map(([input, value]) => ({ host, input, value })),
);

describe.each(['virtual-machine', 'app-service', 'container-apps'] as const)('%s', (kind) => {
  test.each(served)('$host.title: one request by $input', async ({ host, input, value }) => {
    on(kind);
    const outcome = await runStepOn(host, azure, { ...withoutIdentity, [input]: value });
    expect(outcome.errors).toEqual([]);
    expect(outcome.succeeded).toBe(true);
    const legs = azure.requests.filter(({ leg }) => leg !== 'proxy').map(({ leg }) => leg);
    expect(legs).toEqual([kind === 'virtual-machine' ? 'imds' : 'identity-endpoint', 'entra']);
    if (kind !== 'virtual-machine') {
      // The endpoint's header is a secret of the machine.
      assertNoSecretLeaks(outcome.transcript, [azure.identityEndpoint.header], published);
      expect(outcome.order[0]).toEqual({ kind: 'mask', text: azure.identityEndpoint.header });
    }
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test.each(['virtual-machine', 'app-service'] as const)(
    '%s: an identity that it does not have',
    async (kind) => {
      on(kind);
      const inputs = { ...withoutIdentity, 'managed-identity-client-id': identities.elsewhere.clientId };
      const outcome = await runStepOn(host, azure, inputs);
      expect(outcome.errors[0]).toContain('is not assigned to this machine');
    },
  );

  test.each([
    ['azure-arc', 'This machine is an Azure Arc-enabled server'],
    ['service-fabric', 'This machine is Azure Service Fabric'],
  ] as const)('%s cannot be used, which is said before any request', async (kind, words) => {
    on(kind);
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors).toEqual([
      expect.stringContaining(`${words}, which this step cannot use. Nothing was requested.`),
    ]);
    expect(outcome.errors[0]).toMatch(/\nCause: .+\nFix: Run the job on/u);
    expect(azure.requests).toEqual([]);
  });

  const federation = {
    AZURE_CLIENT_ID: runner.clientId,
    AZURE_TENANT_ID: 'c0470505-0000-4000-8000-00000000c001',
    AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/azure/tokens/azure-identity-token',
  };

  test('federation variables in the environment are ignored, and the machine is asked', async () => {
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, { environment: federation });
    expect(outcome.succeeded).toBe(true);
    expect(azure.requests[0]?.leg).toBe('imds');
  });

  const nobody = { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' };

  test('no metadata service at all: not an Azure machine, or a container that hides it', async () => {
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, { environment: nobody });
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toContain(
      'Cause: This machine is not in Azure, or the job’s container cannot reach 169.254.169.254.',
    );
    expect(outcome.errors[0]).toContain('Tried 3 times');
    expect(outcome.errors[0]).not.toContain('AZURE_FEDERATED_TOKEN_FILE');
    expect(azure.requests).toEqual([]);
  });

  test('no metadata service and federation variables: the pod’s own token is suggested', async () => {
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, { environment: { ...federation, ...nobody } });
    expect(outcome.errors[0]).toContain('AZURE_FEDERATED_TOKEN_FILE is set, and this step did not use it');
    expect(outcome.errors[0]).toContain(`set the input ${host.inputLabel('federated-token-file')}`);
    expect(outcome.errors[0]).toContain('node pool');
  });

  test('an identity that is not assigned, and federation variables: the pod’s own token is suggested too', async () => {
    on('virtual-machine');
    const inputs = { ...goodInputs, 'managed-identity-client-id': identities.elsewhere.clientId };
    const outcome = await runStepOn(host, azure, inputs, { environment: federation });
    expect(outcome.errors[0]).toContain('is not assigned to this machine');
    expect(outcome.log).toContain('AZURE_FEDERATED_TOKEN_FILE is set, and this step did not use it');
  });

  test('a container’s identity endpoint that is not there is named by its variable', async () => {
    on('virtual-machine');
    const environment = {
      IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token',
      IDENTITY_HEADER: 'a-header-value',
    };
    const outcome = await runStepOn(host, azure, goodInputs, { environment });
    expect(outcome.errors[0]).toContain(
      'Cause: This machine cannot connect to the identity endpoint of this App Service, Function or Container App (IDENTITY_ENDPOINT).',
    );
    expect(outcome.errors[0]).not.toContain('169.254.169.254');
  });

  test('a job cannot move the metadata service to another machine', async () => {
    const address = 'http://metadata.example';
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, {
      environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: address },
    });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors[0]).toContain(
      `AZURE_POD_IDENTITY_AUTHORITY_HOST replaces the address of the metadata service with ${address}`,
    );
    expect(azure.requests).toEqual([]);
  });

  test('a job that turns off the verification of certificates is declined before any request', async () => {
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, {
      environment: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors[0]).toContain('NODE_TLS_REJECT_UNAUTHORIZED=0');
    expect(azure.requests).toEqual([]);
  });

  test('variables that would mislead the libraries, or make them print, have no effect', async () => {
    on('virtual-machine');
    const outcome = await runStepOn(host, azure, goodInputs, {
      environment: {
        AZURE_REGIONAL_AUTHORITY_NAME: 'westeurope',
        MSAL_FORCE_REGION: 'westeurope',
        AZURE_AUTHORITY_HOST: 'https://login.example.com',
        AZURE_LOG_LEVEL: 'verbose',
        DEBUG: '*',
      },
    });
    expect(outcome.succeeded).toBe(true);
    expect(azure.requests.filter(({ leg }) => leg !== 'proxy')).toHaveLength(2);
    expect(outcome.transcript.raw.stderr).toBe('');
    expect(outcome.log).not.toContain('::debug::');
  });
});
