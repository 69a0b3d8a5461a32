import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { run, runWords, startRun } from './a-run.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const node = (source: string): readonly string[] => [process.execPath, '--eval', source];

describe('the exit code', () => {
  test.each([0, 1, 7, 125, 255])('%i is the command’s own', async (code) => {
    expect(await run(azure, node(`process.exit(${code})`))).toMatchObject({ code, signal: null, stderr: '' });
  });

  test.each([
    ['SIGKILL', 137],
    ['SIGTERM', 143],
    ['SIGSEGV', 139],
  ])('a command that %s ends gives %i', async (signal, code) => {
    const { code: given } = await run(azure, node(`process.kill(process.pid, '${signal}')`));
    expect(given).toBe(code);
  });

  test('a command that is not there gives 127', async () => {
    const { code, stderr } = await run(azure, ['no-such-command']);
    expect(code).toBe(127);
    expect(stderr).toMatch(/^The command no-such-command could not be started: .*ENOENT\n$/u);
  });

  test.each([
    ['a folder', '.'],
    ['a file that is no program', './package.json'],
  ])('%s gives 126', async (_, program) => {
    const { code, stderr } = await run(azure, [program]);
    expect(code).toBe(126);
    expect(stderr).toMatch(/could not be started/u);
  });
});

describe('signals', () => {
  const counting = node(`
    const seen = [];
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])
      process.on(signal, () => { seen.push(signal); console.log(seen.join()); if (signal === 'SIGUSR2') process.exit(9); });
    setInterval(() => {}, 1000);
    console.log('ready');`);

  test('are passed on, and the command decides when it ends', async () => {
    const started = startRun(azure, counting);
    await started.printed('ready');
    const sent: string[] = [];
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
      started.child.kill(signal);
      sent.push(signal);
      await started.printed(sent.join());
    }
    const { code, stdout } = await started.ended;
    expect(code).toBe(9);
    expect(stdout.trim().split('\n').at(-1)).toBe(sent.join());
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s alone reaches the command, and does not end what runs it',
    async (signal) => {
      const command = `process.on('${signal}', () => process.exit(9)); setTimeout(() => process.exit(3), 10_000); console.log('ready')`;
      const started = startRun(azure, node(command));
      await started.printed('ready');
      started.child.kill(signal);
      expect(await started.ended).toMatchObject({ code: 9, signal: null });
    },
  );

  test('a command that does not handle one ends by it', async () => {
    const started = startRun(azure, node(`setInterval(() => {}, 1000); console.log('ready')`));
    await started.printed('ready');
    started.child.kill('SIGTERM');
    expect((await started.ended).code).toBe(143);
  });
});

test('stdin, stdout and stderr are the command’s own', async () => {
  const outcome = await run(azure, ['sh', '-c', 'cat; echo to-stderr >&2'], { stdin: 'from stdin\n' });
  expect(outcome).toMatchObject({ code: 0, stdout: 'from stdin\n', stderr: 'to-stderr\n' });
});

/** Runs words in a terminal of their own, presses Ctrl-C when they print `ready`, and returns what they print. */
async function inTerminal(words: readonly string[]): Promise<string> {
  const source = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
pressed = False
while True:
    try: some = os.read(terminal, 4096)
    except OSError: break
    if not some: break
    shown += some
    if not pressed and b'ready' in shown:
        pressed = True
        os.write(terminal, b'\\x03')
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown + b'exit %d' % os.waitstatus_to_exitcode(status))
`;
  const child = spawn('python3', ['-c', source, ...words], {
    env: { PATH: process.env['PATH'] ?? '', ...azure.environment() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return text(child.stdout);
}

test('a terminal is the command’s, and Ctrl-C reaches it once', async () => {
  const command = node(`
    let times = 0;
    process.on('SIGINT', () => { times += 1; setTimeout(() => { console.log('times', times); process.exit(5); }, 300); });
    console.log(process.stdin.isTTY, process.stdout.isTTY, 'ready');
    setInterval(() => {}, 1000);`);
  const shown = await inTerminal(runWords(command));
  expect(shown).toMatch(/true true ready/u);
  expect(shown).toMatch(/times 1\r\n.*exit 5$/su);
});

test('the server lives as long as the command, and its secret is only in the command’s environment', async () => {
  const started = startRun(
    azure,
    node(`console.log(JSON.stringify({ url: process.env.IDENTITY_ENDPOINT, secret: process.env.IDENTITY_HEADER }));
    process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready');`),
  );
  await started.printed('ready');
  const proc = (file: string): string => readFileSync(`/proc/${started.child.pid}/${file}`, 'utf8');
  const [environment, words] = [proc('environ'), proc('cmdline')];
  started.child.kill('SIGTERM');
  const { stdout } = await started.ended;
  const { url, secret } = JSON.parse(stdout.split('\n')[0] ?? '');
  expect(secret).toMatch(/^[0-9a-f]{64}$/u);
  expect(environment + words).not.toContain(secret);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const refused = await new Promise((resolve) => {
    socket.once('error', resolve);
    socket.once('connect', () => resolve('connected'));
  });
  socket.destroy();
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
});
