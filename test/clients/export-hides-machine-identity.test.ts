import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, type JobUnderTest, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { pythonWithSdk } from './installed.ts';
import { laterStep, printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

type Command = readonly [string, ...string[]];

/** `ManagedIdentityCredential`, without an ID or with that of the identity, prints a token. */
const languages: Readonly<Record<string, (clientId?: string) => Command>> = {
  JavaScript: (clientId) => [
    'node',
    '--input-type=module',
    '--eval',
    `import { ManagedIdentityCredential } from '@azure/identity';
    const credential = new ManagedIdentityCredential(${JSON.stringify(clientId === undefined ? {} : { clientId })});
    console.log((await credential.getToken('https://vault.azure.net/.default')).token);`,
  ],
  Python: (clientId) => [
    pythonWithSdk.path,
    '-c',
    `from azure.identity import ManagedIdentityCredential
credential = ManagedIdentityCredential(${clientId === undefined ? '' : `client_id='${clientId}'`})
print(credential.get_token('https://vault.azure.net/.default').token)`,
  ],
};

/** Modules are found from the folder, as in a checked-out repository. */
const inRepository = { workingDirectory: resolve('examples/azure-sdk-javascript') };
const whoGotToken = async (job: JobUnderTest, command: Command): Promise<unknown> =>
  claimsOf((await printedBy(job, command, inRepository)).trim())['appid'];

describe.each(oneOfEach)('$title', (host) => {
  test.each(Object.entries(languages))(
    '%s: after `export: azure-sdk` ManagedIdentityCredential is the app, until the file’s variable is unset',
    async (_, managedIdentity) => {
      const { clientId } = identities.runner;
      const job = host.job(machine.azure, machine);
      expect(await whoGotToken(job, managedIdentity(clientId))).toBe(clientId);

      expect((await job.step({ ...goodInputs, export: 'azure-sdk' })).errors).toEqual([]);
      expect(await whoGotToken(job, managedIdentity())).toBe(clientIds.deployer);
      const { code, stderr } = await laterStep(job, managedIdentity(clientId), inRepository);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(new RegExp(`AADSTS700016: .*'${clientId}'`, 'u'));

      const unset: Command = ['env', '--unset=AZURE_FEDERATED_TOKEN_FILE', ...managedIdentity(clientId)];
      expect(await whoGotToken(job, unset)).toBe(clientId);
      await job.post();
      job.close();
    },
  );

  test('scoped tokens leave the machine’s identity to the later steps', async () => {
    const { clientId } = identities.runner;
    const job = host.job(machine.azure, machine);
    expect((await job.step({ ...goodInputs, scopes: 'arm' })).errors).toEqual([]);
    for (const managedIdentity of Object.values(languages)) {
      expect(await whoGotToken(job, managedIdentity(clientId))).toBe(clientId);
    }
    await job.post();
    job.close();
  });
});
