import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds, identities, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { installAzureCli, userSid } from './stand-ins.ts';
import { goodInputs, windowsHosts } from './windows-hosts.ts';
import { drive, linuxPath, windowsPath } from './wine.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** Where the Azure CLI is, and which stand-in its `az.cmd` leads to. */
const azureClis = [
  {
    title: 'an az.cmd in a folder with spaces',
    folder: join(drive, 'Program Files', 'Azure CLI'),
    program: 'probe.exe',
    options: '',
    called: { program: 'probe', before: [] },
  },
  {
    // azure-cli, `build_scripts/windows/scripts/az.cmd`
    title: 'Microsoft’s own package',
    folder: join(drive, 'Program Files', 'Microsoft SDKs', 'Azure', 'CLI2', 'wbin'),
    program: '..\\python.exe',
    options: '-IBm azure.cli',
    called: { program: 'python', before: ['-IBm', 'azure.cli'] },
  },
] as const;
beforeAll(() => {
  for (const { folder, program, options } of azureClis) installAzureCli(folder, program, options);
});

describe.each(windowsHosts)('$title on Windows', (host) => {
  test('export writes the assertion where only the job’s user can read it, and post removes it', async () => {
    using job = host.start(azure);
    const { errors, values } = await job.step({ ...goodInputs, export: 'azure-sdk, terraform' });
    expect(errors).toEqual([]);
    const [name = ''] = job.left();
    const directory = `${job.temp}\\${name}`;
    const file = `${directory}\\federated-token`;
    expect(values).toMatchObject({
      'federated-token-file': file,
      AZURE_CLIENT_ID: clientIds.deployer,
      AZURE_TENANT_ID: tenantIds.contoso,
      AZURE_FEDERATED_TOKEN_FILE: file,
      ARM_OIDC_TOKEN_FILE_PATH: file,
    });

    // Windows has no file modes. The access list is set while the directory is empty, so the file inherits it.
    const [call, ...others] = job.standIns.calls('icacls');
    expect(call?.words).toEqual([directory, '/inheritance:r', '/grant:r', `*${userSid}:(OI)(CI)F`]);
    expect(call?.contents[0]).toEqual([]);
    expect(others).toEqual([]);

    const read = await job.laterStep(
      `import { readFileSync } from 'node:fs';
      console.log(JSON.stringify(readFileSync(process.env.AZURE_FEDERATED_TOKEN_FILE, 'utf8')));`,
    );
    expect(decodeJwt(String(read)).sub).toBe(identities.runner.objectId);

    const [post] = await job.post();
    expect(post).toMatchObject({ succeeded: true, errors: [] });
    expect(post?.transcript.displayed).toContain(`Removed ${directory}`);
    expect(job.left()).toEqual([]);
  });

  describe.each(azureClis)('login with $title', ({ folder, called }) => {
    const path = windowsPath(folder);

    test('signs in from the file, and the later steps find the session', async () => {
      using job = host.start(azure, { path });
      const { errors, values } = await job.step({
        ...goodInputs,
        login: 'azure-cli',
        'subscription-id': subscriptionIds.contosoProduction,
      });
      expect(errors).toEqual([]);
      const [name = ''] = job.left();
      const directory = `${job.temp}\\${name}`;
      expect(values['AZURE_CONFIG_DIR']).toBe(`${directory}\\azure-cli`);
      expect(existsSync(linuxPath(values['AZURE_CONFIG_DIR'] ?? ''))).toBe(true);

      const calls = job.standIns.calls(called.program);
      const file = `@${directory}\\federated-token`;
      const [login, account, ...others] = calls;
      expect(login?.words.slice(0, called.before.length)).toEqual(called.before);
      expect(login?.words.slice(called.before.length)).toEqual([
        ...['login', '--service-principal', '--username', clientIds.deployer, '--tenant', tenantIds.contoso],
        ...['--federated-token', file, '--allow-no-subscriptions', '--output', 'none'],
      ]);
      expect(account?.words.slice(called.before.length)).toEqual([
        ...['account', 'set', '--subscription', subscriptionIds.contosoProduction, '--output', 'none'],
      ]);
      expect(others).toEqual([]);
      // What az found in the file that it was given.
      expect(decodeJwt(String(login?.contents[login.words.indexOf(file)])).sub).toBe(
        identities.runner.objectId,
      );
      for (const { environment } of calls) {
        expect(environment['AZURE_CONFIG_DIR']).toBe(values['AZURE_CONFIG_DIR']);
      }

      const [post] = await job.post();
      expect(post?.transcript.displayed).toContain(`Removed ${directory}`);
      expect(job.left()).toEqual([]);
    });

    test('a failed sign-in says az’s own words and leaves nothing', async () => {
      using job = host.start(azure, { path });
      job.standIns.answer(called.program, { stderr: 'ERROR: The disk is full.\r\n', code: 3 });
      const { succeeded, transcript } = await job.step({ ...goodInputs, login: 'azure-cli' });
      expect(succeeded).toBe(false);
      expect(transcript.displayed).toContain('ERROR: The disk is full.');
      expect(job.left()).toEqual([]);
    });
  });

  test('without an az on the path nothing is asked for', async () => {
    using job = host.start(azure);
    azure.clearRequests();
    const { succeeded, errors } = await job.step({ ...goodInputs, login: 'azure-cli' });
    expect([succeeded, errors.length]).toEqual([false, 1]);
    expect(azure.requests).toEqual([]);
  });
});
