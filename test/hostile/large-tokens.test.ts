import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { hostNames, runStep } from './step-runs.ts';

/** The largest step that succeeds: as many scopes as a step may have, and tokens as long as one may be. */

const scopes = Array.from({ length: 50 }, (_, index) => `TOKEN_${index} = api://orders-${index}`);
const longest = 16 * 1024;
/** MiB, and characters. */
const mostMemory = 200;
const largestLog = 16 * 1024 * 1024;

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
});
afterAll(() => azure.stop());

/** A token of this length; the claim that fills it differs from token to token. */
async function tokenOf(length: number, index: number): Promise<string> {
  const claims = { appid: clientIds.deployer, tid: tenantIds.contoso, index };
  const { length: short } = await azure.entra.sign({ ...claims, filler: '' });
  const filled = await azure.entra.sign({
    ...claims,
    filler: 'x'.repeat(Math.floor(((length - short) * 3) / 4) - 4),
  });
  return filled + 'A'.repeat(length - filled.length);
}

describe.each(hostNames)('%s', (host) => {
  test('50 tokens of 16,384 characters', async () => {
    for (const index of scopes.keys()) {
      const access_token = await tokenOf(longest, index);
      expect(access_token).toHaveLength(longest);
      azure.faults.queue('entra', {
        status: 200,
        body: { token_type: 'Bearer', expires_in: 3599, access_token },
      });
    }
    const run = await runStep({
      host,
      inputs: {
        'client-id': clientIds.deployer,
        'tenant-id': tenantIds.contoso,
        'managed-identity-client-id': identities.runner.clientId,
        'authority-host': azure.entra.url,
        scopes: scopes.join('\n'),
      },
      environment: azure.environment('machine', 'ca'),
    });
    expect(run.errors).toEqual([]);
    expect(Object.keys(run.variables).filter((name) => name.startsWith('TOKEN_'))).toHaveLength(50);
    const { stdout } = run.transcript.raw;
    process.stderr.write(`${host}: ${Math.round(run.peak)} MiB, a log of ${stdout.length} characters\n`);
    expect(run.peak).toBeLessThan(mostMemory);
    expect(stdout.length).toBeLessThan(largestLog);
    // Each form of a secret is one line of the log, however often the secret is handed over.
    const masks = stdout.split('\n').filter((line) => /^::add-mask::|^##vso\[task\.setsecret\]/u.test(line));
    expect(new Set(masks).size).toBe(masks.length);
  });
});
