import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { gitEnvironment, repository, serveRepositories } from '../handover/repositories.ts';
import { tokensIn } from '../scenarios/hosts-under-test.ts';
import { command, commandFile, commandNodes, identityWords, legsOf } from './a-command.ts';

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'command-git-'));
  serveRepositories(azure, folder);
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  azure.setWorld(worldFor('public'));
  azure.clearRequests();
});

const azureRepos = 'protocol=https\nhost=dev.azure.com\npath=contoso/_git/a\n\n';
const helper = (operation: string, stdin: string, node?: string) =>
  command(azure, ['git-credential', ...identityWords(), operation], { stdin, ...(node && { node }) });

describe.each(commandNodes)('on Node $major', ({ path: node }) => {
  test('get answers with a token for Azure Repos', async () => {
    const { code, stdout, stderr } = await helper('get', azureRepos, node);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, password = ''] = /^username=entra-app-token\npassword=(.+)\n$/u.exec(stdout) ?? [];
    expect(claimsOf(password)).toMatchObject({
      appid: clientIds.deployer,
      aud: '499b84ac-1321-427f-aa17-267ca6975798',
    });
    expect(legsOf(azure)).toEqual(['imds', 'entra']);
  });

  test('git clones with it, submodules included, and stores nothing', async () => {
    const home = mkdtempSync(join(folder, 'home-'));
    const target = join(mkdtempSync(join(folder, 'work-')), 'infra');
    const words = [node, commandFile, 'git-credential', ...identityWords()];
    const line = words.map((word) => `'${word}'`).join(' ');
    // What a user has in the file ~/.gitconfig, with a helper of its own that would store what it is given.
    writeFileSync(
      join(home, '.gitconfig'),
      `[credential "https://dev.azure.com"]\n\thelper =\n\thelper = "!${line}"\n`,
    );
    const git = spawn('git', ['clone', '--quiet', '--recurse-submodules', repository, target], {
      env: { PATH: process.env['PATH'] ?? '', ...gitEnvironment(azure, home), ...azure.environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise((done) => git.once('close', done));
    const shown = (await Promise.all([text(git.stdout), text(git.stderr)])).join('');
    expect({ code: await ended, tokens: tokensIn(shown) }).toEqual({ code: 0, tokens: [] });
    expect(existsSync(join(target, 'shared', 'main.tf'))).toBe(true);
    expect(readdirSync(home)).toEqual(['.gitconfig']);
  }, 60_000);
});

test.each([
  ['store', `${azureRepos.trimEnd()}\nusername=a\npassword=hush-hush\n\n`],
  ['erase', azureRepos],
  ['capability', ''],
  ['something-new', azureRepos],
  ['get', 'protocol=https\nhost=github.com\n\n'],
  ['get', 'protocol=http\nhost=dev.azure.com\n\n'],
  ['get', 'protocol=https\nhost=dev.azure.com.evil.example\n\n'],
  ['get', 'protocol=https\nhost=dev.azure.com@evil.example\n\n'],
  ['get', ''],
])('%s has no answer for %j, and asks nobody', async (operation, stdin) => {
  expect(await helper(operation, stdin)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(azure.requests).toEqual([]);
});

test('a failure is explained on stderr, and git stops instead of asking the user', async () => {
  azure.faults.queue('entra', { kind: 'entra', code: 7000229 });
  const { code, stdout, stderr } = await helper('get', azureRepos);
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'quit=1\n' });
  expect(stderr).toMatch(/AADSTS7000229.*\nCause: .*\nFix: /su);
});
