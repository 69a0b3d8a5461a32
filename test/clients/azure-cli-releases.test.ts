import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { azureCli, azureCliOfDebian } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { isTokenRequest, type Storage, shortenNextTokens, startStorage } from './storage.ts';

const inputs = { login: 'azure-cli' };
const subscription = { 'subscription-id': subscriptionIds.contosoTest };
const getToken = ['az', 'account', 'get-access-token', '--resource', 'https://storage.azure.com'] as const;

describe.each([azureCli, azureCliOfDebian])('$title', (az) => {
  let machine: MachineWithClients;
  let storage: Storage;
  beforeAll(async () => {
    machine = await startMachineWithClients(az);
    storage = await startStorage(machine.azure);
  });
  afterAll(async () => {
    await storage.stop();
    await machine.stop();
  });
  beforeEach(() => machine.azure.faults.clear());

  test.each(oneOfEach)('$title: az lists blobs as the app, and renews its token', async (host) => {
    const { azure } = machine;
    const job = host.job(azure, machine);
    const { errors, outputs } = await job.step({ ...goodInputs, ...inputs, ...subscription });
    expect(errors).toEqual([]);
    azure.clearRequests();

    const shortToken = await shortenNextTokens(azure, 0);
    expect(JSON.parse(await printedBy(job, getToken)).accessToken).toBe(shortToken);
    const renewed = JSON.parse(await printedBy(job, getToken)).accessToken;
    expect(claimsOf(renewed)).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });

    const place = ['--account-name', storage.account, '--container-name', storage.container];
    const list = ['az', 'storage', 'blob', 'list', '--auth-mode', 'login', ...place] as const;
    expect(JSON.parse(await printedBy(job, list))).toMatchObject([{ name: storage.blob }]);

    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    const shown = azure.requests.filter(isTokenRequest).map(({ form }) => form.get('client_assertion'));
    expect(new Set(shown)).toEqual(new Set([assertion]));
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const version = JSON.parse(await printedBy(job, ['az', 'version']))['azure-cli'];
    keepProof({
      tool: `Azure CLI ${version}`,
      versions: { 'azure-cli': version },
      host: host.title,
      inputs,
      variables:
        host.kind === 'github'
          ? await variablesRead(job, ['AZURE_CONFIG_DIR'], ['az', 'account', 'show'])
          : notTested(['AZURE_CONFIG_DIR']),
      renewal: 'by itself',
      did: ['Got a token.', 'Listed the blobs of a container.'],
    });
    await job.post();
    job.close();
  });
});
