import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { OpenDirectory } from '../../src/handover/open-directory.ts';
import { tempFolder } from './temp-folder.ts';

/** A directory with files in it, and a link to another one in which nothing may change. */
function scene(folder: string) {
  const path = join(folder, 'own');
  const foreign = join(folder, 'foreign');
  mkdirSync(join(path, 'a', 'b'), { recursive: true });
  mkdirSync(foreign);
  for (const file of [join(path, 'a', 'b', 'file'), join(foreign, 'file')]) writeFileSync(file, '');
  symlinkSync(foreign, join(path, 'a', 'link'));
  return { path, foreign };
}

describe.each([
  ['with /proc', {}],
  ['without /proc, as on macOS', { descriptors: '/nowhere' }],
])('%s', (_, options) => {
  test('everything in it is removed, and no link is followed', () => {
    using place = tempFolder();
    const { path, foreign } = scene(place.folder);
    new OpenDirectory(path, options).empty();
    expect(readdirSync(path)).toEqual([]);
    expect(readdirSync(foreign)).toEqual(['file']);
  });

  test('it is never the directory that somebody put in its place', () => {
    using place = tempFolder();
    const { path, foreign } = scene(place.folder);
    const directory = new OpenDirectory(path, options);
    expect(directory.isInPlace()).toBe(true);
    renameSync(path, join(place.folder, 'moved'));
    symlinkSync(foreign, path);
    expect(directory.isInPlace()).toBe(false);
    try {
      directory.empty();
    } catch (error) {
      expect(String(error)).toContain('is no longer the same directory');
    }
    expect(readdirSync(foreign)).toEqual(['file']);
  });

  test('a link is not opened, unless it may be one', () => {
    using place = tempFolder();
    const { path } = scene(place.folder);
    const link = join(path, 'a', 'link');
    expect(() => new OpenDirectory(link, options)).toThrow(/ENOTDIR|ELOOP/u);
    expect(new OpenDirectory(link, { ...options, links: 'follow' }).names()).toEqual(['file']);
  });
});
