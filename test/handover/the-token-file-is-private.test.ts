import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { HandoverError } from '../../src/handover/errors.ts';
import { OpenDirectory } from '../../src/handover/open-directory.ts';
import {
  inPrivateDirectory,
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

/** Makes the directory, with the assertion in it if one is given. */
const create = (path: string, token?: string): Promise<string | undefined> =>
  inPrivateDirectory(path, environment, token, async (directory) =>
    token === undefined ? undefined : writeTokenFile(directory, token),
  );

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
    await underUmask(umask, () => create(path));
    expect(mode(path)).toBe('700');
  });

  test.each(['a directory', 'a file', 'a link'])('%s that already has its name is not used', async (what) => {
    using place = tempFolder();
    using elsewhere = tempFolder();
    const path = privatePath(place.folder);
    if (what === 'a link') symlinkSync(elsewhere.folder, path);
    else if (what === 'a file') writeFileSync(path, '');
    else mkdirSync(path);
    await expect(create(path)).rejects.toThrow(HandoverError);
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
      const path = await underUmask(umask, () => writeTokenFile(new OpenDirectory(place.folder), 'a.b.c'));
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
    writeTokenFile(new OpenDirectory(place.folder), 'a.b.c');
    expect(readFileSync(target, 'utf8')).toBe('untouched');
  });

  test('the failure has the system’s own words', () => {
    using place = tempFolder();
    const path = join(place.folder, 'gone');
    mkdirSync(path);
    const directory = new OpenDirectory(path);
    rmSync(path, { recursive: true });
    expect(() => writeTokenFile(directory, 'a.b.c')).toThrow(
      expect.objectContaining({
        detail: {
          kind: 'not-written',
          what: 'token-file',
          path: join(path, 'federated-token'),
          // Without the number of a descriptor.
          detail: expect.stringMatching(
            /ENOENT: no such file or directory, open 'federated-token\.[0-9a-f]{16}'$/u,
          ),
        },
      }),
    );
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('for root in a container', () => {
  const owner = { uid: 12_345, gid: 23_456 };
  const ownerOf = (path: string): object => {
    const { uid, gid } = lstatSync(path);
    return { uid, gid };
  };

  test('the owner of the temporary folder owns what the step and its tools write', async () => {
    using place = tempFolder();
    using elsewhere = tempFolder();
    chownSync(place.folder, owner.uid, owner.gid);
    const path = privatePath(place.folder);
    const within: object[] = [];
    await inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
      writeTokenFile(directory, 'a.b.c');
      mkdirSync(join(path, 'azure-cli', 'logs'), { recursive: true });
      writeFileSync(join(path, 'azure-cli', 'logs', 'log'), '');
      symlinkSync(elsewhere.folder, join(path, 'azure-cli', 'link'));
      // Until everything is written, nobody else can put a link there.
      within.push(ownerOf(path), ownerOf(join(path, 'federated-token')));
    });
    const root = { uid: 0, gid: 0 };
    expect(within).toEqual([root, root]);
    const all = ['.', ...readdirSync(path, { recursive: true, encoding: 'utf8' })];
    expect(all).toHaveLength(6);
    expect(all.map((name) => ownerOf(join(path, name)))).toEqual(all.map(() => owner));
    expect([mode(path), mode(join(path, 'federated-token'))]).toEqual(['700', '600']);
    expect(ownerOf(elsewhere.folder)).toEqual(root);
  });

  test('nothing changes if root owns the temporary folder', async () => {
    using place = tempFolder();
    expect(ownerOfFiles(new OpenDirectory(place.folder))).toBeUndefined();
    const path = privatePath(place.folder);
    await create(path, 'a.b.c');
    expect(ownerOf(path)).toEqual({ uid: 0, gid: 0 });
  });
});

/** Someone who may rename what is in the temporary folder puts a link to `target` in place of the directory. */
function replaceByLink(path: string, target: string): void {
  renameSync(path, `${path}.moved`);
  symlinkSync(target, path);
}

const notPrivate = (path: string): object =>
  expect.objectContaining({
    detail: expect.objectContaining({ kind: 'not-written', what: 'privacy', path }),
  });

describe('a directory that is replaced by a link', () => {
  test('while it is filled: nothing is written through the link, the step fails, and its files are gone', async () => {
    using place = tempFolder();
    using elsewhere = tempFolder();
    chmodSync(elsewhere.folder, 0o755);
    const path = privatePath(place.folder);
    const written: string[] = [];
    const attempt = inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
      replaceByLink(path, elsewhere.folder);
      writeTokenFile(directory, 'a.b.c');
      directory.make('azure-cli').close();
      written.push(...readdirSync(`${path}.moved`).sort());
    });
    await expect(attempt).rejects.toThrow(notPrivate(path));
    expect(written).toEqual(['azure-cli', 'federated-token']);
    expect(readdirSync(`${path}.moved`)).toEqual([]);
    expect(readdirSync(elsewhere.folder)).toEqual([]);
    expect(mode(elsewhere.folder)).toBe('755');
  });

  test('with another directory in its place', async () => {
    using place = tempFolder();
    const path = privatePath(place.folder);
    const attempt = inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
      renameSync(path, `${path}.moved`);
      mkdirSync(path, { mode: 0o700 });
      writeTokenFile(directory, 'a.b.c');
    });
    await expect(attempt).rejects.toThrow(notPrivate(path));
    expect(readdirSync(path)).toEqual([]);
    expect(readdirSync(`${path}.moved`)).toEqual([]);
  });

  test.each(['removed', 'emptied'])('an assertion whose file is %s is not handed over', async (how) => {
    using place = tempFolder();
    const path = privatePath(place.folder);
    const attempt = inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
      const file = writeTokenFile(directory, 'a.b.c');
      if (how === 'removed') rmSync(file);
      else truncateSync(file);
    });
    await expect(attempt).rejects.toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ what: 'token-file' }) }),
    );
    expect(readdirSync(path)).toEqual([]);
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
