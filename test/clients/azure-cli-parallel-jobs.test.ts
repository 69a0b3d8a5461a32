import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
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

const tenants = [tenantIds.contoso, tenantIds.fabrikam];

describe.each(oneOfEach)('$title', (host) => {
  test('two jobs of one machine are signed in to two tenants, and the end of one leaves the other signed in', async () => {
    const jobs = tenants.map((tenant) => ({ tenant, job: host.job(machine.azure, machine) }));
    const steps = await Promise.all(
      jobs.map(({ tenant, job }) =>
        job.step({
          ...goodInputs,
          'client-id': clientIds.multitenant,
          'tenant-id': tenant,
          login: 'azure-cli',
        }),
      ),
    );
    expect(steps.map(({ errors }) => errors)).toEqual([[], []]);
    const accounts = await Promise.all(
      jobs.map(async ({ job }) => JSON.parse(await printedBy(job, ['az', 'account', 'show'])).tenantId),
    );
    expect(accounts).toEqual(tenants);

    const [first, second] = jobs;
    await first?.job.post();
    const directories = steps.map(({ outputs }) => dirname(outputs['federated-token-file'] ?? ''));
    expect(directories.map((directory) => existsSync(directory))).toEqual([false, true]);
    if (second === undefined) throw new Error('There are two jobs.');
    const token = JSON.parse(
      await printedBy(second.job, [
        'az',
        'account',
        'get-access-token',
        '--scope',
        'https://vault.azure.net/.default',
      ]),
    ).accessToken;
    expect(claimsOf(token)).toMatchObject({ appid: clientIds.multitenant, tid: tenantIds.fabrikam });
    await second.job.post();
    for (const { job } of jobs) job.close();
  });
});
