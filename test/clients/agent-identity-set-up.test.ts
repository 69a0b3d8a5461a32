import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { agentIdentityIds, clientIds, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { callsByBash } from '../messages/message-context.ts';
import { goodInputs, type JobUnderTest, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { administratedWorld, administratorsJob } from './administrator.ts';
import { type LaterStep, laterStep, printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

/** What an administrator runs for agent identities, with the real az: the set-up script, and commands of messages. */

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

const sponsor = '5b0500e0-6666-4000-8000-000000000001';
const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const scope = `/subscriptions/${subscriptionIds.contosoProduction}/resourceGroups/runners`;
const words = (blueprint: string, agent: string): readonly string[] => [
  ...['runners', 'runner', blueprint, agent, sponsor, reader, scope],
];

/** Resource Manager has role assignments, and the embedded one has none. */
function answerRoleAssignments(): void {
  const assigned = { status: 201, body: { id: `${scope}/roleAssignments/x`, properties: {} } };
  machine.azure.faults.queue('arm', assigned, Number.POSITIVE_INFINITY, ({ method, path }) => {
    return method === 'PUT' && /\/providers\/Microsoft\.Authorization\/roleAssignments\//iu.test(path);
  });
}

const setUp = (given: readonly string[]): Promise<LaterStep> =>
  laterStep(job, ['infra/set-up-agent-identity.sh', ...given], { workingDirectory: process.cwd() });
const inputsIn = ({ stdout }: LaterStep): Readonly<Record<string, string>> =>
  Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(': ')),
  );
const requests = (leg: 'arm' | 'graph', method: string) =>
  machine.azure.requests.filter((one) => one.leg === leg && one.method === method);

test('run twice, it makes one blueprint with one agent identity, as which the step acts', async () => {
  answerRoleAssignments();
  const names = words(`the "new" blueprint's \\ name`, 'orders agent');
  const first = await setUp(names);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const inputs = inputsIn(first);
  expect(inputs).toEqual({
    ...goodInputs,
    'client-id': expect.any(String),
    'tenant-id': tenantIds.contoso,
    'agent-identity-id': expect.any(String),
  });
  const [assignment] = requests('arm', 'PUT');
  expect(assignment?.path.toLowerCase().startsWith(scope.toLowerCase())).toBe(true);
  expect(JSON.parse(assignment?.body ?? '')).toMatchObject({
    properties: { principalId: inputs['agent-identity-id'], principalType: 'ServicePrincipal' },
  });
  const bodies = requests('graph', 'POST').map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(bodies.map((body) => body['sponsors@odata.bind'])).toContainEqual([
    `https://graph.microsoft.com/v1.0/users/${sponsor}`,
  ]);

  machine.azure.clearRequests();
  const second = await setUp(names);
  expect([second.code, second.stdout]).toEqual([0, first.stdout]);
  expect(requests('graph', 'POST')).toEqual([]);

  for (const host of oneOfEach) {
    const { errors, outputs } = await runStepOn(host, machine.azure, inputs);
    expect(errors).toEqual([]);
    expect(decodeJwt(outputs['access-token'] ?? '')).toMatchObject({
      appid: inputs['agent-identity-id'],
      xms_par_app_azp: inputs['client-id'],
    });
  }
});

test('it waits until a new object appears everywhere', async () => {
  answerRoleAssignments();
  const notYet = (path: RegExp, code: string, message: string, status = 404): void => {
    machine.azure.faults.queue('graph', { status, body: { error: { code, message } } }, 1, (request) => {
      return request.method === 'POST' && path.test(request.path);
    });
  };
  notYet(
    /agentIdentityBlueprintPrincipal$/iu,
    'Request_BadRequest',
    'The appId of the service principal does not reference a valid application object.',
    400,
  );
  notYet(/federatedIdentityCredentials$/iu, 'Request_ResourceNotFound', 'Object with id x not found.');
  const outcome = await setUp(words('slow blueprint', 'slow agent'));
  expect(outcome.code).toBe(0);
  expect(outcome.stderr.match(/Waiting until the new object appears everywhere/gu)).toHaveLength(2);
  expect(inputsIn(outcome)['agent-identity-id']).toMatch(/^[0-9a-f-]{36}$/u);
});

test('another error ends it at once, with Graph’s own words', async () => {
  const denied = { error: { code: 'Authorization_RequestDenied', message: 'Insufficient privileges.' } };
  machine.azure.faults.queue('graph', { status: 403, body: denied }, 1, ({ method }) => method === 'POST');
  const outcome = await setUp(words('forbidden blueprint', 'agent'));
  expect(outcome).toMatchObject({ stdout: '', stderr: expect.stringContaining('Insufficient privileges') });
  expect(outcome.code).not.toBe(0);
  expect(requests('graph', 'POST')).toHaveLength(1);
});

test('without its arguments, it says how to call it and changes nothing', async () => {
  const outcome = await setUp(['runners', 'runner']);
  expect(outcome).toMatchObject({ code: 2, stdout: '' });
  expect(outcome.stderr).toContain('./set-up-agent-identity.sh <resource group> <identity>');
  expect(requests('graph', 'GET')).toEqual([]);
});

test('the printed command gives a blueprint the missing trust, and the step then succeeds', async () => {
  const [host] = oneOfEach;
  if (host === undefined) throw new Error('There are two hosts.');
  const inputs = {
    ...goodInputs,
    'client-id': clientIds.otherBlueprint,
    'agent-identity-id': agentIdentityIds.elsewhere,
  };
  const failed = await runStepOn(host, machine.azure, inputs);
  const [command = ''] = / {2}az rest --method post .*$/mu.exec(failed.log) ?? [];
  await printedBy(job, ['bash', '-c', command]);
  expect((await runStepOn(host, machine.azure, inputs)).errors).toEqual([]);

  // The other half of the same diagnosis: only the audience differs.
  const world = administratedWorld();
  const applications = world.applications.map((one) =>
    one.clientId === clientIds.blueprint
      ? {
          ...one,
          federatedCredentials: one.federatedCredentials.map((trust) => ({
            ...trust,
            audiences: ['api://x'],
          })),
        }
      : one,
  );
  machine.azure.setWorld({ ...world, applications });
  const agent = { ...inputs, 'client-id': clientIds.blueprint, 'agent-identity-id': agentIdentityIds.triage };
  const differs = await runStepOn(host, machine.azure, agent);
  const [update = ''] = / {2}az rest --method patch .*$/mu.exec(differs.log) ?? [];
  expect(callsByBash(update)).toHaveLength(2);
  await printedBy(job, ['bash', '-c', update]);
  expect((await runStepOn(host, machine.azure, agent)).errors).toEqual([]);
});

test('the commands of the other fixes find and enable agent identities', async () => {
  machine.azure.setWorld(administratedWorld());
  const [host] = oneOfEach;
  if (host === undefined) throw new Error('There are two hosts.');
  const printed = async (inputs: Readonly<Record<string, string>>): Promise<string> => {
    const { log } = await runStepOn(host, machine.azure, { ...goodInputs, ...inputs });
    const [, command = ''] = /(?:^ {2}|To enable it: )(az .*)$/mu.exec(log) ?? [];
    return printedBy(job, ['bash', '-c', command]);
  };
  const blueprint = { 'client-id': clientIds.blueprint };
  const { triage, elsewhere, disabled } = agentIdentityIds;
  const listed = await printed(blueprint);
  expect(listed).toContain(`triage-agent\t${triage}`);
  expect(listed).not.toContain(elsewhere);
  expect((await printed({ ...blueprint, 'agent-identity-id': elsewhere })).trim()).toBe(
    clientIds.otherBlueprint,
  );
  await printed({ ...blueprint, 'agent-identity-id': disabled });
  const enabled = { ...goodInputs, ...blueprint, 'agent-identity-id': disabled };
  expect((await runStepOn(host, machine.azure, enabled)).errors).toEqual([]);
});
