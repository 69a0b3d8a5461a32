import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, clusterIssuer, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, entraError, startEmulator } from '../../emulator/emulator.ts';
import { gitEnvironment } from '../handover/repositories.ts';
import { recordCall, standInAz, tempFolder } from '../handover/temp-folder.ts';
import { callsByBash } from '../messages/message-context.ts';
import { hostsUnderTest, type Outcome, oneOfEach, runStepOn } from './hosts-under-test.ts';
import { makeHugeFile, makePipe, podToken, projectedToken } from './pods.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => azure.clearRequests());
afterEach(() => {
  azure.faults.clear();
  azure.setWorld(worldFor('public'));
});

const legs = () => azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy');
const presented = () =>
  azure.requests.filter(({ leg }) => leg === 'entra').map(({ form }) => form.get('client_assertion'));
const warningsOf = ({ transcript }: Outcome): readonly string[] =>
  transcript.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
const privateEntries = (folder: string): readonly string[] =>
  readdirSync(folder).filter((name) => name.startsWith('entra-app-token-'));

describe.each(hostsUnderTest)('$title', (host) => {
  test('the pod’s own token becomes the app’s, and the metadata service is not asked', async () => {
    using pod = await projectedToken(azure);
    const { errors, outputs, variables, log } = await runStepOn(host, azure, {
      ...pod.inputs,
      scopes: 'ARM_TOKEN = arm\nGRAPH_TOKEN = graph',
    });
    expect(errors).toEqual([]);
    expect(legs()).toEqual(['entra', 'entra']);
    const token = readFileSync(pod.path, 'utf8');
    expect(presented()).toEqual([token, token]);
    expect(decodeJwt(variables['ARM_TOKEN'] ?? '')).toMatchObject({ appid: clientIds.podDeployer });
    expect(outputs).not.toHaveProperty('federated-token-file');
    expect(log).toContain(
      `Service account system:serviceaccount:ci:runner became app ${clientIds.podDeployer} in tenant ${tenantIds.contoso}:`,
    );
    expect(log).toContain(`assertion (the pod’s service account token), in ${pod.path}, valid until`);
  });

  test('a token that is replaced while the step waits is presented at the next try', async () => {
    using pod = await projectedToken(azure, { lifetime: 600 });
    const first = readFileSync(pod.path, 'utf8');
    await azure.cluster.rotateKey();
    const second = await podToken(azure, { lifetime: 3000 });
    azure.faults.queue('entra', entraError(90033), 1, ({ leg }) => {
      pod.project(second);
      return leg === 'entra';
    });
    const { errors, outputs } = await runStepOn(host, azure, { ...pod.inputs, export: 'azure-sdk' });
    expect(errors).toEqual([]);
    expect(presented()).toEqual([first, second]);
    expect(Date.parse(outputs['federated-token-expires-on'] ?? '')).toBe((decodeJwt(second).exp ?? 0) * 1000);
  });

  test('tools get the pod’s file itself, no file is written, and there is nothing to clean up', async () => {
    using pod = await projectedToken(azure);
    // What the webhook of AKS sets in the pod, for the pod's own client.
    const job = host.job(azure, {
      environment: {
        AZURE_CLIENT_ID: 'a0d0c11e-0000-4000-8000-000000000001',
        AZURE_TENANT_ID: tenantIds.contoso,
        AZURE_FEDERATED_TOKEN_FILE: pod.path,
        AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
      },
    });
    const step = await job.step({ ...pod.inputs, export: 'azure-sdk, terraform' });
    expect(step.errors).toEqual([]);
    expect(warningsOf(step)).toEqual([]);
    expect(legs()).toEqual(['entra']);
    expect(step.variables).toMatchObject({
      AZURE_CLIENT_ID: clientIds.podDeployer,
      AZURE_FEDERATED_TOKEN_FILE: pod.path,
      ARM_OIDC_TOKEN_FILE_PATH: pod.path,
    });
    const { exp = 0 } = decodeJwt(readFileSync(pod.path, 'utf8'));
    expect(step.outputs).toEqual({
      'federated-token-file': pod.path,
      'federated-token-expires-on': `${new Date(exp * 1000).toISOString().slice(0, 19)}Z`,
    });
    expect(step.log).toContain('AZURE_CLIENT_ID had another value in this job. The new value replaces it');
    expect(step.log).not.toContain('AZURE_FEDERATED_TOKEN_FILE had another value');
    expect(step.log).toContain('There is nothing to remove when the job ends');
    expect(privateEntries(job.temp)).toEqual([]);
    const [post] = await job.post();
    expect(post?.transcript.raw).toEqual({ stdout: '', stderr: '' });
    expect(readFileSync(pod.path, 'utf8')).toContain('.');
    job.close();
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('a missing trust is shown with the cluster’s issuer, the pod’s subject and the command that creates it', async () => {
    using pod = await projectedToken(azure, { namespace: 'team-a', serviceAccount: 'build' });
    const { errors, log } = await runStepOn(host, azure, pod.inputs);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(
      'has no federated identity credential that matches the pod’s service account token',
    );
    expect(log).toContain(`issuer    ${clusterIssuer}  (the cluster’s, with its trailing slash)`);
    expect(log).toContain(
      'subject   system:serviceaccount:team-a:build  (the pod’s namespace and service account)',
    );
    const [command = ''] = / {2}az ad app federated-credential create .*$/mu.exec(log) ?? [];
    const [call = []] = callsByBash(command);
    expect(call.slice(0, 6)).toEqual([
      ...['ad', 'app', 'federated-credential', 'create', '--id', clientIds.podDeployer],
    ]);
    expect(JSON.parse(call.at(-1) ?? '')).toEqual({
      name: expect.stringMatching(/^pod-team-a-build-[0-9a-f]{8}$/u),
      issuer: clusterIssuer,
      subject: 'system:serviceaccount:team-a:build',
      audiences: ['api://AzureADTokenExchange'],
    });
  });

  test('a token from Entra is refused before anything is sent', async () => {
    using pod = await projectedToken(azure);
    const now = Math.floor(Date.now() / 1000);
    const chained = await azure.entra.sign({
      aud: 'api://AzureADTokenExchange',
      iss: `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`,
      tid: tenantIds.contoso,
      exp: now + 3600,
    });
    pod.project(chained);
    const { errors, log } = await runStepOn(host, azure, pod.inputs);
    expect(errors).toEqual([expect.stringContaining('AADSTS700231')]);
    expect(errors[0]).toContain(
      `Input ${host.inputLabel('federated-token-file')}: the token in ${pod.path} cannot be used. Nothing was requested.`,
    );
    expect(log).not.toContain(chained.slice(0, 20));
    expect(azure.requests).toEqual([]);
  });

  test.each([
    ['missing', (path: string) => rmSync(path), 'There is no such file in this job.'],
    ['a directory', (path: string) => void mkdirSync(path), 'It is a directory, a pipe or a device'],
    ['a pipe', makePipe, 'It is a directory, a pipe or a device'],
    ['a device', (path: string) => symlinkSync('/dev/zero', path), 'a pipe or a device'],
    ['huge', makeHugeFile, 'The file has more than 64 KB.'],
    ['empty', (path: string) => writeFileSync(path, '\n'), 'The file is empty.'],
    ['no token', (path: string) => writeFileSync(path, 'P4ssw0rd-of-somebody'), 'does not contain a service'],
  ])('a file that is %s ends the step at once, with one error', async (_, damage, cause) => {
    using pod = await projectedToken(azure);
    rmSync(pod.path);
    if (cause.includes('no such file')) writeFileSync(pod.path, '');
    damage(pod.path);
    const job = host.job(azure);
    const { errors, log, outputs } = await job.step({ ...pod.inputs, export: 'azure-sdk' });
    expect(errors).toEqual([expect.stringContaining(cause)]);
    expect(errors[0]).toMatch(
      /^Input \S+: the token in \S+ cannot be used\. Nothing was requested\.\nCause: /u,
    );
    expect(log).not.toContain('P4ssw0rd');
    expect([azure.requests, outputs, privateEntries(job.temp)]).toEqual([[], {}, []]);
    job.close();
  });

  test('a token that expires while the step waits is not presented again', async () => {
    using pod = await projectedToken(azure);
    const over = await podToken(azure, { lifetime: -60 });
    azure.faults.queue('entra', entraError(90033), 1, ({ leg }) => {
      pod.project(over);
      return leg === 'entra';
    });
    const { errors } = await runStepOn(host, azure, pod.inputs);
    expect(errors).toEqual([expect.stringContaining('can no longer be used.\nCause: The token expired at ')]);
    expect(presented()).toHaveLength(1);
  });

  test('login: azure-cli warns that the session ends with the token', async () => {
    using pod = await projectedToken(azure);
    using place = tempFolder();
    standInAz(place.folder, recordCall);
    const job = host.job(azure, { environment: { PATH: place.folder } });
    const step = await job.step({ ...pod.inputs, login: 'azure-cli' });
    expect(step.errors).toEqual([]);
    expect(warningsOf(step)).toEqual([
      expect.stringMatching(
        /^The Azure CLI can get new tokens only until .*: az does not read the file again\./u,
      ),
    ]);
    expect(readFileSync(join(place.folder, 'calls'), 'utf8')).toContain(`@${pod.path}`);
    // Only the session: the pod's token is not copied beside it.
    const [directory = ''] = privateEntries(job.temp);
    expect(readdirSync(join(job.temp, directory))).toEqual(['azure-cli']);
    const [post] = await job.post();
    expect(post?.log).toContain(`${directory} with the Azure CLI’s session.`);
    expect(readFileSync(pod.path, 'utf8')).not.toBe('');
    job.close();
  });

  test('login: git reads the pod’s file each time that it needs a token', async () => {
    using pod = await projectedToken(azure);
    using home = tempFolder();
    const world = worldFor('public');
    const shortLived = world.applications.map((one) => ({ ...one, tokenLifetime: 60 }));
    azure.setWorld({ ...world, applications: shortLived });
    const job = host.job(azure);
    const step = await job.step({ ...pod.inputs, login: 'git' });
    expect(step.errors).toEqual([]);
    expect(warningsOf(step)).toEqual([]);
    const first = readFileSync(pod.path, 'utf8');
    const second = await podToken(azure);
    const fill = async (): Promise<Outcome> =>
      job.script(
        `const { spawnSync } = await import('node:child_process');
         const { stdout, stderr } = spawnSync('git', ['credential', 'fill'], { input: 'protocol=https\\nhost=dev.azure.com\\n\\n', encoding: 'utf8' });
         console.log(stdout.replace(/password=.+/, 'password given') + stderr);`,
        gitEnvironment(azure, home.folder),
      );
    azure.clearRequests();
    expect((await fill()).log).toContain('password given');
    pod.project(second);
    expect((await fill()).log).toContain('password given');
    expect(presented()).toEqual([first, second]);
    pod.project(await podToken(azure, { lifetime: -60 }));
    expect((await fill()).log).toContain(
      `Input ${host.inputLabel('federated-token-file')}: the token in ${pod.path} cannot be used.`,
    );
    expect(legs()).toEqual(['entra', 'entra']);
    const [directory = ''] = privateEntries(job.temp);
    expect(readdirSync(join(job.temp, directory))).not.toContain('federated-token');
    await job.post();
    expect(privateEntries(job.temp)).toEqual([]);
    job.close();
  });

  test('debug lines name the file and the claims, and never the token', async () => {
    using pod = await projectedToken(azure);
    const { log } = await runStepOn(host, azure, pod.inputs, { debug: true });
    expect(log).toContain(
      `Assertion: the token in ${pod.path}, read again at each try. The machine’s identity endpoint is not asked.`,
    );
    expect(log).toContain(`Claims of the assertion: iss="${clusterIssuer}"`);
  });
});
