import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { closedWorld } from '../harness/closed-world.ts';
import { codeBlocks } from './documents.ts';

/** Runs the programs of docs/without-this-step.md against the embedded Azure, as they are printed there. */

const page = readFileSync('docs/without-this-step.md', 'utf8');
const run = promisify(execFile);

const programs = [
  {
    language: 'bash',
    needs: ['curl', 'jq'],
    command: (text: string) => ['bash', '-euo', 'pipefail', '-c', `${text}\nprintf '%s' "$token"`],
  },
  {
    language: 'python',
    needs: ['python3'],
    command: (text: string) => ['python3', '-c', `${text}\nprint(token)`],
  },
] as const;

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

for (const { language, needs, command } of programs) {
  const missing = needs.filter((name) => spawnSync(name, ['--version']).status !== 0);
  (missing.length === 0 ? test : test.skip)(
    `the ${language} program gets the app's token${missing.length > 0 ? ` (no ${missing.join(', ')} here)` : ''}`,
    async () => {
      azure.clearRequests();
      const text = codeBlocks(page).find((block) => block.language === language)?.code ?? '';
      const [program = '', ...words] = command(text);
      const { stdout } = await run(program, words, {
        env: {
          PATH: process.env['PATH'],
          ...closedWorld({
            ...azure.environment('machine'),
            CURL_CA_BUNDLE: azure.ca.file,
            SSL_CERT_FILE: azure.ca.file,
            AZURE_AUTHORITY_HOST: azure.entra.url,
            APP_TENANT_ID: tenantIds.contoso,
            APP_CLIENT_ID: clientIds.deployer,
            IDENTITY_CLIENT_ID: identities.runner.clientId,
          }),
        },
      });
      expect(decodeJwt(stdout.trim())).toMatchObject({
        aud: expect.stringMatching(/^https:\/\/graph\.microsoft\.com/u),
        appid: clientIds.deployer,
      });
      expect(azure.requests.map(({ leg, status }) => [leg, status])).toEqual([
        ['imds', 200],
        ['entra', 200],
      ]);
    },
  );
}
