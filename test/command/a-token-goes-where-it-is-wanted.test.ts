import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { tokensIn } from '../scenarios/hosts-under-test.ts';
import {
  command,
  commandFile,
  commandNodes,
  environmentOf,
  identityWords,
  legsOf,
  startCommand,
} from './a-command.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => {
  azure.setWorld(worldFor('public'));
  azure.faults.clear();
  azure.clearRequests();
});

/** Runs words with a terminal as stdin, stdout and stderr, and returns what it shows and the exit code. */
async function inTerminal(words: readonly string[]): Promise<{ code: number; shown: string }> {
  const source = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
while True:
    try: some = os.read(terminal, 4096)
    except OSError: break
    if not some: break
    shown += some
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(b'%d ' % os.waitstatus_to_exitcode(status) + shown)
`;
  const child = spawn('python3', ['-c', source, process.execPath, commandFile, ...words], {
    env: environmentOf(azure),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const all = await text(child.stdout);
  return { code: Number.parseInt(all, 10), shown: all.slice(all.indexOf(' ') + 1) };
}

const token = ['token', ...identityWords()];

describe('a terminal', () => {
  test('gets no token, because it keeps what it shows', async () => {
    const { code, shown } = await inTerminal(token);
    expect(code).toBe(2);
    expect(shown).toMatch(/^entra-app-token: A token on a terminal stays in its history\..*--show/u);
    expect(azure.requests).toEqual([]);
  });

  test('gets it with --show', async () => {
    const { code, shown } = await inTerminal([...token, '--show']);
    expect(code).toBe(0);
    expect(tokensIn(shown)).toHaveLength(1);
  });
});

describe.each(commandNodes)('on Node $major, a reader that', ({ path: node }) => {
  const into = async (
    stdout: number,
    words: readonly string[],
  ): Promise<{ code: number | null; stderr: string }> => {
    const child = spawn(node, [commandFile, ...words], {
      env: environmentOf(azure),
      stdio: ['ignore', stdout, 'pipe'],
    });
    const ended = new Promise<number | null>((done) => child.once('close', done));
    const stderr = await text(child.stderr as NodeJS.ReadableStream);
    return { code: await ended, stderr };
  };

  test('has gone gives one line and 1, not a stack', async () => {
    // The shell's reader ends at once; the token comes later.
    const shell = spawn(
      'sh',
      [
        '-c',
        '{ "$@" 3>&1 1>&4 4>&-; echo "code $?" >&2; } 4>&1 | exec true',
        'sh',
        node,
        commandFile,
        ...token,
      ],
      { env: environmentOf(azure), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const stderr = await text(shell.stderr);
    expect(stderr).toMatch(/^entra-app-token: Cannot write to standard output: .*EPIPE\.\ncode 1\n$/u);
    expect(legsOf(azure)).toEqual(['imds', 'entra']);
  });

  test('is a full disk gives one line and 1, not a stack', async () => {
    if (!existsSync('/dev/full')) return;
    const file = openSync('/dev/full', 'w');
    for (const words of [token, ['--help']]) {
      const { code, stderr } = await into(file, words);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^entra-app-token: Cannot write to standard output: ENOSPC.*\n$/u);
    }
    closeSync(file);
  });
});

describe('nothing else shows a token', () => {
  test.each(commandNodes)('--debug on Node $major shows each request and claims', async ({ path: node }) => {
    const { code, stdout, stderr } = await command(azure, [...token, '--debug'], { node });
    expect(code).toBe(0);
    expect(tokensIn(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/Machine: IMDS/u);
    expect(stderr).toMatch(/Try 1: identity endpoint .*HTTP 200/u);
    expect(stderr).toMatch(/Try 1: Entra .*HTTP 200/u);
    expect(stderr).toMatch(/Claims of the app token: .*appid=/u);
    refuseSecrets(stderr);
  });

  test.each(commandNodes)('debug switches of libraries on Node $major', async ({ path: node }) => {
    const { code, stdout, stderr } = await command(azure, token, {
      node,
      environment: {
        DEBUG: '*',
        AZURE_LOG_LEVEL: 'verbose',
        TYPESPEC_RUNTIME_LOG_LEVEL: 'verbose',
        RUNNER_DEBUG: '1',
        ACTIONS_STEP_DEBUG: 'true',
        SYSTEM_DEBUG: 'true',
      },
    });
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^[\w.-]+\n$/u);
  });

  // NODE_DEBUG is Node's own. It prints requests, and here their bodies are not among them.
  test.each(commandNodes)('NODE_DEBUG on Node $major', async ({ path: node }) => {
    const { code, stdout, stderr } = await command(azure, token, {
      node,
      environment: { NODE_DEBUG: 'http,https,net,tls,stream,timer' },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\w.-]+\n$/u);
    refuseSecrets(stderr);
  });

  test.each(['token', 'git-credential'])('%s has no secret in its arguments or environment', async (name) => {
    azure.faults.queue('entra', { kind: 'hang' });
    const words = name === 'token' ? token : [name, ...identityWords(), 'get'];
    const { child, ended } = startCommand(azure, words, { stdin: 'protocol=https\nhost=dev.azure.com\n\n' });
    await azure.nextRequest(({ leg }) => leg === 'entra');
    const seen = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${child.pid}/${file}`, 'utf8'));
    child.kill('SIGTERM');
    await ended;
    refuseSecrets(seen.join(''));
  });
});

/** The assertion that Entra got, and anything that looks like a token. */
function refuseSecrets(shown: string): void {
  expect(tokensIn(shown)).toEqual([]);
  const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
  expect(sent.length).toBeGreaterThan(0);
  for (const assertion of sent) {
    for (const part of assertion.split('.').slice(1)) expect(shown).not.toContain(part);
  }
}
