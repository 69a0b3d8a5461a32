import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { clients, isInstalled } from './clients/installed.ts';

/** Tests that need what npm does not carry stand apart: this says so wherever `npm test` runs. */
test('what npm test leaves to npm run test:clients is said', () => {
  const apart = readdirSync('test/clients')
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace('.test.ts', '').replaceAll('-', ' '));
  const missing = clients.filter((client) => !isInstalled(client)).map(({ title }) => title);
  process.stderr.write(
    [
      missing.length === 0
        ? 'Skipped here; npm run test:clients runs them:'
        : `Skipped, since there is no ${missing.join(' and no ')}; scripts/install-clients.sh installs them for npm run test:clients:`,
      ...apart.map((sentence) => `  ${sentence}`),
      '',
    ].join('\n'),
  );
  expect(apart).not.toEqual([]);
});
