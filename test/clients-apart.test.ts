import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { clients, isInstalled } from './clients/installed.ts';

/** Tests that need programs which npm does not install are separate: `npm test` names them. */
test('npm test names the tests that only npm run test:clients runs', () => {
  const apart = readdirSync('test/clients')
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace('.test.ts', '').replaceAll('-', ' '));
  const missing = clients.filter((client) => !isInstalled(client)).map(({ title }) => title);
  process.stderr.write(
    [
      missing.length === 0
        ? 'Skipped here; npm run test:clients runs them:'
        : `Skipped because ${missing.join(' and ')} cannot be found. scripts/install-clients.sh installs them for npm run test:clients:`,
      ...apart.map((sentence) => `  ${sentence}`),
      '',
    ].join('\n'),
  );
  expect(apart).not.toEqual([]);
});
