import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProgram, prefix, windowsPath, wine } from './wine.ts';

/**
 * Lets the hosts of test/harness/ start Windows' node.exe as their `node` (through node.mjs). They run
 * on Linux: every file that they name gets its name on Windows, and the command files are read as on Windows.
 */

const inWindows = (text: string): string =>
  text.startsWith('/') && existsSync(text) ? windowsPath(text) : text;

const environment = Object.fromEntries(
  Object.entries(process.env).map(([name, value = '']) => [name, inWindows(value)]),
);
// Node gives a child process sockets where others give pipes, and Wine cannot write to those: files take its output.
const written = mkdtempSync(join(tmpdir(), 'node-on-wine-'));
const streams = { stdout: join(written, 'stdout'), stderr: join(written, 'stderr') };
const { status, error } = spawnSync(wine, [nodeProgram, ...process.argv.slice(2).map(inWindows)], {
  stdio: ['ignore', openSync(streams.stdout, 'w'), openSync(streams.stderr, 'w')],
  env: {
    ...environment,
    HOME: process.env['HOME'],
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // `n`: the stand-ins in System32 run, and not Wine's own programs of these names.
    WINEDLLOVERRIDES: 'mscoree,mshtml,winemenubuilder.exe=;whoami.exe,icacls.exe=n',
    // Wine reads the names of files in the locale's encoding.
    LC_ALL: 'C.UTF-8',
  },
});
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
for (const stream of ['stdout', 'stderr'] as const) process[stream].write(readFileSync(streams[stream]));
rmSync(written, { recursive: true });

// A runner on Windows ends a line at CR LF; the one in test/harness/ ends it at LF (runner-file.ts).
for (const name of ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY']) {
  const file = process.env[name];
  if (file !== undefined) writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\r\n', '\n'));
}
