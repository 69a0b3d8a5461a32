import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds } from '../../emulator/default-world.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { ansiblePlaybook } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { isTokenRequest } from './storage.ts';
import { pythonPackages } from './versions.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

const python = join(dirname(ansiblePlaybook.path), 'python');

/** The collection's version stands in its manifest only. */
function collectionVersion(): string {
  const source = 'import ansible_collections; print(list(ansible_collections.__path__)[0])';
  const collections = execFileSync(python, ['-c', source], { encoding: 'utf8' }).trim();
  const manifest = readFileSync(join(collections, 'azure', 'azcollection', 'MANIFEST.json'), 'utf8');
  return JSON.parse(manifest).collection_info.version;
}

describe.each(oneOfEach)('$title', (host) => {
  test('azure.azcollection lists the subscriptions and the resource groups', async () => {
    const { azure } = machine;
    const inputs = { export: 'ansible' };
    const job = host.job(azure, machine);
    const subscription = { 'subscription-id': subscriptionIds.contosoTest };
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs, ...subscription });
    expect(errors).toEqual([]);
    azure.clearRequests();

    const options = {
      environment: { ANSIBLE_NOCOLOR: '1', ANSIBLE_LOCALHOST_WARNING: 'False' },
    };
    const command = [
      ansiblePlaybook.path,
      '-i',
      'localhost,',
      resolve('test/clients/programs/playbook.yml'),
    ] as const;
    const printed = await printedBy(job, command, options);
    expect(printed).toContain('Contoso production, Contoso test / runners');

    const requests = azure.requests.filter(isTokenRequest);
    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    expect(new Set(requests.map(({ form }) => form.get('client_assertion')))).toEqual(new Set([assertion]));
    expect(new Set(requests.map(({ form }) => form.get('client_id')))).toEqual(new Set([clientIds.deployer]));
    // Each module is a program of its own.
    expect(requests).toHaveLength(2);
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const names = Object.keys(variables).sort();
    keepProof({
      tool: 'Ansible, azure.azcollection',
      versions: {
        ...pythonPackages(python, 'ansible', 'ansible-core'),
        'azure.azcollection': collectionVersion(),
      },
      host: host.title,
      inputs,
      variables:
        host.kind === 'github' ? await variablesRead(job, names, command, options) : notTested(names),
      renewal: 'at each start',
      did: ['Listed the subscriptions and the resource groups that the app can read.'],
    });
    await job.post();
    job.close();
  });
});
