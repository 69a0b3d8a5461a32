import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import type { RecordedRequest } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { pythonWithSdk } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

/** One credential, asked twice for the same: a line for each token. */
const askingTwice: Readonly<Record<string, readonly [string, ...string[]]>> = {
  JavaScript: [
    'node',
    '--input-type=module',
    '--eval',
    `import { DefaultAzureCredential } from '@azure/identity';
    const credential = new DefaultAzureCredential();
    for (const _ of [1, 2]) console.log((await credential.getToken('https://storage.azure.com/.default')).token);`,
  ],
  Python: [
    pythonWithSdk.path,
    '-c',
    `from azure.identity import DefaultAzureCredential
credential = DefaultAzureCredential()
for _ in (1, 2): print(credential.get_token('https://storage.azure.com/.default').token)`,
  ],
};

const asksForToken = ({ leg, method }: RecordedRequest): boolean => leg === 'entra' && method === 'POST';

describe.each(oneOfEach)('$title', (host) => {
  test.each(Object.entries(askingTwice))('%s', async (_, program) => {
    const { azure } = machine;
    const job = host.job(azure, machine);
    const { errors, outputs, variables } = await job.step({ ...goodInputs, export: 'azure-sdk' });
    expect(errors).toEqual([]);
    expect(Object.keys(variables).sort()).toEqual([
      'AZURE_AUTHORITY_HOST',
      'AZURE_CLIENT_ID',
      'AZURE_FEDERATED_TOKEN_FILE',
      'AZURE_TENANT_ID',
    ]);

    azure.clearRequests();
    const over = { token_type: 'Bearer', expires_in: 0, access_token: 'over-on-arrival' };
    azure.faults.queue('entra', { status: 200, body: over }, 1, asksForToken);
    const [first, second] = (
      await printedBy(job, program, { workingDirectory: resolve('examples/azure-sdk-javascript') })
    ).split('\n');

    expect(first).toBe('over-on-arrival');
    expect(claimsOf(second)).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    expect(azure.requests.filter(asksForToken).map(({ form }) => form.get('client_assertion'))).toEqual([
      assertion,
      assertion,
    ]);
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);
    await job.post();
    job.close();
  });
});
