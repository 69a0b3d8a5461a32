import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const secret = 'Ab18Q~dEfGhIjKlMnOp';

test.each([
  ['a subcommand', [secret]],
  ['an option', ['token', `--${secret}`]],
  ['a value of a list', ['token', '--output', secret]],
  ['the other value of a list', ['token', '--shell', secret]],
  ['a second operand', ['git-credential', 'get', secret]],
])('%s that may be a secret is not printed', (_, words) => {
  const command = [resolve('build/src/main/command.js'), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('entra-app-token: ');
  expect(stderr).not.toContain(secret);
});
