import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { identities, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from './raw-request.ts';

const world = worldFor('public');
let azure: Emulator;

beforeAll(async () => {
  azure = await startEmulator(
    { ...world, machine: { ...world.machine, kind: 'app-service' } },
    { identityEndpoint: { https: true } },
  );
});
afterAll(() => azure.stop());

/** A user's script with the plain SDK. It runs in a process of its own, because the SDK reads the environment. */
const script = `
  import { ManagedIdentityCredential } from '@azure/identity';
  const credential = new ManagedIdentityCredential({ clientId: '${identities.second.clientId}' });
  const { token } = await credential.getToken('https://management.azure.com/.default');
  process.stdout.write(token);
`;

test('plain @azure/identity gets a token from an identity endpoint over https', async () => {
  const environment = azure.environment('machine', 'ca');
  expect(environment['IDENTITY_ENDPOINT']).toMatch(/^https:\/\/localhost:\d+\/msi\/token$/);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  expect(claimsOf(stdout)).toMatchObject({ appid: identities.second.clientId });
  expect(azure.requests.map(({ leg, method, status }) => [leg, method, status])).toEqual([
    ['identity-endpoint', 'GET', 200],
  ]);
});
