/** Builds one bundle, named by `bundleName`. It runs as a process of its own because the bundler keeps state. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minify, transform } from '@swc/core';
import {
  type Bundle,
  bundleName,
  bundlerDir,
  bundles,
  entryFolder,
  isFileOf,
  moduleListFile,
} from './bundles.ts';
import { compileModulesEagerly } from './eager-compilation.ts';
import { licenseNotices } from './license-notices.ts';

/** What this script uses of webpack's statistics: https://webpack.js.org/api/stats/#module-object */
interface WebpackModule {
  /** The module's file. */
  readonly nameForCondition?: string | null;
  /** The modules that webpack joined into this one. */
  readonly modules?: readonly WebpackModule[];
}

type Ncc = (
  entry: string,
  options: Record<string, unknown>,
) => Promise<{
  readonly code: string;
  readonly map: string;
  readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>;
  readonly stats: {
    toJson(options: Record<string, boolean>): { readonly modules: readonly WebpackModule[] };
  };
}>;

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const ncc = createRequire(import.meta.url)('@vercel/ncc') as Ncc;

const wanted = bundles.find((bundle) => bundleName(bundle) === process.argv[2]);
if (wanted === undefined) throw new Error(`no bundle has the name ${process.argv[2]}`);
await build(wanted);

async function build(bundle: Bundle): Promise<void> {
  const { entry, folder, file, format, licenses, firstFile, alone } = bundle;
  process.chdir(join(root, bundlerDir));
  const { code, map, assets, stats } = await ncc(
    join(alone ? joinedSources() : join(root, 'build'), entryFolder, entry),
    {
      cache: false,
      quiet: true,
      esm: format === 'esm',
      filename: file,
      // The maps name every module of the bundle, for the licence notices. They are not written.
      sourceMap: true,
      sourceMapRegister: false,
    },
  );

  const output = join(root, folder);
  mkdirSync(output, { recursive: true });
  for (const name of readdirSync(output)) {
    if (isFileOf(bundle, name)) rmSync(join(output, name), { recursive: true });
  }

  const maps = [map];
  for (const [name, source] of Object.entries({ ...assets, [file]: { source: code } })) {
    const text = source.source.toString();
    if (name.endsWith('.map')) maps.push(text);
    else if (name.endsWith('.js')) {
      if (alone && name !== file) {
        // The stub of packages that are never called is imported later by a library.
        if (text.includes('This part of a library is not in the bundle') && text.length < 5_000) continue;
        throw new Error(`the bundler split off a part: ${name}`);
      }
      const target = name === file ? firstFile : 'es2022';
      const start = alone ? '#!/usr/bin/env node\n' : '';
      writeFileSync(join(output, name), start + (await compact(text, format, target)), {
        mode: alone ? 0o755 : 0o644,
      });
    } else if (name !== 'package.json') throw new Error(`the bundler wrote an unexpected file: ${name}`);
  }

  if (alone && format === 'commonjs') {
    // Here the repository's own package.json is above it, which says that files are modules.
    writeFileSync(join(output, 'package.json'), '{ "type": "commonjs" }\n');
  }

  const sources = maps.flatMap((text) => (JSON.parse(text) as { sources: string[] }).sources);
  writeFileSync(join(output, licenses), licenseNotices(root, sources));

  const { modules } = stats.toJson({ all: false, modules: true, nestedModules: true, ids: true });
  const list = [
    ...new Set(moduleFiles(modules).map((path) => relative(root, path).replaceAll(sep, '/'))),
  ].sort();
  writeFileSync(join(root, moduleListFile(bundle)), `${JSON.stringify(list, undefined, 2)}\n`);
}

/**
 * A copy of the compiled sources for a bundle of one file: what is imported later comes from the same file, and still
 * runs only then (https://webpack.js.org/api/module-methods/#magic-comments).
 *
 * @returns the folder in place of `build/`
 */
function joinedSources(): string {
  const folder = join(root, 'build', 'joined');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, 'build', 'src'), join(folder, 'src'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const path = join(folder, 'src', name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/\bimport\((?=['"]\.)/gu, 'import(/* webpackMode: "eager" */ '));
  }
  return folder;
}

async function compact(text: string, format: Bundle['format'], target: Bundle['firstFile']): Promise<string> {
  const isModule = format === 'esm';
  const lowered =
    target === 'es2022' ? { code: text } : await transform(text, { jsc: { target }, isModule, swcrc: false });
  const { code } = await minify(lowered.code, {
    module: isModule,
    ecma: target === 'es2022' ? 2022 : 2018,
    compress: { passes: 2 },
    mangle: true,
    format: { comments: false },
  });
  return `${compileModulesEagerly(code, isModule ? 'module' : 'script')}\n`;
}

function moduleFiles(modules: readonly WebpackModule[]): readonly string[] {
  return modules.flatMap((module) =>
    module.modules === undefined ? (module.nameForCondition ?? []) : moduleFiles(module.modules),
  );
}
