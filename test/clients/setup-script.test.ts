import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { identities, tenantIds } from '../../emulator/default-world.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { administratedWorld, administratorsJob } from './administrator.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
  machine.azure.setWorld(administratedWorld());
});
afterAll(() => machine.stop());

/** What Resource Manager has and the embedded one has not: the group, the machine, and changes of either. */
const answered = [
  { method: 'GET', path: /\/resourcegroups\/runners$/iu },
  { method: 'PUT', path: /\/userAssignedIdentities\/runner$/iu },
  { method: 'GET', path: /\/virtualMachines\/runner-01$/iu },
  { method: 'PATCH', path: /\/virtualMachines\/runner-01$/iu },
];

test('infra/set-up.sh, run twice, makes one app that the machine’s identity becomes', async () => {
  const { azure } = machine;
  const [host] = oneOfEach;
  if (host === undefined) throw new Error('There are two hosts.');
  for (const { method, path } of answered) {
    const answer = { status: 200, body: { location: 'westeurope' } };
    azure.faults.queue('arm', answer, Number.POSITIVE_INFINITY, (request) => {
      return request.method === method && path.test(request.path);
    });
  }
  const job = await administratorsJob(host, machine);
  const setUp = () =>
    printedBy(job, ['infra/set-up.sh', 'runners', 'runner', 'new app', 'runner-01'], {
      workingDirectory: process.cwd(),
    });

  const printed = await setUp();
  const inputs = Object.fromEntries(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split(': ')),
  );
  expect(inputs).toEqual({
    ...goodInputs,
    'client-id': expect.any(String),
    'tenant-id': tenantIds.contoso,
  });
  const patch = azure.requests.find(({ method }) => method === 'PATCH');
  expect(patch?.body).toContain(identities.runner.resourceId);
  expect(await setUp()).toBe(printed);
  job.close();

  for (const one of oneOfEach) expect((await runStepOn(one, azure, inputs)).errors).toEqual([]);
});
