import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { nodes } from '../harness/nodes.ts';
import { runStep } from './step-runs.ts';

/** The files through which GitHub's runner receives values are missing, or are something else than files. */

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
  folder = mkdtempSync(join(tmpdir(), 'hostile-files-'));
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

test.each(
  ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'].flatMap((name) => [
    [name, 'is not set', `unset ${name}`],
    [name, 'is a pipe', `mkfifo "$RUNNER_TEMP/pipe"; export ${name}="$RUNNER_TEMP/pipe"`],
    [name, 'does not exist', `export ${name}="$RUNNER_TEMP/missing"`],
  ]),
)('%s %s', async (name, _, change) => {
  azure.clearRequests();
  const node = join(folder, 'node');
  writeFileSync(node, `#!/bin/bash\n${change}\nexec '${nodes[0]?.path ?? process.execPath}' "$@"\n`);
  chmodSync(node, 0o755);
  const run = await runStep({
    host: 'github',
    node,
    inputs: {
      'client-id': clientIds.deployer,
      'tenant-id': tenantIds.contoso,
      'managed-identity-client-id': identities.runner.clientId,
      'authority-host': azure.entra.url,
    },
    environment: azure.environment('machine', 'ca'),
  });
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toContain(`${name} cannot be used. Nothing was requested.`);
  expect(azure.requests).toEqual([]);
});
