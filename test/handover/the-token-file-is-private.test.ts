import {
  chownSync,
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
import { HandoverError } from '../../src/handover/errors.ts';
import {
  createPrivateDirectory,
  isPrivateName,
  ownerOfFiles,
  privatePath,
  requireTemporaryFolder,
  writeTokenFile,
} from '../../src/handover/private-directory.ts';
import { tempFolder } from './temp-folder.ts';

const environment = { variables: {}, windows: false };
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const umasks = [0o000, 0o077, 0o777];

async function underUmask<T>(umask: number, action: () => T | Promise<T>): Promise<T> {
  const before = process.umask(umask);
  try {
    return await action();
  } finally {
    process.umask(before);
  }
}

describe('the private directory', () => {
  test('has a name that nobody can predict, directly under the temporary folder', () => {
    const paths = Array.from({ length: 20 }, () => privatePath('/temp'));
    expect(new Set(paths).size).toBe(20);
    for (const path of paths) {
      expect(dirname(path)).toBe('/temp');
      expect(basename(path)).toMatch(/^entra-app-token-[0-9a-f]{32}$/u);
      expect(isPrivateName(basename(path))).toBe(true);
      expect(existsSync(path)).toBe(false);
    }
  });

  test.each(umasks)('only the user can enter it, with umask %i', async (umask) => {
    using place = tempFolder();
    const path = privatePath(place.folder);
    await underUmask(umask, () => createPrivateDirectory(path, undefined, environment));
    expect(mode(path)).toBe('700');
  });

  test.each(['a directory', 'a file', 'a link'])('%s that already has its name is not used', async (what) => {
    using place = tempFolder();
    using elsewhere = tempFolder();
    const path = privatePath(place.folder);
    if (what === 'a link') symlinkSync(elsewhere.folder, path);
    else if (what === 'a file') writeFileSync(path, '');
    else mkdirSync(path);
    await expect(createPrivateDirectory(path, undefined, environment)).rejects.toThrow(HandoverError);
    expect(readdirSync(elsewhere.folder)).toEqual([]);
  });

  test.each([
    'entra-app-token-',
    `entra-app-token-${'a'.repeat(31)}`,
    `entra-app-token-${'a'.repeat(33)}`,
    `entra-app-token-${'A'.repeat(32)}`,
    `entra-app-taken-${'a'.repeat(32)}`,
    `x-entra-app-token-${'a'.repeat(32)}`,
  ])('%s is not its kind of name', (name) => {
    expect(isPrivateName(name)).toBe(false);
  });
});

describe('the token file', () => {
  test.each(umasks)(
    'holds the token and nothing else, and only the user can read it, with umask %i',
    async (umask) => {
      using place = tempFolder();
      const path = await underUmask(umask, () => writeTokenFile(place.folder, 'a.b.c', undefined));
      expect(readFileSync(path, 'utf8')).toBe('a.b.c');
      expect(mode(path)).toBe('600');
      expect(readdirSync(place.folder)).toEqual([basename(path)]);
    },
  );

  test('replaces a link, and leaves the target of the link alone', () => {
    using place = tempFolder();
    using elsewhere = tempFolder();
    const target = join(elsewhere.folder, 'target');
    writeFileSync(target, 'untouched');
    symlinkSync(target, join(place.folder, 'federated-token'));
    writeTokenFile(place.folder, 'a.b.c', undefined);
    expect(readFileSync(target, 'utf8')).toBe('untouched');
  });

  test('the failure has the system’s own words', () => {
    using place = tempFolder();
    const missing = join(place.folder, 'missing');
    expect(() => writeTokenFile(missing, 'a.b.c', undefined)).toThrow(
      expect.objectContaining({
        detail: expect.objectContaining({ kind: 'not-written', detail: expect.stringContaining('ENOENT') }),
      }),
    );
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('for root in a container', () => {
  const owner = { uid: 12_345, gid: 23_456 };
  const ownerOf = (path: string): object => {
    const { uid, gid } = statSync(path);
    return { uid, gid };
  };

  test('the owner of the temporary folder owns what the step writes', async () => {
    using place = tempFolder();
    chownSync(place.folder, owner.uid, owner.gid);
    expect(ownerOfFiles(place.folder)).toEqual(owner);
    const path = privatePath(place.folder);
    await createPrivateDirectory(path, owner, environment);
    const file = writeTokenFile(path, 'a.b.c', owner);
    expect([ownerOf(path), ownerOf(file)]).toEqual([owner, owner]);
    expect([mode(path), mode(file)]).toEqual(['700', '600']);
  });

  test('nothing changes if root owns the temporary folder', () => {
    using place = tempFolder();
    expect(ownerOfFiles(place.folder)).toBeUndefined();
  });
});

test.each(['', 'relative', '/does/not/exist', '/dev/null'])(
  'temporary folder "%s" cannot be used',
  (path) => {
    expect(() => requireTemporaryFolder(path)).toThrow(
      expect.objectContaining({ detail: { kind: 'no-temporary-folder', path } }),
    );
  },
);
