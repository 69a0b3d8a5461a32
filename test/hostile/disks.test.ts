import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { nodes } from '../harness/nodes.ts';
import { faultsOf, type HostName, hostNames, runStep, type StepRun } from './step-runs.ts';

/**
 * The job's temporary folder is on a small disk of its own, which is full or read-only while the step runs. `run.sh`
 * gives the tests a mount namespace, so the disk is seen by these tests only.
 */

const page = 4096;
const exporting = { export: 'azure-sdk' };
const naming = { scopes: 'NAMED = arm' };

let azure: Emulator;
let folder: string;
let disk: string;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
  folder = mkdtempSync(join(tmpdir(), 'hostile-disk-'));
  disk = join(folder, 'disk');
  mkdirSync(disk);
  // What the host starts in place of Node: the disk is bad only while the step itself runs.
  writeFileSync(
    join(folder, 'node'),
    `#!/bin/bash
if [[ $DISK == read-only ]]; then mount -o remount,ro '${disk}'; else
  head -c 64M /dev/zero >'${disk}/fill' 2>/dev/null
  truncate --size=-$((DISK * ${page})) '${disk}/fill'
fi
'${nodes[0]?.path ?? process.execPath}' "$@"
code=$?
if [[ $DISK == read-only ]]; then mount -o remount,rw '${disk}'; else rm '${disk}/fill'; fi
exit $code
`,
  );
  chmodSync(join(folder, 'node'), 0o755);
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${64 * page}`, 'none', disk]);
});
afterEach(() => {
  execFileSync('umount', [disk]);
});

async function runOn(
  kind: 'read-only' | { readonly freePages: number },
  host: HostName,
  more: Readonly<Record<string, string>>,
): Promise<StepRun> {
  azure.clearRequests();
  const run = await runStep({
    host,
    temp: join(disk, 'temp'),
    node: join(folder, 'node'),
    inputs: {
      'client-id': clientIds.deployer,
      'tenant-id': tenantIds.contoso,
      'managed-identity-client-id': identities.runner.clientId,
      'authority-host': azure.entra.url,
      ...more,
    },
    environment: {
      ...azure.environment('machine', 'ca'),
      DISK: kind === 'read-only' ? kind : String(kind.freePages),
    },
  });
  const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
  const problems = faultsOf(run, { budget: 120_000, slowness: 4, secrets: sent, names: ['NAMED'] });
  return { ...run, errors: [...run.errors, ...problems] };
}

test('github: a full disk has no room for the token file', async () => {
  const run = await runOn({ freePages: 1 }, 'github', exporting);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toMatch(/Could not write the identity’s token to .+ Nothing was handed over\./u);
  expect(run.errors[0]).toContain('ENOSPC');
});

test('azure-pipelines: a full disk has no room for the token file', async () => {
  // One page is for the task library's own key.
  const run = await runOn({ freePages: 1 }, 'azure-pipelines', exporting);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toMatch(/Could not write the identity’s token to .+ Nothing was handed over\./u);
  expect(run.errors[0]).toContain('ENOSPC');
});

test.each(hostNames)('%s: a read-only disk is named', async (host) => {
  const run = await runOn('read-only', host, exporting);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toMatch(/EROFS|read-only/u);
  expect(run.errors[0]).toMatch(/Nothing was (requested|handed over)/u);
  expect(azure.requests).toEqual([]);
});

test('github: a full disk is named before anything is requested if the step must record a file', async () => {
  const run = await runOn({ freePages: 0 }, 'github', exporting);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toContain('ENOSPC');
  expect(run.errors[0]).toContain('Nothing was requested');
  expect(azure.requests).toEqual([]);
});

test('github: a full disk takes no token', async () => {
  const run = await runOn({ freePages: 0 }, 'github', naming);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toContain('ENOSPC');
  expect(run.errors[0]).toContain('Nothing was handed over');
  expect({ ...run.outputs, ...run.variables }).toEqual({});
});

test('github: a disk that fills up while values are written; the message lists what later steps can see', async () => {
  const run = await runOn({ freePages: 1 }, 'github', naming);
  expect(run.outputs).toEqual({});
  expect(Object.keys(run.variables)).toEqual(['NAMED']);
  expect(run.errors[0]).toContain('Later steps can see only NAMED.');
});

test('azure-pipelines: a full disk on which the task cannot even start', async () => {
  const run = await runOn({ freePages: 0 }, 'azure-pipelines', naming);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toContain('The task could not start: ENOSPC');
  expect(run.errors[0]).toContain('temporary folder has free space');
  expect(azure.requests).toEqual([]);
});
