import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { findAzureCli } from '../../src/handover/child-process.ts';
import { standInAz, tempFolder } from './temp-folder.ts';

const missing = expect.objectContaining({ detail: { kind: 'tool-missing', tool: 'azure-cli' } });

test('the first executable az is used, and started directly', () => {
  using place = tempFolder();
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

test('a relative folder in PATH does not count, because it would be in the workspace', () => {
  using place = tempFolder();
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

/** What can be tested without Windows: which program is started with which arguments. */
test('the command file on Windows is not started through a shell: the step starts its Python instead', () => {
  using place = tempFolder();
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

test('without that Python, the command interpreter never gets an argument that it would change', () => {
  using place = tempFolder();
  const path = join(place.folder, 'az.cmd');
  writeFileSync(path, '');
  chmodSync(path, 0o755);
  const program = findAzureCli({ variables: { PATH: place.folder, SYSTEMROOT: '/windows' }, windows: true });
  expect(program.verbatim).toBe(true);
  expect(program.command).toMatch(/cmd\.exe$/u);
  for (const word of ['%PATH%', 'a&b', 'a"b', 'a^b', 'a|b', 'a<b', 'a>b', '!a!', 'a\nb', '']) {
    const unsafe = expect.objectContaining({
      detail: { kind: 'tool-unsafe', tool: 'azure-cli', path: word },
    });
    expect(() => program.argumentsFor([word])).toThrow(unsafe);
    expect(() => program.requireSafe(word)).toThrow(unsafe);
  }
  for (const word of ['login', '@C:\\Temp (x86)\\ü\\federated-token', '--tenant', 'a-b_c.d~e']) {
    expect(program.argumentsFor([word])).toEqual(['/d', '/s', '/c', `""${path}" "${word}""`]);
    expect(() => program.requireSafe(word)).not.toThrow();
  }
});
