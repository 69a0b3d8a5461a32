import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, bundleName, bundlerDir, isFileOf, moduleListFile } from './bundles.ts';

/**
 * What a bundle was built from and what the build wrote, as one line in `build/bundling/`. A build repeats a bundle
 * when either has changed. Both are compared by content, so a checkout or a manual edit never leaves an old bundle.
 */

/** Everything that a bundle is built from: our compiled code, the build's own, the installed packages, the license. */
export function hashInputs(root: string): string {
  return hash(root, [
    ...filesIn(root, 'build/src'),
    ...filesIn(root, 'build/scripts'),
    'LICENSE',
    'package.json',
    'package-lock.json',
    // npm writes here what is really installed.
    'node_modules/.package-lock.json',
  ]);
}

/** `unbuilt`: no build on this machine wrote it. `dist/` is then as it was committed. */
export type BundleState = 'current' | 'changed' | 'unbuilt';

export function bundleState(root: string, bundle: Bundle, inputs: string): BundleState {
  const file = stampFile(root, bundle);
  if (!existsSync(file)) return 'unbuilt';
  return readFileSync(file, 'utf8') === stamp(root, bundle, inputs) ? 'current' : 'changed';
}

export function isUpToDate(root: string, bundle: Bundle, inputs: string): boolean {
  return bundleState(root, bundle, inputs) === 'current';
}

/** @param inputs the hash from before the build, so that a change during the build counts as a change */
export function saveStamp(root: string, bundle: Bundle, inputs: string): void {
  writeFileSync(stampFile(root, bundle), stamp(root, bundle, inputs));
}

function stamp(root: string, bundle: Bundle, inputs: string): string {
  const outputs = filesIn(root, bundle.folder).filter((path) => isFileOf(bundle, path));
  return `inputs ${inputs} outputs ${hash(root, [...outputs, moduleListFile(bundle)])}\n`;
}

function stampFile(root: string, bundle: Bundle): string {
  return join(root, bundlerDir, `${bundleName(bundle)}.stamp`);
}

function filesIn(root: string, folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();
}

function hash(root: string, paths: readonly string[]): string {
  const sum = createHash('sha256');
  for (const path of paths) {
    const content = existsSync(join(root, path)) ? readFileSync(join(root, path)) : undefined;
    sum.update(`${path} ${content?.length}\n`).update(content ?? '');
  }
  return sum.digest('hex');
}
