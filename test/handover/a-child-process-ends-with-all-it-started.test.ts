import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { runChild } from '../../src/handover/child-process.ts';
import type { Program } from '../../src/handover/program.ts';
import { standInAz, workshop } from './workshop.ts';

function programAt(path: string): Program {
  return { path, command: path, argumentsFor: (own) => own, verbatim: false };
}

const run = (path: string, directory: string, limit = 30_000) =>
  runChild({
    program: programAt(path),
    arguments: ['one', 'two words', '$HOME'],
    directory,
    environment: { variables: { GIVEN: 'yes' }, windows: false },
    limit,
  });

test('a good end is told as such', async () => {
  using place = workshop();
  const check = `process.exit(process.argv.slice(2).join() === 'one,two words,$HOME' && process.env.GIVEN === 'yes' && !process.env.HOME ? 0 : 1)`;
  expect(await run(standInAz(place.folder, check), place.folder)).toEqual({ kind: 'done' });
});

test('a bad end brings the code and the last of what was written', async () => {
  using place = workshop();
  const end = await run(
    standInAz(place.folder, `process.stderr.write('x'.repeat(100000) + ' the end', () => process.exit(3))`),
    place.folder,
  );
  expect(end).toMatchObject({ kind: 'failed', code: 3, words: expect.stringMatching(/x the end$/u) });
  expect('words' in end && end.words.length).toBe(32_768);
});

test('what cannot be started is told', async () => {
  using place = workshop();
  expect(await run('/no/such/program', place.folder)).toMatchObject({
    kind: 'not-started',
    words: expect.stringContaining('ENOENT'),
  });
});

describe('when its time is over', () => {
  test('it ends, and what it started with it', async () => {
    using place = workshop();
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
    // Both stay connected for as long as they live, and heed no signal that can be left unheeded.
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
