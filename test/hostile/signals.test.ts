import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { full, hostNames, type StartedRun, startStep } from './step-runs.ts';

/** A step is cancelled at every moment of its life. Afterwards nothing of it may be left. */

const inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
  export: 'azure-sdk',
  scopes: 'NAMED = arm',
};

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
  folder = mkdtempSync(join(tmpdir(), 'hostile-az-'));
  // An az that starts a process of its own, says that it runs, and never ends.
  writeFileSync(
    join(folder, 'az'),
    `#!/bin/sh\nif [ "$1" = login ]; then sleep 1000 & echo $$ $! > ${join(folder, 'running')}; wait; fi\n`,
  );
  chmodSync(join(folder, 'az'), 0o755);
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

const onImds = (): Promise<unknown> => azure.nextRequest(({ leg }) => leg === 'imds');
const onEntra = (): Promise<unknown> => azure.nextRequest(({ leg }) => leg === 'entra');

interface Moment {
  readonly title: string;
  readonly login?: true;
  /** Sets the stage, and resolves at the moment. */
  readonly reached: (running: () => StartedRun) => Promise<unknown>;
}

const moments: readonly Moment[] = [
  ...(full ? Array.from({ length: 40 }, (_, index) => index * 20) : [0, 60, 120, 200, 300, 450]).map(
    (milliseconds): Moment => ({
      title: `${milliseconds} ms after its start`,
      reached: () => wait(milliseconds),
    }),
  ),
  { title: 'when it asks the identity endpoint', reached: onImds },
  { title: 'when it asks Entra', reached: onEntra },
  {
    title: 'while the identity endpoint says nothing',
    reached: async () => {
      azure.faults.queue('imds', { kind: 'hang' });
      await onImds();
      await wait(100);
    },
  },
  {
    title: 'while it waits for its next try',
    reached: async () => {
      azure.faults.queue('entra', { status: 503, body: {} }, Number.POSITIVE_INFINITY);
      await onEntra();
      await onEntra();
      await wait(100);
    },
  },
  {
    title: 'while az signs in',
    login: true,
    reached: async () => {
      while (!readdirSync(folder).includes('running')) await wait(20);
    },
  },
];

const signals = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;

describe.each(hostNames)('%s', (host) => {
  describe.each(moments.map((moment) => [moment.title, moment] as const))('%s', (_, moment) => {
    test.each(signals)('%s', async (signal) => {
      azure.faults.clear();
      rmSync(join(folder, 'running'), { force: true });
      const environment = azure.environment('machine', 'ca');
      let step: StartedRun | undefined;
      const reached = moment.reached(() => step as StartedRun);
      step = startStep({
        host,
        inputs: {
          ...inputs,
          ...(moment.login ? { login: 'azure-cli' } : { 'authority-host': azure.entra.url }),
        },
        environment: moment.login
          ? { ...environment, PATH: `${folder}:${process.env['PATH']}` }
          : environment,
        ...(moment.login && { proxyUrl: azure.proxy.url }),
      });
      const { pid, finished } = step;
      await Promise.race([reached, finished]);
      if (pid !== undefined && isAlive(pid)) process.kill(pid, signal);
      const run = await finished;
      // Its end is the signal, or its own result if it was faster.
      expect([signal, undefined]).toContain(run.transcript.signal);
      expect(run.transcript.raw.stderr).toBe('');
      expect(run.transcript.raw.stdout).not.toMatch(/^\s*at .+:\d+:\d+/mu);
      expect(await step.cleanUp()).toEqual([]);
      if (moment.login && signal !== 'SIGKILL') {
        // A child that is killed is gone a moment later.
        await expect(endOf(pidsOfAz())).resolves.toBe('gone');
      }
      for (const one of pidsOfAz()) if (isAlive(one)) process.kill(one, 'SIGKILL');
      step.close();
    });
  });
});

function pidsOfAz(): readonly number[] {
  try {
    return readFileSync(join(folder, 'running'), 'utf8').trim().split(' ').map(Number);
  } catch {
    return [];
  }
}

async function endOf(pids: readonly number[]): Promise<'gone' | 'alive'> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (!pids.some(isAlive)) return 'gone';
    await wait(50);
  }
  return 'alive';
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/u.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
