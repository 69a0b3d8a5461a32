import fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type TempFolder, tempFolder } from './temp-folder.ts';

/**
 * Another user owns the job's temporary folder, and the step runs as root in a container. That user waits for each call
 * of the step, and puts a link in the place of the directory right before or right after it. Here that happens in the
 * same process, so that no moment is missed.
 */

type Call =
  | 'mkdirSync'
  | 'openSync'
  | 'lstatSync'
  | 'readdirSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'rmdirSync';
const watched: readonly Call[] = [
  'mkdirSync',
  'openSync',
  'lstatSync',
  'readdirSync',
  'renameSync',
  'unlinkSync',
  'rmdirSync',
];
let attack: (when: 'before' | 'after', call: Call) => void = () => undefined;
const calls = Object.fromEntries(
  watched.map((call) => [
    call,
    (...given: unknown[]) => {
      attack('before', call);
      try {
        return (fs[call] as (...words: unknown[]) => unknown)(...given);
      } finally {
        attack('after', call);
      }
    },
  ]),
);
jest.unstable_mockModule('node:fs', () => ({ ...fs, ...calls, default: { ...fs, ...calls } }));
const { inPrivateDirectory, privatePath, writeTokenFile } = await import(
  '../../src/handover/private-directory.ts'
);
const { removeDirectory } = await import('../../src/handover/removal.ts');

const environment = { variables: {}, windows: false };
const owner = { uid: 12_345, gid: 23_456 };
const moments = watched.flatMap((call) =>
  (['before', 'after'] as const).flatMap((when) =>
    [1, 2, 3, 4].map((count) => ({ title: `${when} ${call}, number ${count}`, call, when, count })),
  ),
);

/** A temporary folder of that user, and a directory of root that must stay as it is. */
function scene(place: TempFolder) {
  const temporary = join(place.folder, 'temp');
  const victim = join(place.folder, 'victim');
  fs.mkdirSync(temporary);
  fs.mkdirSync(join(victim, 'azure-cli'), { recursive: true });
  fs.chmodSync(victim, 0o755);
  fs.writeFileSync(join(victim, 'federated-token'), 'precious');
  fs.writeFileSync(join(victim, 'azure-cli', 'file'), 'precious');
  if (process.getuid?.() === 0) fs.chownSync(temporary, owner.uid, owner.gid);
  const path = privatePath(temporary);
  return { temporary, victim, path };
}

/** All there is to know about the victim. */
const portrait = (folder: string): unknown =>
  ['.', ...fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()].map((name) => {
    const { mode, uid, gid, size, ino } = fs.lstatSync(join(folder, name));
    return { name, mode, uid, gid, ino, size: name === '.' ? 0 : size };
  });

const link = (path: string, victim: string): void => fs.symlinkSync(victim, path);

/** Puts a link to the victim in the directory's place, once, at the given moment. */
function attackAt(
  { call, when, count }: Omit<(typeof moments)[number], 'title'>,
  path: string,
  victim: string,
  replace = link,
) {
  const done = { swapped: false };
  let seen = 0;
  attack = (reached, name) => {
    if (done.swapped || reached !== when || name !== call) return;
    seen += 1;
    if (seen < count || !fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    done.swapped = true;
    fs.renameSync(path, `${path}.moved`);
    replace(path, victim);
  };
  return done;
}

beforeEach(() => {
  attack = () => undefined;
});

describe('while the step writes', () => {
  test.each(moments)('$title', async (moment) => {
    using place = tempFolder();
    const { path, victim } = scene(place);
    const before = portrait(victim);
    const done = attackAt(moment, path, victim);
    const settled = await inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
      writeTokenFile(directory, 'a.b.c');
      directory.make('azure-cli').close();
    }).then(
      () => 'handed over',
      (error: Error) => error.name,
    );
    attack = () => undefined;
    expect(portrait(victim)).toEqual(before);
    if (!done.swapped) expect(settled).toBe('handed over');
    else if (settled === 'HandoverError') expect(fs.readdirSync(`${path}.moved`)).toEqual([]);
    // Later than the step's last look, when the directory is finished: whoever owns the folder owns the directory too.
    else expect(fs.readdirSync(`${path}.moved`)).toContain('federated-token');
  });

  test('most of these moments exist', async () => {
    const seen: string[] = [];
    for (const moment of moments) {
      using place = tempFolder();
      const { path, victim } = scene(place);
      const done = attackAt(moment, path, victim);
      await inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
        writeTokenFile(directory, 'a.b.c');
      }).catch(() => undefined);
      attack = () => undefined;
      if (done.swapped) seen.push(moment.title);
    }
    expect(seen).toEqual(
      expect.arrayContaining([
        'after mkdirSync, number 1',
        'before openSync, number 2',
        'after openSync, number 2',
        'before renameSync, number 1',
      ]),
    );
  });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const decoys: readonly [string, (path: string) => void, typeof test][] = [
  [
    'of that user',
    (path) => {
      fs.mkdirSync(path, { mode: 0o700 });
      fs.chownSync(path, owner.uid, owner.gid);
    },
    asRoot as typeof test,
  ],
  [
    'that others can enter',
    (path) => {
      fs.mkdirSync(path);
      fs.chmodSync(path, 0o755);
    },
    test,
  ],
  [
    'that something is in',
    (path) => {
      fs.mkdirSync(path, { mode: 0o700 });
      fs.writeFileSync(join(path, 'of-another-step'), '');
    },
    test,
  ],
];
describe('a directory in the place of the new one, before the step opens it,', () => {
  for (const [title, replace, testIfPossible] of decoys) {
    testIfPossible(title, async () => {
      using place = tempFolder();
      const { path, victim } = scene(place);
      let before: unknown;
      attackAt({ call: 'mkdirSync', when: 'after', count: 1 }, path, victim, () => {
        replace(path);
        before = portrait(path);
      });
      const attempt = inPrivateDirectory(path, environment, 'a.b.c', async (directory) => {
        writeTokenFile(directory, 'a.b.c');
      });
      await expect(attempt).rejects.toThrow(
        expect.objectContaining({ detail: expect.objectContaining({ what: 'privacy', path }) }),
      );
      expect(before).toBeDefined();
      expect(portrait(path)).toEqual(before);
    });
  }
});

describe('while the clean-up removes', () => {
  test.each(moments)('$title', (moment) => {
    using place = tempFolder();
    const { path, victim, temporary } = scene(place);
    fs.cpSync(victim, path, { recursive: true });
    const before = portrait(victim);
    const done = attackAt(moment, path, victim);
    const removal = removeDirectory(path, temporary);
    attack = () => undefined;
    expect(portrait(victim)).toEqual(before);
    if (!done.swapped) expect(removal.kind).toBe('removed');
    // What was the step's own is removed if it was opened before it was moved.
    else if (removal.kind === 'failed' && !/ENOTDIR|ELOOP/u.test(removal.detail)) {
      throw new Error(`unexpected: ${removal.detail}`);
    }
  });

  test('a directory inside that is replaced is not followed either', () => {
    using place = tempFolder();
    const { path, victim, temporary } = scene(place);
    fs.cpSync(victim, path, { recursive: true });
    const before = portrait(victim);
    attackAt({ call: 'openSync', when: 'before', count: 4 }, join(path, 'azure-cli'), victim);
    removeDirectory(path, temporary);
    attack = () => undefined;
    expect(portrait(victim)).toEqual(before);
  });
});
