import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { bundleState, hashInputs, isUpToDate, saveStamp } from '../../scripts/build-stamps.ts';
import type { Bundle } from '../../scripts/bundles.ts';

/** When `npm run build` may keep a bundle and when it must build it again. */

const root = mkdtempSync(join(tmpdir(), 'build-stamps-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bundle: Bundle = {
  entry: 'task-main.js',
  folder: 'task',
  file: 'index.js',
  format: 'commonjs',
  licenses: 'licenses.txt',
  firstFile: 'es2018',
  sharesFolder: true,
};

function write(path: string, text = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const upToDate = (): boolean => isUpToDate(root, bundle, hashInputs(root));

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  for (const path of [
    'build/src/step.js',
    'build/scripts/bundle.js',
    'package-lock.json',
    'node_modules/.package-lock.json',
    'task/index.js',
    'task/123.index.js',
    'task/licenses.txt',
    'task/task.json',
    'build/bundling/task.index.js.modules.json',
  ]) {
    write(path);
  }
});

test('a clean clone has no stamp, so everything is built', () => {
  expect(upToDate()).toBe(false);
});

test('a bundle without a stamp is unbuilt, and one that differs from its stamp is changed', () => {
  const state = (): string => bundleState(root, bundle, hashInputs(root));
  expect(state()).toBe('unbuilt');
  saveStamp(root, bundle, hashInputs(root));
  expect(state()).toBe('current');
  write('build/src/step.js', 'other');
  expect(state()).toBe('changed');
});

test('nothing has changed: the bundle is kept', () => {
  saveStamp(root, bundle, hashInputs(root));
  expect(upToDate()).toBe(true);
});

test('a file of another owner in the same folder has changed: the bundle is kept', () => {
  saveStamp(root, bundle, hashInputs(root));
  write('task/task.json', 'other');
  write('task/post.js');
  write('task/456.post.js');
  expect(upToDate()).toBe(true);
});

test.each([
  'build/src/step.js',
  'build/scripts/bundle.js',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'task/index.js',
  'task/123.index.js',
  'task/licenses.txt',
])('%s has changed, or is gone: the bundle is built again', (path) => {
  saveStamp(root, bundle, hashInputs(root));
  appendFileSync(join(root, path), ' ');
  expect(upToDate()).toBe(false);
  rmSync(join(root, path));
  expect(upToDate()).toBe(false);
});

test.each(['build/src/new.js', 'task/456.index.js'])('%s is new: the bundle is built again', (path) => {
  saveStamp(root, bundle, hashInputs(root));
  write(path);
  expect(upToDate()).toBe(false);
});

test('a source has changed during the build: the bundle is built again next time', () => {
  const inputs = hashInputs(root);
  write('build/src/step.js', 'other');
  saveStamp(root, bundle, inputs);
  expect(upToDate()).toBe(false);
});
