import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { azcopy, goProgram, kubelogin } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { isTokenRequest, type Storage, shortenNextTokens, startStorage } from './storage.ts';
import { goModules, printedVersion } from './versions.ts';

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
beforeEach(() => {
  machine.azure.faults.clear();
  machine.azure.clearRequests();
});

const app = { appid: clientIds.deployer, tid: tenantIds.contoso };

/** The assertions that clients showed to Entra, each once. */
const shownAssertions = (): ReadonlySet<string | null> =>
  new Set(machine.azure.requests.filter(isTokenRequest).map(({ form }) => form.get('client_assertion')));

const imdsRequests = () => machine.azure.requests.filter(({ leg }) => leg === 'imds');

/** The application ID of AKS's API server, the same in every tenant of the public cloud. */
const aksServer = '6dae42f8-4368-4678-94ff-3960e28e3630';

describe.each(oneOfEach)('$title', (host) => {
  test('kubelogin gets kubectl a token for AKS', async () => {
    const inputs = { export: 'kubelogin' };
    const job = host.job(machine.azure, machine);
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs });
    expect(errors).toEqual([]);
    machine.azure.clearRequests();

    // kubelogin keeps tokens in the home folder and takes them from there: a new home for each run.
    const inNewHome = [
      'bash',
      '-c',
      'HOME=$(mktemp --directory --tmpdir="$0") exec "$@"',
      machine.workshop,
    ] as const;
    const command = [...inNewHome, kubelogin.path, 'get-token', '--server-id', aksServer] as const;
    const credential = JSON.parse(await printedBy(job, command));
    expect(credential).toMatchObject({ kind: 'ExecCredential' });
    expect(claimsOf(credential.status.token)).toMatchObject({ ...app, aud: aksServer });
    expect(shownAssertions()).toEqual(new Set([readFileSync(outputs['federated-token-file'] ?? '', 'utf8')]));

    // The same by the option, as a kubeconfig written by `kubelogin convert-kubeconfig` has it.
    const byOption = [...command, '--login', 'workloadidentity'] as const;
    expect(claimsOf(JSON.parse(await printedBy(job, byOption)).status.token)).toMatchObject(app);
    expect(imdsRequests()).toEqual([]);

    const names = Object.keys(variables).sort();
    keepProof({
      tool: 'kubelogin',
      versions: goModules('github.com/Azure/kubelogin'),
      host: host.title,
      inputs,
      variables: host.kind === 'github' ? await variablesRead(job, names, command) : notTested(names),
      renewal: 'at each start',
      did: ['Got a token for an AKS cluster.'],
    });
    await job.post();
    job.close();
  });

  test('azcopy makes a container, copies a file into it and lists it', async () => {
    const inputs = { export: 'azcopy' };
    const job = host.job(machine.azure, machine);
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs });
    expect(errors).toEqual([]);
    machine.azure.clearRequests();

    const libraries = join(azcopyFolder, 'debian/usr/lib/x86_64-linux-gnu');
    const options = { environment: { LD_LIBRARY_PATH: libraries } };
    const container = `${storage.serviceUrl}made-by-${host.kind}`;
    const file = join(machine.workshop, 'report.csv');
    writeFileSync(file, 'region,total\n');
    await printedBy(job, [azcopy.path, 'make', container], options);
    await printedBy(job, [azcopy.path, 'copy', file, `${container}/report.csv`], options);
    // With tokens of a minute azcopy asks again for the same scope; with longer ones it asks once.
    await shortenNextTokens(machine.azure, 60, Number.POSITIVE_INFINITY);
    machine.azure.clearRequests();
    const list = [azcopy.path, 'list', container] as const;
    expect(await printedBy(job, list, options)).toMatch(/^report\.csv; .*13\.00 B$/mu);
    const scopes = machine.azure.requests.filter(isTokenRequest).map(({ form }) => form.get('scope'));
    expect(scopes.length).toBeGreaterThan(1);
    expect(new Set(scopes).size).toBe(1);
    machine.azure.faults.clear();
    expect(shownAssertions()).toEqual(new Set([readFileSync(outputs['federated-token-file'] ?? '', 'utf8')]));
    expect(imdsRequests()).toEqual([]);

    const names = Object.keys(variables).sort();
    keepProof({
      tool: 'azcopy',
      versions: printedVersion('azcopy', [azcopy.path, '--version'], /(\d+\.\d+\.\d+)/u, options.environment),
      host: host.title,
      inputs,
      variables: host.kind === 'github' ? await variablesRead(job, names, list, options) : notTested(names),
      renewal: 'by itself',
      did: ['Made a container.', 'Copied a file into it.', 'Listed its blobs.'],
    });
    await job.post();
    job.close();
  });

  test('go-azure-sdk, by which Terraform’s azurerm provider signs in, lists the subscriptions', async () => {
    const inputs = { export: 'terraform', 'subscription-id': subscriptionIds.contosoTest };
    const job = host.job(machine.azure, machine);
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs });
    expect(errors).toEqual([]);
    machine.azure.clearRequests();

    const command = [goProgram.path, 'terraform'] as const;
    const shortToken = await shortenNextTokens(machine.azure, 60);
    const { tokens, subscriptions } = JSON.parse(await printedBy(job, command));
    expect(tokens[0]).toBe(shortToken);
    expect(claimsOf(tokens[1])).toMatchObject(app);
    expect(
      subscriptions.value.map(({ subscriptionId }: { subscriptionId: string }) => subscriptionId),
    ).toContain(subscriptionIds.contosoTest);
    expect(shownAssertions()).toEqual(new Set([readFileSync(outputs['federated-token-file'] ?? '', 'utf8')]));
    expect(imdsRequests()).toEqual([]);

    const names = Object.keys(variables).sort();
    keepProof({
      tool: 'go-azure-sdk',
      versions: goModules('github.com/hashicorp/go-azure-sdk/sdk'),
      host: host.title,
      inputs: { export: 'terraform' },
      variables: host.kind === 'github' ? await variablesRead(job, names, command) : notTested(names),
      renewal: 'by itself',
      did: ['Listed the subscriptions that the app can read.'],
    });
    await job.post();
    job.close();
  });
});

const azcopyFolder = join(dirname(azcopy.path), '../../../../..');
