import { expect, test } from '@jest/globals';
import { clients, isInstalled } from './installed.ts';

/** These tests are asked for by name: where their clients are missing they fail, and are never passed over. */
test.each(clients)('$title is installed; scripts/install-clients.sh does it', (client) => {
  expect([client.path, isInstalled(client)]).toEqual([client.path, true]);
});
