import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, type JobUnderTest, oneOfEach } from './hosts-under-test.ts';

let azure: Emulator;
const folder = mkdtempSync(join(tmpdir(), 'login-beside-'));
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An az that says its version, and notes what it was started with. */
function az(version: string): { readonly path: string; readonly calls: () => readonly string[] } {
  const bin = mkdtempSync(join(folder, 'bin-'));
  const calls = join(bin, 'calls');
  writeFileSync(
    join(bin, 'az'),
    `#!/bin/sh
printf '%s|%s|%s\\n' "$*" "$IDENTITY_ENDPOINT" "\${IDENTITY_HEADER:+has a header}" >> '${calls}'
if [ "$1" = login ]; then
  printf '{"subscriptions":[{"user":{"name":"userAssignedIdentity","assignedIdentityInfo":"MSIClient-%s"}}]}' "$4" > "$AZURE_CONFIG_DIR/azureProfile.json"
fi
if [ "$1" = version ]; then printf '{ "azure-cli": "${version}", "azure-cli-core": "${version}" }'; fi
`,
  );
  chmodSync(join(bin, 'az'), 0o755);
  return {
    path: `${bin}:${process.env['PATH']}`,
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
  };
}

/** All files below the job's temporary folder, with their text. */
function filesOf(job: JobUnderTest): readonly string[] {
  return readdirSync(job.temp, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

const inputs = { ...goodInputs, export: 'managed-identity' };

describe.each(oneOfEach)('$title', (host) => {
  test('az signs in through the endpoint, as the app', async () => {
    const cli = az('2.73.0');
    const job = host.job(azure, { environment: { PATH: cli.path } });
    const outcome = await job.step({ ...inputs, login: 'azure-cli' });
    expect(outcome.errors).toEqual([]);
    const { IDENTITY_ENDPOINT: endpoint, AZURE_CONFIG_DIR: directory = '' } = outcome.variables;
    expect(cli.calls()).toEqual([
      expect.stringMatching(/^version --output json\|/u),
      `login --identity --client-id ${clientIds.deployer} --allow-no-subscriptions --output none|${endpoint}|has a header`,
    ]);
    expect(directory.startsWith(job.temp)).toBe(true);
    expect(outcome.outputs).toEqual({});
    for (const text of filesOf(job)) expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/u);
    const posts = await job.post();
    expect(posts[0]?.log).toContain('Ended the identity endpoint');
    expect(existsSync(directory)).toBe(false);
    job.close();
  });

  test.each(['2.72.0', '2.9.1', 'unknown'])(
    'an az of version %s is an error before it signs in',
    async (version) => {
      const cli = az(version);
      const job = host.job(azure, { environment: { PATH: cli.path } });
      const outcome = await job.step({ ...inputs, login: 'azure-cli' });
      expect(outcome.errors[0]).toContain('needs 2.73.0 or later');
      expect(cli.calls()).toHaveLength(1);
      expect(outcome.variables).toEqual({});
      expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
      job.close();
    },
  );

  test('git gets its token from the endpoint, and no token is on the disk', async () => {
    const job = host.job(azure);
    const outcome = await job.step({ ...inputs, login: 'git' });
    expect(outcome.errors).toEqual([]);
    azure.clearRequests();
    const answer = join(folder, `${host.kind}.answer`);
    const script = `
      import { spawnSync } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const { stdout, stderr } = spawnSync('git', ['credential', 'fill'], {
        input: 'protocol=https\\nhost=dev.azure.com\\n\\n',
        encoding: 'utf8',
        env: { ...process.env, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
      });
      writeFileSync(${JSON.stringify(answer)}, stdout + stderr);
    `;
    await job.script(script);
    const token = /^password=(eyJ.*)$/mu.exec(readFileSync(answer, 'utf8'))?.[1] ?? '';
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      appid: clientIds.deployer,
      aud: expect.stringContaining('499b84ac-1321-427f-aa17-267ca6975798'),
    });
    // The second time the endpoint has it already.
    await job.script(script);
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(1);
    for (const text of filesOf(job)) expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/u);
    await job.post();
    await job.script(script);
    expect(readFileSync(answer, 'utf8')).not.toContain('password=');
    job.close();
  });
});
