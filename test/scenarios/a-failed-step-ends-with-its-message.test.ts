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
    'a step that fails before it asks Entra ends at once, without a proxy',
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

  test('the machine’s system-assigned identity is recognized before Entra is asked', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'managed-identity-client-id': identities.system.clientId,
    });
    expect(outcome.errors[0]).toContain(
      'Cause: Apps can trust only user-assigned identities. This machine returned its system-assigned identity.',
    );
    expect(outcome.errors[0]).toContain('az identity create');
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
  });
});
