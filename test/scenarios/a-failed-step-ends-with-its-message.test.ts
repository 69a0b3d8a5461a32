import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { identities } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** Servers keep an idle connection for a minute and more: a process that waits for it runs into this. */
const patience = 20_000;

describe.each(hostsUnderTest)('$title', (host) => {
  test(
    'the connection to Entra that was opened ahead and not needed keeps no process alive',
    async () => {
      const outcome = await runStepOn(
        host,
        azure,
        {
          ...goodInputs,
          'authority-host': azure.entra.url,
          'managed-identity-client-id': identities.elsewhere.clientId,
        },
        { proxy: false },
      );
      expect(outcome.errors[0]).toContain('is not assigned to this machine');
      expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
    },
    patience,
  );

  test('the machine’s system-assigned identity is told apart before Entra is asked', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'managed-identity-client-id': identities.system.clientId,
    });
    expect(outcome.errors[0]).toContain(
      'system-assigned identity, and an app can trust none but a user-assigned one',
    );
    expect(outcome.errors[0]).toContain('az identity create');
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
  });
});
