import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { findWorker, watch } from '../../src/endpoint/watchdog.ts';
import { endEndpoint, markerPath, writeMarker } from '../../src/handover/endpoint-end.ts';
import { RunnerJob } from '../harness/runner.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';
import { startTestEndpoint } from './a-running-endpoint.ts';

/** The end of a job's identity endpoint, whatever happened to the job. */

const folder = mkdtempSync(join(tmpdir(), 'endpoint-ends-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Resolves when the guard says that the job is gone. */
function gone(guard: Parameters<typeof watch>[0]): Promise<void> {
  return new Promise((end) => void stops.push(watch(guard, end)));
}

function marker(): string {
  const path = markerPath(folder);
  writeMarker(path);
  return path;
}

const lifetime = 60_000;
/** Runs until it is killed. Its channel keeps it alive. */
const idle = "process.on('message', () => undefined); process.send('ready');";

async function startIdle(): Promise<ReturnType<typeof fork>> {
  const path = join(folder, `${Math.random()}.cjs`);
  writeFileSync(path, idle);
  const child = fork(path, [], { execArgv: [] });
  stops.push(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

describe('the watchdog', () => {
  test('sees that the worker was killed, and that another process has its number', async () => {
    const worker = await startIdle();
    const known = findWorker(worker.pid);
    expect(known).toEqual({ pid: worker.pid, started: expect.stringMatching(/^\d+$/u) });
    const ended = gone({ marker: marker(), worker: known ?? { pid: 0 }, lifetime });
    worker.kill('SIGKILL');
    await ended;
    // This very process runs, but started at another time.
    await gone({ marker: marker(), worker: { pid: process.pid, started: '1' }, lifetime });
  });

  test('takes a worker that nobody waited for as ended', async () => {
    // The shell starts a process and becomes one that waits for nobody.
    const shell = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    stops.push(() => void shell.kill('SIGKILL'));
    const [text] = await once(shell.stdout, 'data');
    const worker = findWorker(Number(text));
    expect(worker).toBeDefined();
    await gone({ marker: marker(), worker: worker ?? { pid: 0 }, lifetime });
    expect(readFileSync(`/proc/${worker?.pid}/stat`, 'utf8')).toContain(') Z ');
  });

  test('does not watch a parent that is outside of the container, or that only brought the step into it', () => {
    expect(findWorker(0)).toBeUndefined();
    expect(findWorker(1)).toBeUndefined();
  });

  test('sees that the marker is gone, or that something else is in its place', async () => {
    const first = marker();
    const ended = gone({ marker: first, lifetime });
    rmSync(first);
    await ended;
    await gone({ marker: folder, lifetime });
  });

  test('ends after the longest time', async () => {
    await gone({ marker: marker(), lifetime: 20 });
  });
});

describe('the clean-up', () => {
  const record = (path: string, at?: { readonly url: string; readonly secret: string }) => ({
    kind: 'endpoint' as const,
    marker: path,
    ...(at && { at }),
  });

  test('ends the endpoint and removes the marker; a second run finds nothing', async () => {
    const endpoint = await startTestEndpoint();
    const path = marker();
    expect(await endEndpoint(record(path, endpoint), folder, false)).toEqual({
      kind: 'ended',
      address: new URL(endpoint.url).host,
    });
    await endpoint.stopped;
    expect(existsSync(path)).toBe(false);
    expect(await endEndpoint(record(path, endpoint), folder, false)).toEqual({ kind: 'absent' });
  });

  test('leaves an endpoint alone that has another secret, and sends nothing to another address', async () => {
    const endpoint = await startTestEndpoint();
    const other = { url: endpoint.url, secret: 'other' };
    expect(await endEndpoint(record(marker(), other), folder, false)).toEqual({ kind: 'absent' });
    const elsewhere = { url: 'http://10.0.0.1/entra-app-token/msi/token', secret: endpoint.secret };
    expect(await endEndpoint(record(marker(), elsewhere), folder, false)).toEqual({ kind: 'absent' });
    expect((await endpoint.token('resource=https://management.azure.com')).status).toBe(200);
  });

  test('keeps a step that is still running from starting it', async () => {
    const path = markerPath(folder);
    await endEndpoint(record(path), folder, true);
    expect(() => writeMarker(path)).toThrow();
    await gone({ marker: path, lifetime });
  });

  test('removes nothing that is not a marker of ours', async () => {
    const foreign = join(folder, 'foreign.endpoint');
    const full = markerPath(folder);
    writeFileSync(foreign, '');
    writeFileSync(full, 'not empty');
    for (const path of [foreign, full, join(folder, '..', 'x.endpoint')]) {
      await endEndpoint(record(path), folder, false);
    }
    expect(existsSync(foreign)).toBe(true);
    expect(existsSync(full)).toBe(true);
  });
});

describe('a step that does not end by itself', () => {
  let azure: Emulator;
  beforeAll(async () => {
    azure = await startEmulator();
  });
  afterAll(() => azure.stop());

  const patience = { interruptMilliseconds: 5_000, terminateMilliseconds: 5_000 };
  const startJob = (): RunnerJob => {
    const job = new RunnerJob({
      actionDirectory: resolve('.'),
      environment: azure.environment('machine', 'ca', 'proxy'),
      patience,
    });
    stops.push(() => job.close());
    return job;
  };
  const inputs = { ...goodInputs, export: 'managed-identity' };
  /** The step's background process. */
  const childOf = (pid: number | undefined): number | undefined => {
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      return children === '' ? undefined : Number(children.split(' ')[0]);
    } catch {
      return undefined;
    }
  };
  const ended = async (pid: number | undefined): Promise<void> => {
    while (pid !== undefined && existsSync(`/proc/${pid}`)) await new Promise((next) => setTimeout(next, 20));
  };

  test.each(['imds', 'entra'] as const)(
    'leaves no process if it is cancelled while %s is asked',
    async (leg) => {
      const job = startJob();
      azure.delays.set(leg, 60_000);
      const asked = azure.nextRequest((request) => request.leg === leg);
      const step = job.start({ inputs });
      await asked;
      const child = childOf(step.pid);
      expect(child).toBeDefined();
      const result = await step.cancel();
      azure.delays.clear();
      expect(result.exported).toEqual({});
      await ended(child);
      const posts = await job.post();
      expect(posts.flatMap(({ annotations }) => annotations)).toEqual([]);
      expect(
        readdirSync(job.temp).filter((name) => name.endsWith('.endpoint') && !isBlock(job.temp, name)),
      ).toEqual([]);
    },
  );

  test('leaves no process if it is killed', async () => {
    const job = startJob();
    azure.delays.set('entra', 60_000);
    const asked = azure.nextRequest((request) => request.leg === 'entra');
    const step = job.start({ inputs });
    await asked;
    const child = childOf(step.pid);
    process.kill(step.pid ?? 0, 'SIGKILL');
    await step.finished;
    azure.delays.clear();
    await ended(child);
  });
});

/** What the clean-up leaves so that a step that is still running cannot write its marker. */
function isBlock(temp: string, name: string): boolean {
  return readdirSync(temp, { withFileTypes: true }).some(
    (entry) => entry.name === name && entry.isDirectory(),
  );
}
