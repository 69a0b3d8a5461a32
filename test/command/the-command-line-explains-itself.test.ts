import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';
import { command, commandFile, commandNodes, identityWords } from './a-command.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => azure.clearRequests());

const subcommands = ['token', 'run', 'git-credential', 'check'];

describe.each(commandNodes)('on Node $major', ({ path: node }) => {
  test('--help lists the subcommands, and each has a help of its own', async () => {
    const top = await command(undefined, ['--help'], { node });
    expect(top).toMatchObject({ code: 0, stderr: '' });
    for (const name of subcommands) {
      expect(top.stdout).toMatch(new RegExp(`^  ${name} `, 'mu'));
      const { code, stdout, stderr } = await command(undefined, [name, '--help'], { node });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`Usage: entra-app-token ${name}`);
      for (const option of Object.keys(goodInputs)) expect(stdout).toContain(`--${option} <`);
    }
  });

  test.each(['entra-app-token', 'index.js'])('the file alone works, copied as %s', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'copied-'));
    const copy = join(folder, name);
    copyFileSync(commandFile, copy);
    // Node before 20.19 does not look into a file to learn whether it is a module.
    const words = ['--no-experimental-detect-module', copy, '--version'];
    expect(execFileSync(node, words, { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/u);
    rmSync(folder, { recursive: true });
  });

  test('--version is the package’s', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await command(undefined, ['--version'], { node })).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

test('docs/command.md has every subcommand and every option', async () => {
  const page = readFileSync('docs/command.md', 'utf8');
  for (const name of subcommands) {
    expect(page).toContain(`\n## ${name}\n`);
    const { stdout } = await command(undefined, [name, '--help']);
    for (const [option] of stdout.matchAll(/(?<=^ +(?:-\w, )?)--[\w-]+/gmu))
      expect(page).toContain(`\`${option}`);
  }
});

describe('wrong words end with 2, a message on stderr, and no request', () => {
  const good = identityWords();
  test.each([
    ['nothing', [], /^Usage: entra-app-token /u],
    ['an unknown subcommand', ['tokn'], /unknown command 'tokn'\n\(Did you mean token\?\)\n/u],
    [
      'an unknown option',
      ['token', '--cleint-id=x'],
      /unknown option '--cleint-id=?.*'\n\(Did you mean --client-id\?\)/u,
    ],
    ['an option of another subcommand', ['token', ...good, '--allow=arm'], /unknown option '--allow=arm'/u],
    ['a missing value', ['token', '--client-id'], /'--client-id <ID>' argument missing/u],
    ['a word too many', ['token', ...good, 'more'], /too many arguments for 'token'/u],
    [
      'an option given twice',
      ['token', ...good, '--cloud=public', '--cloud=china'],
      /'--cloud' is given twice\n/u,
    ],
    [
      'an unknown format',
      ['token', ...good, '--output=xml'],
      /'xml' is invalid\. Allowed choices are text, json, env/u,
    ],
    ['no app', ['token'], /^entra-app-token: Option --client-id: It is required/u],
    [
      'a limit that is no number',
      ['token', ...good, '--timeout-seconds=soon'],
      /^entra-app-token: Option --timeout-seconds: /u,
    ],
    ['a scope that is none', ['token', ...good, '--scopes=nothing'], /^entra-app-token: Option --scopes: /u],
    ['git’s operation missing', ['git-credential', ...good], /missing required argument 'operation'/u],
  ])('%s', async (_, words, message) => {
    const { code, stdout, stderr } = await command(azure, words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /u);
    expect(azure.requests).toEqual([]);
  });

  test.each([
    ['no command', [...good], /missing required argument 'command'/u],
    ['an unknown option', [...good, '--alow=arm', '--', 'true'], /Did you mean --allow\?/u],
    [
      'a scope that is none',
      [...good, '--allow=nothing', '--', 'true'],
      /^entra-app-token: Option --allow: /u,
    ],
    [
      'a registry',
      [...good, '--allow=acr:contoso.azurecr.io', '--', 'true'],
      /^entra-app-token: --allow: .*container registries/u,
    ],
  ])('run, which has the command’s own codes, ends with 125: %s', async (_, words, message) => {
    const { code, stdout, stderr } = await command(azure, ['run', ...words]);
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toMatch(message);
    expect(azure.requests).toEqual([]);
  });
});

describe('a wrong word that can be a secret is not shown', () => {
  const secret = "xK8~q'Zt4vN2mB7wP9rL3sD6fG1hJ5cY0aE_uT.oi";
  test.each([
    ['a subcommand', [secret]],
    ['an option', [`--${secret}`]],
    ['an option of a subcommand', ['token', `--${secret}`]],
    ['letters that are no options', ['token', `-${secret}`]],
    ['letters after one that is an option', ['token', `-V${secret}`]],
    ['the value of an unknown option', ['token', `--client-secret=${secret}`]],
    ['the value of an option without one', ['token', `--show=${secret}`]],
    ['a format', ['token', `--output=${secret}`]],
    ['an ID', ['token', `--client-id=${secret}`]],
    ['a limit', ['token', ...identityWords(), `--timeout-seconds=${secret}`]],
    ['a scope', ['token', ...identityWords(), `--scopes=${secret}`]],
    ['a word too many', ['token', ...identityWords(), secret]],
    ['git’s operation', ['git-credential', ...identityWords(), 'get', secret]],
    ['an option of run', ['run', `--${secret}`, '--', 'true']],
  ])('%s', async (_, words) => {
    const { code, stdout, stderr } = await command(azure, words);
    expect([2, 125]).toContain(code);
    for (const part of secret.split("'")) expect(stdout + stderr).not.toContain(part);
    expect(stderr).not.toBe('');
  });
});

describe('variables', () => {
  const variables = {
    ENTRA_APP_TOKEN_CLIENT_ID: clientIds.deployer,
    ENTRA_APP_TOKEN_TENANT_ID: tenantIds.contoso,
    ENTRA_APP_TOKEN_MANAGED_IDENTITY_CLIENT_ID: identities.runner.clientId,
  };

  test('stand for options', async () => {
    const { code, stdout } = await command(azure, ['token', '--output=json'], {
      environment: { ...variables, ENTRA_APP_TOKEN_SCOPES: 'A = arm\nB = graph' },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).tokens.map(({ name }: { name: string }) => name)).toEqual(['A', 'B']);
  });

  test('stand back behind options', async () => {
    const { code, stdout } = await command(
      azure,
      ['token', `--client-id=${clientIds.multitenant}`, '--scopes=arm'],
      {
        environment: { ...variables, ENTRA_APP_TOKEN_SCOPES: 'graph, storage' },
      },
    );
    expect(code).toBe(0);
    expect(claimsOf(stdout.trim())).toMatchObject({
      appid: clientIds.multitenant,
      aud: expect.stringContaining('management'),
    });
  });

  test('are named by messages about their values', async () => {
    const { code, stderr } = await command(azure, ['token'], {
      environment: { ...variables, ENTRA_APP_TOKEN_TENANT_ID: 'common' },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^entra-app-token: Option ENTRA_APP_TOKEN_TENANT_ID: /u);
  });

  test('of the SDKs do not choose the app', async () => {
    const { stdout } = await command(azure, ['token', ...identityWords()], {
      environment: { AZURE_CLIENT_ID: clientIds.multitenant, AZURE_TENANT_ID: tenantIds.fabrikam },
    });
    expect(claimsOf(stdout.trim())).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
  });
});
