import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { findAzureCli } from '../../src/handover/program.ts';
import { standInAz, workshop } from './workshop.ts';

const missing = expect.objectContaining({ problem: { kind: 'tool-missing', tool: 'azure-cli' } });

test('the first az that can be run is taken, and called as it is', () => {
  using place = workshop();
  const [first, second, third] = ['first', 'second', 'third'].map((name) => join(place.folder, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [join(first, 'az'), second, third]) mkdirSync(folder, { recursive: true });
  chmodSync(standInAz(second, ''), 0o644);
  const az = standInAz(third, '');
  const PATH = [first, second, third].join(':');
  const program = findAzureCli({ variables: { PATH }, windows: false });
  expect(program).toMatchObject({ path: az, command: az, verbatim: false });
  expect(program.argumentsFor(['login', '@file'])).toEqual(['login', '@file']);
});

test('a relative folder of the PATH does not count: it would be the workspace’s', () => {
  using place = workshop();
  standInAz(place.folder, '');
  const before = process.cwd();
  process.chdir(place.folder);
  try {
    for (const PATH of ['.', '', ':', './', undefined]) {
      const variables = PATH === undefined ? {} : { PATH };
      expect(() => findAzureCli({ variables, windows: false })).toThrow(missing);
    }
  } finally {
    process.chdir(before);
  }
});

/** Only what can be told apart without Windows: which program is called with which words. */
test('Windows’ command file is not called through a shell, but as the Python it would call', () => {
  using place = workshop();
  const wbin = join(place.folder, 'wbin');
  mkdirSync(wbin);
  for (const path of [join(wbin, 'az.cmd'), join(place.folder, 'python.exe')]) {
    writeFileSync(path, '');
    chmodSync(path, 0o755);
  }
  const program = findAzureCli({ variables: { Path: `C:\\nowhere;"${wbin}"` }, windows: true });
  expect(program).toMatchObject({ command: join(place.folder, 'python.exe'), verbatim: false });
  expect(program.argumentsFor(['login'])).toEqual(['-IBm', 'azure.cli', 'login']);
});

test('where there is no such Python, no word reaches the command interpreter that it would read', () => {
  using place = workshop();
  const path = join(place.folder, 'az.cmd');
  writeFileSync(path, '');
  chmodSync(path, 0o755);
  const program = findAzureCli({ variables: { PATH: place.folder, SYSTEMROOT: '/windows' }, windows: true });
  expect(program.verbatim).toBe(true);
  expect(program.command).toMatch(/cmd\.exe$/u);
  for (const word of ['%PATH%', 'a&b', 'a"b', 'a^b', 'a|b', '(a)', '!a!', 'a\nb', '']) {
    expect(() => program.argumentsFor([word])).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ kind: 'tool-unsafe' }) }),
    );
  }
});
