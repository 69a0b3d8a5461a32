import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { entraError, type RecordedRequest } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { podToken, projectedToken } from '../scenarios/pods.ts';
import { laterStep, printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { processTable } from './process-table.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
beforeEach(() => {
  machine.azure.faults.clear();
  machine.azure.setWorld(worldFor('public'));
});
afterAll(() => machine.stop());

const inputs = { ...goodInputs, login: 'azure-cli', 'subscription-id': subscriptionIds.contosoTest };
const showToken = ['az', 'account', 'get-access-token', '--resource', 'https://graph.microsoft.com'] as const;
const showAccount = ['az', 'account', 'show'] as const;

/** az asking for a token; the step itself asks by Node. */
const isAzSigningIn = ({ leg, method, headers }: RecordedRequest): boolean =>
  leg === 'entra' && method === 'POST' && headers['user-agent']?.startsWith('python') === true;

/** What lies in a folder, but for what the host itself puts there for every step. */
const contents = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(_github_workflow|_runner_file_commands|\.taskkey)/u.test(name))
    .sort();

describe.each(oneOfEach)('$title', (host) => {
  test('a later step’s az is the app in the subscription given, and the job’s end leaves nothing of it', async () => {
    const ownFiles = contents(machine.home);
    const job = host.job(machine.azure, machine);
    expect((await job.step(inputs)).errors).toEqual([]);

    const { accessToken, ...shown } = JSON.parse(await printedBy(job, showToken));
    expect(claimsOf(accessToken)).toMatchObject({
      appid: clientIds.deployer,
      tid: tenantIds.contoso,
      aud: 'https://graph.microsoft.com',
    });
    expect(shown).toMatchObject({ subscription: subscriptionIds.contosoTest, tenant: tenantIds.contoso });
    expect(JSON.parse(await printedBy(job, showAccount))).toMatchObject({
      id: subscriptionIds.contosoTest,
      tenantId: tenantIds.contoso,
      user: { name: clientIds.deployer, type: 'servicePrincipal' },
    });

    expect(contents(job.temp)).not.toEqual([]);
    const [post] = await job.post();
    expect(post?.log).toContain('with the Azure CLI’s session and the identity’s token');
    expect(contents(job.temp)).toEqual([]);
    expect(contents(machine.home)).toEqual(ownFiles);
    job.close();
  });

  test('while az signs in, neither the process table nor the log shows the assertion', async () => {
    const job = host.job(machine.azure, machine);
    const table = machine.azure.nextRequest(isAzSigningIn).then(processTable);
    const { outputs, transcript } = await job.step(inputs);
    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    expect(claimsOf(assertion)).toMatchObject({ iss: expect.stringContaining(tenantIds.contoso) });

    const seen = await table;
    const az = seen.filter(({ words }) => words.includes(`@${outputs['federated-token-file']}`));
    expect(az.map(({ words }) => words.includes('--federated-token'))).toEqual([true]);
    const showing = seen.filter(({ words, environment }) =>
      [...words, environment].some((text) => text.includes(assertion)),
    );
    expect(showing.map(({ pid }) => pid)).toEqual([]);

    const { accessToken } = JSON.parse(await printedBy(job, showToken));
    const posts = await job.post();
    assertNoSecretLeaks([transcript, ...posts.map((post) => post.transcript)], [assertion, accessToken]);
    job.close();
  });

  test('a subscription that the app does not see fails with az’s words and names the missing role', async () => {
    const job = host.job(machine.azure, machine);
    const { errors, outputs, variables } = await job.step({
      ...inputs,
      'subscription-id': subscriptionIds.fabrikam,
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`could not select subscription ${subscriptionIds.fabrikam}`);
    expect(errors[0]).toMatch(/\| ERROR: The subscription of '50b5c217.*bb01' doesn't exist/u);
    expect(errors[0]).toContain(
      `az role assignment create --assignee ${clientIds.deployer} --role Reader --scope /subscriptions/${subscriptionIds.fabrikam}`,
    );
    expect([outputs, variables]).toEqual([{}, {}]);
    await job.post();
    expect(contents(job.temp)).toEqual([]);
    job.close();
  });

  test('an error that only az gets from Entra is shown in az’s own words', async () => {
    const { azure } = machine;
    azure.faults.queue('entra', entraError(53003), Number.POSITIVE_INFINITY, isAzSigningIn);
    const job = host.job(azure, machine);
    const { errors } = await job.step(inputs);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`Could not sign the Azure CLI in as app ${clientIds.deployer}`);
    expect(errors[0]).toMatch(/\| ERROR: AADSTS53003: .*Conditional Access/u);
    expect(errors[0]).toContain('https://login.microsoftonline.com/error?code=53003');
    job.close();
  });

  test('in another cloud az works in that cloud', async () => {
    const { azure } = machine;
    azure.setWorld(worldFor('usgovernment'));
    const job = host.job(azure, machine);
    expect((await job.step({ ...inputs, cloud: 'usgovernment' })).errors).toEqual([]);
    const { accessToken } = JSON.parse(await printedBy(job, ['az', 'account', 'get-access-token']));
    expect(claimsOf(accessToken)).toMatchObject({ aud: 'https://management.core.usgovcloudapi.net/' });
    expect(JSON.parse(await printedBy(job, showAccount))).toMatchObject({
      environmentName: 'AzureUSGovernment',
      id: subscriptionIds.contosoTest,
    });
    job.close();
  });

  test('in a pod az keeps the token that it read, and a second use of the step gives it the next one', async () => {
    const { azure } = machine;
    using pod = await projectedToken(azure);
    const job = host.job(azure, machine);
    const inPod = { ...pod.inputs, login: 'azure-cli' };
    const step = await job.step(inPod);
    expect(step.errors).toEqual([]);
    expect(step.log).toContain('az does not read the file again');
    const { accessToken } = JSON.parse(await printedBy(job, showToken));
    expect(claimsOf(accessToken)).toMatchObject({ appid: clientIds.podDeployer });

    // The first token is worth nothing now: the cluster no longer publishes its key.
    await azure.cluster.rotateKey();
    pod.project(await podToken(azure));
    azure.cluster.retireOldKeys();
    const vault = ['az', 'account', 'get-access-token', '--resource', 'https://vault.azure.net'] as const;
    const { code, stderr } = await laterStep(job, vault);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/AADSTS\d+/u);
    expect((await job.step(inPod)).errors).toEqual([]);
    expect(JSON.parse(await printedBy(job, vault))).toHaveProperty('accessToken');

    await job.post();
    expect(contents(job.temp)).toEqual([]);
    expect(readFileSync(pod.path, 'utf8')).not.toBe('');
    job.close();
  });

  test('a job without a sign-in has none: az asks for one, whatever its neighbours are', async () => {
    const neighbour = host.job(machine.azure, machine);
    expect((await neighbour.step(inputs)).errors).toEqual([]);
    const job = host.job(machine.azure, machine);
    const { code, stderr } = await laterStep(job, showAccount);
    expect(code).not.toBe(0);
    expect(stderr).toContain("Please run 'az login'");
    await neighbour.post();
    neighbour.close();
    job.close();
  });
});
