import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isPrivateName } from '../../src/handover/layout.ts';
import { createPrivateDirectory, requireTemporaryFolder } from '../../src/handover/private-directory.ts';
import { HandoverFailure } from '../../src/handover/problem.ts';
import { writeTokenFile } from '../../src/handover/token-file.ts';
import { workshop } from './workshop.ts';

const environment = { variables: {}, windows: false };
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the private directory', () => {
  test('is recorded before it exists, and is the user’s alone under any umask', async () => {
    for (const umask of [0o000, 0o077, 0o777]) {
      using place = workshop();
      const before = process.umask(umask);
      try {
        let recorded = '';
        const path = await createPrivateDirectory(
          place.folder,
          (planned) => {
            expect(existsSync(planned)).toBe(false);
            recorded = planned;
          },
          environment,
        );
        expect(path).toBe(recorded);
        expect(dirname(path)).toBe(place.folder);
        expect(isPrivateName(basename(path))).toBe(true);
        expect(mode(path)).toBe('700');
      } finally {
        process.umask(before);
      }
    }
  });

  test('never has the same name twice', async () => {
    using place = workshop();
    const paths = await Promise.all(
      Array.from({ length: 20 }, () => createPrivateDirectory(place.folder, () => undefined, environment)),
    );
    expect(new Set(paths).size).toBe(20);
  });

  test.each(['a directory', 'a link'])('%s that has its name already is not taken for it', async (what) => {
    using place = workshop();
    using elsewhere = workshop();
    const squat = (path: string): void => {
      if (what === 'a link') symlinkSync(elsewhere.folder, path);
      else mkdirSync(path);
    };
    await expect(createPrivateDirectory(place.folder, squat, environment)).rejects.toThrow(HandoverFailure);
    expect(readdirSync(elsewhere.folder)).toEqual([]);
  });
});

describe('the token file', () => {
  test('holds the token and nothing else, readable by the user alone under any umask', () => {
    for (const umask of [0o000, 0o077, 0o777]) {
      using place = workshop();
      const before = process.umask(umask);
      try {
        const path = writeTokenFile(place.folder, 'a.b.c');
        expect(readFileSync(path, 'utf8')).toBe('a.b.c');
        expect(mode(path)).toBe('600');
        expect(readdirSync(place.folder)).toEqual([basename(path)]);
      } finally {
        process.umask(before);
      }
    }
  });

  test('takes the place of a link and leaves alone what it led to', () => {
    using place = workshop();
    using elsewhere = workshop();
    const target = join(elsewhere.folder, 'target');
    writeFileSync(target, 'untouched');
    symlinkSync(target, join(place.folder, 'federated-token'));
    writeTokenFile(place.folder, 'a.b.c');
    expect(readFileSync(target, 'utf8')).toBe('untouched');
  });

  test('says what the system said when it cannot be written', () => {
    using place = workshop();
    const gone = join(place.folder, 'gone');
    expect(() => writeTokenFile(gone, 'a.b.c')).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ kind: 'not-written', detail: expect.stringContaining('ENOENT') }),
      }),
    );
  });
});

test.each(['', 'relative', '/does/not/exist', '/dev/null'])('temporary folder "%s" is none', (path) => {
  expect(() => requireTemporaryFolder(path)).toThrow(
    expect.objectContaining({ problem: { kind: 'no-temporary-folder', path } }),
  );
});
