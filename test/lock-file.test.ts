import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

/** `package-lock.json` must work with `npm ci` on every platform and must not name a registry. */

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>;
};

/** Whether `name` is locked where Node would look for it from the package at `path`. */
function locked(path: string, name: string): boolean {
  const folders = path.split('/node_modules/');
  return folders.some((_, index) => {
    const folder = folders.slice(0, index + 1).join('/node_modules/');
    return `${folder}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
  });
}

test('names no registry', () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

// npm sometimes leaves out packages that it could not fetch, such as those of other platforms. `npm ci` then fails.
test('locks every dependency, the optional ones of other platforms included', () => {
  const missing = Object.entries(packages).flatMap(([path, one]) =>
    Object.keys({ ...one.dependencies, ...one.devDependencies, ...one.optionalDependencies })
      .filter((name) => !locked(path, name))
      .map((name) => `${path} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

test('gives every package one exact version', () => {
  const { '': project, ...others } = packages;
  expect(project).toBeDefined();
  for (const { version } of Object.values(others)) expect(version).toMatch(/^\d+\.\d+\.\d+/);
});
