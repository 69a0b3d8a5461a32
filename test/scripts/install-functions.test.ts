import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

/** `scripts/install-functions.sh`: what the install scripts keep outside the clone. */

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'install-functions-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const fill = 'fill() { echo "$1" >> "$2/content.txt"; }';
const fail = 'fail() { echo half > "$2/content.txt"; false; echo whole > "$2/content.txt"; }';

function bash(script: string): { exitCode: number | null; folder: string } {
  const { status, stdout } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ENTRA_APP_TOKEN_CACHE: cache },
  });
  return { exitCode: status, folder: stdout.trim() };
}

const cached = (functions: string, call: string) =>
  bash(`source scripts/install-functions.sh; ${functions}; cached ${call}`);

test('a version is installed once', () => {
  const first = cached(fill, 'tool 1.0 fill first');
  const second = cached(fill, 'tool 1.0 fill second');
  expect(second).toEqual(first);
  expect(readFileSync(join(first.folder, 'content.txt'), 'utf8')).toBe('first\n');
});

test('another version gets another folder', () => {
  expect(cached(fill, 'tool 1.0 fill x').folder).not.toBe(cached(fill, 'tool 2.0 fill x').folder);
});

test('an installation that failed is an error, and the next one begins with an empty folder', () => {
  expect(cached(fail, 'tool 1.0 fail x')).toEqual({ exitCode: 1, folder: '' });
  const { exitCode, folder } = cached(fill, 'tool 1.0 fill whole');
  expect(exitCode).toBe(0);
  expect(readFileSync(join(folder, 'content.txt'), 'utf8')).toBe('whole\n');
});

test('a cache that cannot be written is replaced by a folder of the clone', () => {
  rmSync(cache, { recursive: true });
  writeFileSync(cache, 'a file, not a folder');
  const { folder } = bash('source scripts/install-functions.sh; echo "$cache"');
  expect(folder).toBe(join(process.cwd(), 'build', 'cache'));
  expect(existsSync(folder)).toBe(true);
});
