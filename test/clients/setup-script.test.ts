import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { goodInputs, type JobUnderTest, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { administratedWorld, administratorsJob } from './administrator.ts';
import { type LaterStep, laterStep } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
let job: JobUnderTest;
beforeAll(async () => {
  machine = await startMachineWithClients();
  machine.azure.setWorld(administratedWorld());
  const [host] = oneOfEach;
  if (host === undefined) throw new Error('There are two hosts.');
  job = await administratorsJob(host, machine);
});
afterAll(async () => {
  job.close();
  await machine.stop();
});
beforeEach(() => {
  machine.azure.faults.clear();
  machine.azure.clearRequests();
});

/** What Resource Manager has and the embedded one has not: the group, the machines, and changes of each. */
const answered = [
  { method: 'GET', path: /\/resourcegroups\/runners$/iu },
  { method: 'PUT', path: /\/userAssignedIdentities\/runner$/iu },
  { method: 'GET', path: /\/virtualMachines\/runner-01$/iu },
  { method: 'PATCH', path: /\/virtualMachines\/runner-01$/iu },
  { method: 'GET', path: /\/virtualMachineScaleSets\/runners$/iu },
  { method: 'PATCH', path: /\/virtualMachineScaleSets\/runners$/iu },
];

/** The part of Graph that the embedded one has not: the application's unique name, which can be set once. */
const application = /^\/v1\.0\/applications\(appId='[^']+'\)$/u;

interface Directory {
  /** The name that the application has before the script runs. */
  readonly uniqueName?: string;
  readonly upgrades?: 'Automatic' | 'Manual';
}

async function setUp(words: readonly string[], directory: Directory = {}): Promise<LaterStep> {
  const { faults } = machine.azure;
  const properties = { upgradePolicy: { mode: directory.upgrades ?? 'Automatic' } };
  const answer = { status: 200, body: { location: 'westeurope', properties } };
  for (const { method, path } of answered) {
    faults.queue('arm', answer, Number.POSITIVE_INFINITY, (request) => {
      return request.method === method && path.test(request.path);
    });
  }
  const uniqueName = directory.uniqueName ?? null;
  const ofApplication = (method: string) => (request: { method: string; path: string }) =>
    request.method === method && application.test(decodeURIComponent(request.path));
  faults.queue('graph', { status: 200, body: { uniqueName } }, 1, ofApplication('GET'));
  faults.queue('graph', { status: 204 }, 1, ofApplication('PATCH'));
  return laterStep(job, ['infra/set-up.sh', ...words], { workingDirectory: process.cwd() });
}

/** The inputs of the step that the script prints. */
function inputsIn({ stdout }: LaterStep): Readonly<Record<string, string>> {
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(': ')));
}

const changes = (leg: 'arm' | 'graph') =>
  machine.azure.requests.filter((one) => one.leg === leg && one.method === 'PATCH');

test('run twice, it makes one app that the machine’s identity becomes', async () => {
  const words = ['runners', 'runner', 'new app', 'runner-01'];
  const first = await setUp(words);
  expect(first).toMatchObject({ code: 0 });
  const inputs = inputsIn(first);
  expect(inputs).toEqual({
    ...goodInputs,
    'client-id': expect.any(String),
    'tenant-id': tenantIds.contoso,
  });
  expect(changes('arm').map(({ body }) => body)).toEqual([
    expect.stringContaining(identities.runner.resourceId),
  ]);
  const second = await setUp(words, { uniqueName: 'new app' });
  expect([second.code, second.stdout]).toEqual([0, first.stdout]);

  for (const one of oneOfEach) expect((await runStepOn(one, machine.azure, inputs)).errors).toEqual([]);
});

describe('the unique name, by which Bicep finds the app', () => {
  test('an app without one gets it, also with characters that mean something in JSON or in a shell', async () => {
    const name = 'the "new" app \\ $HOME';
    expect(await setUp(['runners', 'runner', name, 'runner-01'])).toMatchObject({ code: 0 });
    expect(changes('graph').map(({ body }) => JSON.parse(body))).toEqual([{ uniqueName: name }]);
  });

  test('an app that has one keeps it', async () => {
    const name = "the runners' app";
    const world = administratedWorld();
    const applications = world.applications.map((one) =>
      one.clientId === clientIds.trustless ? { ...one, displayName: name } : one,
    );
    machine.azure.setWorld({ ...world, applications });
    const outcome = await setUp(['runners', 'runner', name, 'runner-01'], { uniqueName: 'deployer' });
    expect(outcome.code).toBe(0);
    expect(inputsIn(outcome)['client-id']).toBe(clientIds.trustless);
    expect(changes('graph')).toEqual([]);
  });
});

describe('a scale set', () => {
  const words = ['--scale-set', 'runners', 'runner', 'new app', 'runners'];
  const update = "az vmss update-instances --resource-group runners --name runners --instance-ids '*'";

  test('gets the identity; with manual upgrades, the command for its running machines is printed', async () => {
    const outcome = await setUp(words, { uniqueName: 'new app', upgrades: 'Manual' });
    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining(update) });
    expect(Object.keys(inputsIn(outcome))).toEqual(['client-id', 'tenant-id', 'managed-identity-client-id']);
    const [change, ...more] = changes('arm');
    expect(change?.path).toMatch(/\/virtualMachineScaleSets\/runners$/iu);
    expect(change?.body).toContain(identities.runner.resourceId);
    expect(more).toEqual([]);
  });

  test('with automatic upgrades, nothing is left to do', async () => {
    const outcome = await setUp(words, { uniqueName: 'new app', upgrades: 'Automatic' });
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).not.toContain('update-instances');
  });
});

test('without its arguments, it says how to call it and changes nothing', async () => {
  const outcome = await setUp(['--scale-set', 'runners']);
  expect(outcome).toMatchObject({ code: 2, stdout: '' });
  expect(outcome.stderr).toContain('./set-up.sh --scale-set <resource group> <identity> <app> <scale set>');
  expect(machine.azure.requests.filter(({ leg }) => leg === 'graph')).toEqual([]);
});
