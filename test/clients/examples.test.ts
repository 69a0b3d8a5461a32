import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fillContainer } from '../../demo/blobs.ts';
import { type RunningAzurite, startAzurite } from '../../emulator/azurite.ts';
import {
  agentIdentityIds,
  clientIds,
  identities,
  subscriptionIds,
  tenantIds,
} from '../../emulator/default-world.ts';
import { type HostUnderTest, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { projectedToken } from '../scenarios/pods.ts';
import { exampleJobs, exampleNames } from './example-jobs.ts';
import { pythonWithSdk } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

const account = 'devstoreaccount1';
let machine: MachineWithClients;
let azurite: RunningAzurite;
beforeAll(async () => {
  machine = await startMachineWithClients();
  azurite = await startAzurite(machine.azure.ca.issue);
  await fillContainer({ url: `${azurite.blobUrl}/reports`, ca: machine.azure.ca.pem }, ['2026.csv']);
  machine.azure.proxy.map(`${account}.blob.core.windows.net`, azurite.port);
});
afterAll(async () => {
  await azurite.stop();
  await machine.stop();
});

/** What a reader sets, in the world of the tests. */
const variables = {
  APP_CLIENT_ID: clientIds.multitenant,
  APP_TENANT_ID: tenantIds.contoso,
  CUSTOMER_TENANT_ID: tenantIds.fabrikam,
  IDENTITY_CLIENT_ID: identities.runner.clientId,
  AGENT_BLUEPRINT_ID: clientIds.blueprint,
  AGENT_IDENTITY_ID: agentIdentityIds.triage,
  AZURE_SUBSCRIPTION: subscriptionIds.contosoProduction,
};
const own = {
  contosodata: account,
  '00000000-0000-0000-0000-00000000000a': clientIds.multitenant,
  '00000000-0000-0000-0000-00000000000b': clientIds.deployer,
  '11111111-1111-1111-1111-11111111111a': identities.runner.clientId,
  '11111111-1111-1111-1111-11111111111b': identities.runner.clientId,
};

/** What each example's commands print. */
const prints: Readonly<Record<string, readonly RegExp[]>> = {
  'agent-identity': [/^runners +westeurope/mu, new RegExp(clientIds.deployer, 'u')],
  'aks-runner-pods': [/"Contoso production"/u],
  'azure-cli': [/^runners +westeurope/mu, /^2026\.csv /mu],
  'azure-sdk-javascript': [/^2026\.csv$/mu],
  'azure-sdk-python': [/^2026\.csv$/mu],
  'container-apps-job': [/"Contoso production"/u],
  'cross-tenant': [/"Fabrikam"/u],
  'python-graph': [new RegExp(`^${clientIds.deployer} deployer$`, 'mu')],
  'several-apps': [/"Contoso production"/u, /"Contoso test"/u],
};

/** Examples of which only the step itself can run here: what their commands need lies outside. */
const commandsNotRun: Readonly<Record<string, string>> = {
  'azure-artifacts': 'feeds.test.ts runs them',
  'container-registry': 'container-registries.test.ts runs them, with a registry',
  opentofu: 'its providers are downloaded',
  powershell: 'Azure PowerShell comes from a gallery of its own',
  terraform: 'its providers are downloaded',
};

/** `scripts/install-clients.sh` and `npm ci` have done what these do. */
const installs = /\b(npm|pip"?) install\b/u;

/** The path at which AKS projects a pod's token, in the examples. */
const projectedPath = '/var/run/secrets/azure/tokens/azure-identity-token';

/** Runs an example's jobs and returns what their commands print. */
async function run(name: string, host: HostUnderTest): Promise<string> {
  const { azure } = machine;
  let printed = '';
  using pod = await projectedToken(azure);
  const inPod = name === 'aks-runner-pods';
  const set = { ...variables, ...(inPod && { APP_CLIENT_ID: clientIds.podDeployer }) };
  for (const { folder, steps } of exampleJobs(name, host, set, { ...own, [projectedPath]: pod.path })) {
    const job = host.job(azure, machine);
    symlinkSync(dirname(dirname(pythonWithSdk.path)), join(job.temp, 'sdk'));
    azure.clearRequests();
    for (const step of steps) {
      if (step.kind === 'entra-app-token') {
        expect((await job.step(step.inputs)).errors).toEqual([]);
      } else if (!(name in commandsNotRun || installs.test(step.command))) {
        printed += await printedBy(job, ['bash', '-e', '-c', step.command], {
          environment: step.environment,
          workingDirectory: folder,
        });
      }
    }
    // The commands are the app by what the step gave them, and none went to the machine's identity itself.
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(inPod ? 0 : 1);
    expect(azure.requests.filter(({ leg, status }) => leg !== 'proxy' && status !== 200)).toEqual([]);
    await job.post();
    job.close();
  }
  return printed;
}

test('every example is run', () => {
  expect([...Object.keys(prints), ...Object.keys(commandsNotRun)].sort()).toEqual(exampleNames);
});

describe.each(oneOfEach)('$title', (host) => {
  test.each(Object.entries(prints))('%s', async (name, expected) => {
    const printed = await run(name, host);
    for (const line of expected) expect(printed).toMatch(line);
  });

  test.each(Object.entries(commandsNotRun))('%s, its step only: %s', async (name) => {
    await run(name, host);
  });
});

const terraform = spawnSync('terraform', ['version'], { env: { ...process.env, CHECKPOINT_DISABLE: '1' } });
(terraform.status === 0 ? test : test.skip)(
  'terraform, if there is one, finds the examples well-formed',
  () => {
    for (const name of ['terraform', 'opentofu']) {
      const { status, stdout } = spawnSync('terraform', ['fmt', '-check', '-diff', `examples/${name}`]);
      expect([name, status, String(stdout)]).toEqual([name, 0, '']);
    }
  },
);
