import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

/** By the exported variables and nothing else: the default chain would take az's session too. */
const sdkToken = [
  'node',
  '--input-type=module',
  '--eval',
  `import { WorkloadIdentityCredential } from '@azure/identity';
  console.log((await new WorkloadIdentityCredential().getToken('https://vault.azure.net/.default')).token);`,
] as const;
const inRepository = { workingDirectory: resolve('examples/azure-sdk-javascript') };

describe.each(oneOfEach)('$title', (host) => {
  test('tools are the app of the last use, and each use removes its own', async () => {
    const job = host.job(machine.azure, machine);
    const tools = { export: 'azure-sdk, terraform', login: 'azure-cli' };
    const first = await job.step({ ...goodInputs, ...tools });
    expect(first.errors).toEqual([]);
    expect(claimsOf(await printedBy(job, sdkToken, inRepository))).toMatchObject({
      appid: clientIds.deployer,
    });

    const customer = { 'client-id': clientIds.multitenant, 'tenant-id': tenantIds.fabrikam };
    const second = await job.step({ ...goodInputs, ...tools, ...customer });
    expect(second.errors).toEqual([]);
    for (const name of ['AZURE_CLIENT_ID', 'ARM_TENANT_ID', 'AZURE_CONFIG_DIR']) {
      expect(second.log).toContain(`${name} had another value in this job. The new value replaces it`);
    }
    expect(second.variables).toMatchObject({
      AZURE_CLIENT_ID: clientIds.multitenant,
      ARM_TENANT_ID: tenantIds.fabrikam,
    });
    expect(claimsOf(await printedBy(job, sdkToken, inRepository))).toMatchObject({
      appid: clientIds.multitenant,
      tid: tenantIds.fabrikam,
    });
    expect(JSON.parse(await printedBy(job, ['az', 'account', 'show']))).toMatchObject({
      tenantId: tenantIds.fabrikam,
      user: { name: clientIds.multitenant },
    });

    const directories = [first, second].map(({ outputs }) => dirname(outputs['federated-token-file'] ?? ''));
    const posts = await job.post();
    const removed = posts.map(({ log }) => directories.filter((directory) => log.includes(directory)));
    expect(removed).toEqual(directories.toReversed().map((directory) => [directory]));
    expect(directories.map((directory) => existsSync(directory))).toEqual([false, false]);
    job.close();
  });
});
