import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { subscriptionIds } from '../../emulator/default-world.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { isTokenRequest, type Storage, shortenNextTokens, startStorage } from './storage.ts';

/** Terraform comes with the machine or not at all: no package registry of this project has it. */
const version = /"terraform_version": "([^"]+)"/u.exec(
  spawnSync('terraform', ['version', '-json'], { encoding: 'utf8' }).stdout ?? '',
)?.[1];

let machine: MachineWithClients;
let storage: Storage;
beforeAll(async () => {
  machine = await startMachineWithClients();
  storage = await startStorage(machine.azure);
});
afterAll(async () => {
  await storage.stop();
  await machine.stop();
});
beforeEach(() => machine.azure.faults.clear());

/** A configuration that needs no provider from a registry: `terraform_data` is built in. */
const configuration = (key: string): string => `
terraform {
  backend "azurerm" {
    storage_account_name = "${storage.account}"
    container_name       = "${storage.container}"
    key                  = "${key}"
    use_azuread_auth     = true
  }
}

resource "terraform_data" "example" {
  input = "applied"
}

output "example" {
  value = terraform_data.example.output
}
`;

describe.each(oneOfEach)('$title', (host) => {
  if (version === undefined) {
    test.skip('terraform is not installed on this machine, so its azurerm backend is not tested', () =>
      undefined);
    return;
  }

  test('init, plan and apply with the state in a container, renewing the token', async () => {
    const { azure } = machine;
    const inputs = { export: 'terraform' };
    const job = host.job(azure, machine);
    const subscription = { 'subscription-id': subscriptionIds.contosoTest };
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs, ...subscription });
    expect(errors).toEqual([]);
    azure.clearRequests();

    const folder = join(machine.workshop, `terraform-${host.kind}`);
    mkdirSync(folder);
    const key = `${host.kind}.tfstate`;
    writeFileSync(join(folder, 'main.tf'), configuration(key));
    const options = {
      workingDirectory: folder,
      environment: { CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' },
    };
    const terraform = (...words: readonly string[]) =>
      printedBy(job, ['terraform', ...words, '-no-color'], options);

    await terraform('init', '-input=false');
    await terraform('plan', '-input=false', '-out=plan');
    // Tokens of a minute: Terraform renews them twenty minutes before their end, so at every request.
    await shortenNextTokens(azure, 60, Number.POSITIVE_INFINITY);
    azure.clearRequests();
    expect(await terraform('apply', '-input=false', 'plan')).toContain('example = "applied"');
    const tokenRequests = azure.requests.filter(isTokenRequest);
    expect(tokenRequests.length).toBeGreaterThan(1);
    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    expect(new Set(tokenRequests.map(({ form }) => form.get('client_assertion')))).toEqual(
      new Set([assertion]),
    );
    azure.faults.clear();

    // The state lies in the container and nowhere else.
    expect(await terraform('state', 'list')).toBe('terraform_data.example\n');
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const names = Object.keys(variables).sort();
    keepProof({
      tool: 'Terraform, azurerm backend',
      versions: { terraform: version },
      host: host.title,
      inputs,
      variables:
        host.kind === 'github'
          ? await variablesRead(job, names, ['terraform', 'state', 'list'], options)
          : notTested(names),
      renewal: 'by itself',
      did: [
        'Initialized the backend.',
        'Planned and applied with the state in a container.',
        'Listed the state.',
      ],
    });
    await job.post();
    job.close();
  });
});
