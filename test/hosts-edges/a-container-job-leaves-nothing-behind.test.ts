import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask } from '../endpoint/endpoint-client.ts';
import { RunnerJob } from '../harness/runner.ts';
import { containersWork } from '../harness/runner-container.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';
import { projectedToken } from '../scenarios/pods.ts';

/** A job container runs the step as root, on a temporary folder that belongs to the runner's user. */

let azure: Emulator;
const jobs: RunnerJob[] = [];
beforeAll(async () => {
  azure = await startEmulator();
});
afterEach(() => {
  for (const job of jobs.splice(0)) job.close();
  azure.clearRequests();
});
afterAll(() => azure.stop());

/** A user that exists nowhere else. */
const runnerUser = 41001;
const inputs = { ...goodInputs, export: 'azure-sdk' };

function containerJob(
  environment: Record<string, string> = azure.environment(),
  volumes: readonly string[] = [],
): RunnerJob {
  const job = new RunnerJob({
    actionDirectory: process.cwd(),
    container: { runnerUser, volumes: [azure.ca.file, ...volumes] },
    environment,
  });
  jobs.push(job);
  return job;
}

/** What the step made in the job's temporary folder. */
const privateEntries = (job: RunnerJob): readonly string[] =>
  readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'));

/** The content of every file below the temporary folder. */
const allText = (job: RunnerJob): string =>
  readdirSync(job.temp, { recursive: true, encoding: 'utf8' })
    .map((name) => join(job.temp, name))
    .filter((path) => lstatSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');

const assertionsSent = (): readonly string[] =>
  azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);

(containersWork ? describe : describe.skip)('in a container job', () => {
  test('the exported file belongs to the runner’s user, and post removes it', async () => {
    const job = containerJob();
    const result = await job.step({ inputs });
    expect(result.conclusion).toBe('success');
    const [name = '', ...others] = privateEntries(job);
    expect(others).toEqual([]);
    expect(result.exported['AZURE_FEDERATED_TOKEN_FILE']).toBe(`/__w/_temp/${name}/federated-token`);
    const directory = statSync(join(job.temp, name));
    const file = statSync(join(job.temp, name, 'federated-token'));
    for (const { uid, gid } of [directory, file])
      expect({ uid, gid }).toEqual({ uid: runnerUser, gid: runnerUser });
    expect([directory, file].map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600']);

    expect(await job.post()).toMatchObject([{ conclusion: 'success', annotations: [] }]);
    expect(privateEntries(job)).toEqual([]);
    expect(job.complete().leftInTemp).toEqual([]);
  });

  test('the identity endpoint serves the job, its step’s parent is not its worker, and post ends it', async () => {
    const job = containerJob();
    const result = await job.step({ inputs: { ...goodInputs, export: 'managed-identity' } });
    expect(result.conclusion).toBe('success');
    const { IDENTITY_ENDPOINT: url = '', IDENTITY_HEADER: secret = '' } = result.exported;
    const token = () =>
      ask(`${url}?api-version=2019-08-01&resource=https://management.azure.com`, {
        'X-IDENTITY-HEADER': secret,
      });
    expect((await token()).status).toBe(200);
    expect(await job.post()).toMatchObject([{ conclusion: 'success', annotations: [] }]);
    await expect(token()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(privateEntries(job)).toEqual([]);
    expect(job.complete().leftInTemp).toEqual([]);
  });

  test('a pod’s token is used where it is mounted, and nothing is written', async () => {
    using pod = await projectedToken(azure);
    const job = containerJob(azure.environment(), [pod.folder]);
    const result = await job.step({ inputs: { ...pod.inputs, export: 'azure-sdk' } });
    expect(result.conclusion).toBe('success');
    expect(result.exported['AZURE_FEDERATED_TOKEN_FILE']).toBe(pod.path);
    expect(privateEntries(job)).toEqual([]);
    expect(await job.post()).toMatchObject([{ conclusion: 'success', annotations: [] }]);
    expect(job.complete().leftInTemp).toEqual([]);
  });

  test('a pod’s token that is not mounted is an error that says so', async () => {
    using pod = await projectedToken(azure);
    const { annotations } = await containerJob().step({ inputs: pod.inputs });
    expect(annotations).toMatchObject([
      { message: expect.stringContaining('In a container job, mount the folder of the file') },
    ]);
  });

  test('without post, the runner’s user can empty its own folder', async () => {
    const job = containerJob();
    expect((await job.step({ inputs })).conclusion).toBe('success');
    expect(privateEntries(job)).toHaveLength(1);
    expect(job.complete().leftInTemp).toEqual([]);
  });

  test('post also removes what a later step, as root, wrote beside the file', async () => {
    const job = containerJob();
    await job.step({ inputs });
    const later = await job.script(
      `const { mkdirSync, writeFileSync } = await import('node:fs');
       const { dirname } = await import('node:path');
       const folder = dirname(process.env.AZURE_FEDERATED_TOKEN_FILE) + '/of-root';
       mkdirSync(folder, { mode: 0o700 });
       writeFileSync(folder + '/file', '', { mode: 0o600 });`,
    );
    expect(later.conclusion).toBe('success');
    expect(await job.post()).toMatchObject([{ conclusion: 'success', annotations: [] }]);
    expect(privateEntries(job)).toEqual([]);
    expect(job.complete().leftInTemp).toEqual([]);
  });

  test('a step that a cancel did not reach leaves no assertion, although it ends after post', async () => {
    const gate = await openLater();
    const job = containerJob({ ...azure.environment('machine', 'ca'), HTTPS_PROXY: gate.url });
    try {
      const running = job.start({ inputs: { ...inputs, 'timeout-seconds': '60' } });
      await gate.reached;
      expect((await running.cancel()).conclusion).toBe('cancelled');
      expect(await job.post()).toMatchObject([{ conclusion: 'success' }]);
      expect(assertionsSent()).toEqual([]);

      gate.open();
      await running.gone;
      // The step did get its answer, and with it something to write.
      const [assertion = '', ...others] = assertionsSent();
      expect(others).toEqual([]);
      expect(assertion).not.toBe('');
      expect(allText(job)).not.toContain(assertion);
      expect(allText(job)).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/u);
      const left = privateEntries(job).map((name) => lstatSync(join(job.temp, name)));
      expect(left.map((entry) => [entry.isFile(), entry.size])).toEqual([[true, 0]]);
      expect(job.complete().leftInTemp).toEqual([]);
    } finally {
      gate.close();
    }
  });
});

interface Gate {
  readonly url: string;
  /** Somebody waits in front of it. */
  readonly reached: Promise<unknown>;
  open(): void;
  close(): void;
}

/** The way to the embedded Azure's proxy, which stays shut until the test opens it: an Entra that is slow to answer. */
async function openLater(): Promise<Gate> {
  const held: Socket[] = [];
  const { hostname, port } = new URL(azure.proxy.url);
  const letThrough = (socket: Socket): void => {
    const onward = connect(Number(port), hostname);
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    held.push(socket);
  });
  const reached = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    reached,
    open: () => held.forEach(letThrough),
    close: () => {
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}
