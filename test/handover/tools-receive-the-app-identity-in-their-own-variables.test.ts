import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, identities, subscriptionIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, runStepOn } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const both = {
  ...goodInputs,
  export: 'azure-sdk, terraform',
  'subscription-id': subscriptionIds.contosoTest,
};
/** What the hosts and their libraries leave in the temporary folder while a job runs. */
const ofTheHost = ['_github_workflow', '_runner_file_commands', '.taskkey'];
const tokenRequests = () => azure.requests.filter(({ leg }) => leg === 'imds' || leg === 'entra');

describe.each(hostsUnderTest)('$title', (host) => {
  test('both sets of variables name one private file, which the clean-up removes', async () => {
    azure.clearRequests();
    const job = host.job(azure);
    const before = readdirSync(job.temp);
    const { succeeded, log, outputs, variables, transcript } = await job.step({
      ...both,
      'tenant-id': 'contoso.onmicrosoft.com',
    });
    expect(log).toContain('until');
    expect(succeeded).toBe(true);
    expect(tokenRequests()).toHaveLength(2);

    const file = outputs['federated-token-file'] ?? '';
    expect(variables).toEqual({
      AZURE_CLIENT_ID: clientIds.deployer,
      AZURE_TENANT_ID: tenantIds.contoso,
      AZURE_FEDERATED_TOKEN_FILE: file,
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
      ARM_CLIENT_ID: clientIds.deployer,
      ARM_TENANT_ID: tenantIds.contoso,
      ARM_SUBSCRIPTION_ID: subscriptionIds.contosoTest,
      ARM_USE_OIDC: 'true',
      ARM_OIDC_TOKEN_FILE_PATH: file,
      ARM_ENVIRONMENT: 'public',
    });
    expect(Object.keys(outputs).sort()).toEqual(['federated-token-expires-on', 'federated-token-file']);
    const assertion = readFileSync(file, 'utf8');
    const { sub, exp = 0 } = decodeJwt(assertion);
    expect(sub).toBe(identities.runner.objectId);
    expect(Date.parse(outputs['federated-token-expires-on'] ?? '')).toBe(exp * 1000);
    expect(log).toContain(outputs['federated-token-expires-on'] ?? '-');
    expect([statSync(file), statSync(dirname(file))].map(({ mode }) => (mode & 0o777).toString(8))).toEqual([
      '600',
      '700',
    ]);
    expect(dirname(dirname(file))).toBe(job.temp);
    assertNoSecretLeaks(transcript, [assertion], {});

    const [post] = await job.post();
    expect(post?.succeeded).toBe(true);
    expect(post?.log).toContain(`Removed ${dirname(file)} with the identity’s token.`);
    expect(readdirSync(job.temp).filter((name) => !ofTheHost.includes(name))).toEqual(before);
    job.close();
  });

  test('a subscription of the job stays if the step has none, and the log says so', async () => {
    const { log, variables } = await runStepOn(
      host,
      azure,
      { ...goodInputs, export: 'terraform' },
      { environment: { ARM_SUBSCRIPTION_ID: subscriptionIds.fabrikam } },
    );
    expect(variables).not.toHaveProperty('ARM_SUBSCRIPTION_ID');
    expect(log).toContain('ARM_SUBSCRIPTION_ID keeps its value in this job');
    const given = await runStepOn(host, azure, { ...goodInputs, export: 'terraform' });
    expect(given.log).not.toContain('keeps its value');
  });

  test('tokens are handed over too only if scopes name them', async () => {
    const { outputs, variables } = await runStepOn(host, azure, {
      ...goodInputs,
      export: 'azure-sdk',
      scopes: 'GRAPH = graph',
    });
    expect(Object.keys(outputs)).toHaveLength(5);
    expect(Object.keys(variables).sort()).toEqual([
      'AZURE_AUTHORITY_HOST',
      'AZURE_CLIENT_ID',
      'AZURE_FEDERATED_TOKEN_FILE',
      'AZURE_TENANT_ID',
      'GRAPH',
    ]);
  });

  test('a second use in the job replaces the first and says so, and each removes its own files', async () => {
    const job = host.job(azure);
    const first = await job.step(both);
    const second = await job.step({
      ...both,
      'client-id': clientIds.multitenant,
      'tenant-id': tenantIds.fabrikam,
      'subscription-id': subscriptionIds.fabrikam,
    });
    expect([first.succeeded, second.succeeded]).toEqual([true, true]);
    expect(first.log).not.toContain('had another value');
    expect(second.variables['AZURE_TENANT_ID']).toBe(tenantIds.fabrikam);
    expect(second.log).toContain('AZURE_CLIENT_ID had another value in this job. The new value replaces it');
    expect(second.log).not.toContain('AZURE_AUTHORITY_HOST had another value');
    const directories = [first, second].map(({ outputs }) => dirname(outputs['federated-token-file'] ?? ''));
    const present = (): readonly string[] =>
      readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'));
    expect(present()).toHaveLength(2);
    const posts = await job.post();
    expect(posts.map(({ log }) => directories.findIndex((path) => log.includes(`Removed ${path}`)))).toEqual([
      1, 0,
    ]);
    expect(present()).toEqual([]);
    job.close();
  });

  test('a conflicting variable ends the step before any request', async () => {
    azure.clearRequests();
    const { succeeded, errors, outputs, log } = await runStepOn(host, azure, both, {
      environment: { AZURE_CLIENT_SECRET: 'hush-hush', ARM_USE_MSI: 'true', ARM_CLIENT_SECRET: '' },
    });
    expect(succeeded).toBe(false);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('AZURE_CLIENT_SECRET is a secret');
    expect(errors[0]).toContain('ARM_USE_MSI makes Terraform');
    expect(errors[0]).not.toContain('ARM_CLIENT_SECRET');
    expect(log).not.toContain('hush-hush');
    expect(azure.requests).toEqual([]);
    expect(outputs).toEqual({});
  });

  test('credentials that expire within an hour are a warning', async () => {
    const world = worldFor('public');
    azure.setWorld({
      ...world,
      identities: world.identities.map((identity) => ({ ...identity, tokenLifetime: 1800 })),
    });
    const { succeeded, transcript } = await runStepOn(host, azure, both);
    azure.setWorld(world);
    expect(succeeded).toBe(true);
    expect(transcript.annotations.filter(({ level }) => level === 'warning')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('expire early') }),
    ]);
    const ordinary = await runStepOn(host, azure, both);
    expect(ordinary.transcript.annotations).toEqual([]);
  });

  test('a failed exchange writes nothing, and the clean-up finds nothing', async () => {
    const job = host.job(azure);
    const { succeeded } = await job.step({ ...both, 'client-id': clientIds.disabled });
    expect(succeeded).toBe(false);
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    const [post] = await job.post();
    expect(post?.succeeded).toBe(true);
    expect(post?.log).toContain('Nothing to remove: ');
    job.close();
  });

  test('without export or login nothing is written', async () => {
    const job = host.job(azure);
    await job.step(goodInputs);
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    const [post] = await job.post();
    expect(post?.transcript.raw).toEqual({ stdout: '', stderr: '' });
    job.close();
  });
});
