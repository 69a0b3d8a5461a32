import { realpathSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type Program, runChild } from '../../src/handover/child-process.ts';
import { standInAz, tempFolder } from './temp-folder.ts';

function programAt(path: string): Program {
  return { path, command: path, argumentsFor: (own) => own, verbatim: false, requireSafe: () => undefined };
}

const run = (path: string, directory: string, limit = 30_000) =>
  runChild({
    program: programAt(path),
    arguments: ['one', 'two words', '$HOME'],
    directory,
    environment: { variables: { GIVEN: 'yes' }, windows: false },
    limit,
  });

test('a program that succeeds', async () => {
  using place = tempFolder();
  const check = `process.exit(process.argv.slice(2).join() === 'one,two words,$HOME' && process.env.GIVEN === 'yes' && !process.env.HOME ? 0 : 1)`;
  expect(await run(standInAz(place.folder, check), place.folder)).toEqual({ kind: 'done' });
});

test('a program runs in the private directory, not in the workspace, where the job’s files could change it', async () => {
  using place = tempFolder();
  const check = `process.exit(process.cwd() === ${JSON.stringify(realpathSync(place.folder))} ? 0 : 1)`;
  expect(await run(standInAz(place.folder, check), place.folder)).toEqual({ kind: 'done' });
});

test('a program that fails: its exit code and the end of its stderr, whole lines only', async () => {
  using place = tempFolder();
  const end = await run(
    standInAz(
      place.folder,
      `process.stderr.write('secret'.repeat(10000) + '\\n' + 'x'.repeat(20000) + '\\nthe end', () => process.exit(3))`,
    ),
    place.folder,
  );
  expect(end).toEqual({ kind: 'failed', code: 3, words: `${'x'.repeat(20_000)}\nthe end` });
});

test('one line that is too long to keep is not shown at all, because its rest may be the end of a secret', async () => {
  using place = tempFolder();
  const end = await run(
    standInAz(place.folder, `process.stderr.write('x'.repeat(40000), () => process.exit(3))`),
    place.folder,
  );
  expect(end).toEqual({ kind: 'failed', code: 3, words: '' });
});

test('a program that cannot be started', async () => {
  using place = tempFolder();
  expect(await run('/no/such/program', place.folder)).toMatchObject({
    kind: 'not-started',
    words: expect.stringContaining('ENOENT'),
  });
});

describe('when the time limit passes', () => {
  test('the program ends, and every process that it started', async () => {
    using place = tempFolder();
    const connections: Socket[] = [];
    let started = (): void => undefined;
    const bothStarted = new Promise<void>((resolve) => {
      started = resolve;
    });
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      connections.push(socket.resume());
      if (connections.length === 2) started();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    // Both stay connected while they run, and ignore every signal that can be ignored.
    const stay = `process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); require('node:net').connect(${port}, '127.0.0.1').on('error', () => {});`;
    const az = standInAz(
      place.folder,
      `${stay} require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stay)}], { stdio: 'inherit' });`,
    );
    const handlers = process.listenerCount('SIGTERM');
    const end = run(az, place.folder, 2_000);
    expect(process.listenerCount('SIGTERM')).toBe(handlers + 1);
    await bothStarted;
    const closed = connections.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    expect(await end).toEqual({ kind: 'timed-out', words: '' });
    await Promise.all(closed);
    expect(process.listenerCount('SIGTERM')).toBe(handlers);
    server.close();
  });
});
