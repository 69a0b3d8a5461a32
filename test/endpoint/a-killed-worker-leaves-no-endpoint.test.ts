import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { inputDefaults } from '../../src/contract.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { closedWorld } from '../harness/closed-world.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';
import { ask } from './endpoint-client.ts';

/** The action's bundle under a worker of its own, which the test can kill. */

let azure: Emulator;
const temp = mkdtempSync(join(tmpdir(), 'killed-worker-'));
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(async () => {
  await azure.stop();
  rmSync(temp, { recursive: true, force: true });
});

const file = (name: string): string => join(temp, name);

/** Runs the step as its child, says that it has ended, and goes on. */
const worker = `
  const { spawnSync } = require('node:child_process');
  const { status, stdout } = spawnSync(process.execPath, [${JSON.stringify(resolve('dist/main/index.js'))}], { encoding: 'utf8' });
  process.send({ status, stdout });
  process.on('message', () => undefined);
`;

/** What the step wrote to one of the runner's files: \`NAME<<delimiter\`, the value, the delimiter. */
function written(name: string): Readonly<Record<string, string>> {
  const entries = readFileSync(file(name), 'utf8').matchAll(/^(\w+)<<(\S+)\n([\s\S]*?)\n\2$/gmu);
  return Object.fromEntries([...entries].map(([, key = '', , value = '']) => [key, value]));
}

async function startJob(): Promise<{ readonly url: string; readonly secret: string; kill(): void }> {
  const files = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE'];
  for (const name of files) writeFileSync(file(name), '');
  const inputs = { ...inputDefaults, ...goodInputs, export: 'managed-identity' };
  writeFileSync(file('worker.cjs'), worker);
  const child = spawn(process.execPath, [file('worker.cjs')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      ...closedWorld(azure.environment('machine', 'ca', 'proxy')),
      ...Object.fromEntries(files.map((name) => [name, file(name)])),
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      ),
      RUNNER_TEMP: temp,
      GITHUB_EVENT_NAME: 'push',
    },
  });
  const [{ status, stdout }] = await once(child, 'message');
  expect({ status, stdout }).toMatchObject({ status: 0 });
  const { IDENTITY_ENDPOINT: url = '', IDENTITY_HEADER: secret = '' } = written('GITHUB_ENV');
  return { url, secret, kill: () => void child.kill('SIGKILL') };
}

const tokenOf = (url: string, secret: string) =>
  ask(`${url}?api-version=2019-08-01&resource=https://management.azure.com`, { 'X-IDENTITY-HEADER': secret });

/** Asks until nobody listens there any more. */
async function untilRefused(url: string, secret: string): Promise<void> {
  for (;;) {
    try {
      await ask(url, { 'X-IDENTITY-HEADER': secret });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return;
    }
    await new Promise((next) => setTimeout(next, 50));
  }
}

test('the endpoint serves while the worker runs, and ends within two seconds after it was killed', async () => {
  const { url, secret, kill } = await startJob();
  const { status, json } = await tokenOf(url, secret);
  expect(status).toBe(200);
  expect(claimsOf(json.access_token)).toMatchObject({ appid: clientIds.deployer });
  kill();
  await untilRefused(url, secret);
});

test('tokens that live a minute are replaced again and again, by the machine and by Entra', async () => {
  const world = worldFor('public');
  azure.setWorld({
    ...world,
    applications: world.applications.map((one) => ({ ...one, tokenLifetime: 60 })),
    identities: world.identities.map((one) => ({ ...one, tokenLifetime: 60 })),
  });
  const { url, secret, kill } = await startJob();
  azure.clearRequests();
  const tokens = [await tokenOf(url, secret), await tokenOf(url, secret), await tokenOf(url, secret)];
  expect(new Set(tokens.map(({ json }) => json.access_token)).size).toBe(3);
  expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(3);
  // The first exchange of the endpoint asks the machine, and each that finds its token nearly over asks again.
  expect(azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(3);
  kill();
  await untilRefused(url, secret);
});
