import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { faultsOf, hostNames, runStep, type StepRun } from './step-runs.ts';

/**
 * The machine's clock is wrong. The embedded Azure keeps the right one. Its certificates are valid from one day ago
 * for 90 days, and its identity token for 24 hours.
 */

const library = '/usr/lib';
const fakeTime = readdirSync(library)
  .map((folder) => join(library, folder, 'faketime', 'libfaketime.so.1'))
  .find((path) => existsSync(path));

const inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
  scopes: 'arm',
  'timeout-seconds': '5',
};

/** The offset as libfaketime writes it, and what the step says. */
const clocks: readonly (readonly [offset: string, expected: 'token' | RegExp])[] = [
  ['-4m', 'token'],
  ['+4m', 'token'],
  ['-3h', 'token'],
  ['+3h', 'token'],
  ['-20h', 'token'],
  ['+20h', 'token'],
  ['-3d', /not valid at the time of this machine’s clock/u],
  ['+3d', 'token'],
  ['-400d', /not valid at the time of this machine’s clock/u],
  ['+400d', /not valid at the time of this machine’s clock/u],
];

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
});
afterAll(() => azure.stop());

test('libfaketime is installed (scripts/install-hostile.sh)', () => {
  expect(fakeTime).toBeDefined();
});

function runAt(host: (typeof hostNames)[number], offset: string): Promise<StepRun> {
  return runStep({
    host,
    inputs: { ...inputs, 'authority-host': azure.entra.url },
    environment: {
      ...azure.environment('machine', 'ca'),
      LD_PRELOAD: fakeTime ?? '',
      FAKETIME: offset,
      // Time limits use the monotonic clock, which no wrong date changes.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  });
}

describe.each(hostNames)('%s', (host) => {
  test.each(clocks)('a clock that is off by %s', async (offset, expected) => {
    azure.clearRequests();
    const run = await runAt(host, offset);
    const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
    expect(faultsOf(run, { budget: 5_000, slowness: 4, secrets: sent })).toEqual([]);
    if (expected === 'token') expect(run.outputs['access-token']).toMatch(/^eyJ/u);
    else expect(run.errors[0]).toMatch(expected);
  });

  test('a Retry-After date that lies in the past of the wrong clock', async () => {
    azure.faults.queue('entra', {
      status: 503,
      headers: { 'retry-after': new Date(Date.now() + 1_000).toUTCString() },
      body: {},
    });
    const run = await runAt(host, '+20h');
    expect(run.errors).toEqual([]);
    expect(run.outputs['access-token']).toMatch(/^eyJ/u);
  });
});
