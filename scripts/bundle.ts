/** Makes one bundle, named by its entry: a process of its own, since the bundler keeps state. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minify } from '@swc/core';
import { bundles, workshop } from './bundles.ts';
import { compileModulesAtOnce } from './eager-modules.ts';

type Ncc = (
  entry: string,
  options: Record<string, unknown>,
) => Promise<{ code: string; assets: Record<string, { source: string | Buffer }> }>;

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const ncc = createRequire(import.meta.url)('@vercel/ncc') as Ncc;

const bundle = bundles.find(({ entry }) => entry === process.argv[2]);
if (bundle === undefined) throw new Error(`no bundle has the entry ${process.argv[2]}`);

process.chdir(join(root, workshop));

const { code, assets } = await ncc(join(root, 'build', 'src', 'entries', bundle.entry), {
  cache: false,
  quiet: true,
  esm: bundle.format === 'esm',
  filename: bundle.file,
  license: licenseFile(bundle.file),
});

const folder = join(root, bundle.folder);
if (!bundle.sharesFolder) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) {
  if (isOurs(name, bundle.file)) rmSync(join(folder, name));
}
for (const [name, source] of [
  [bundle.file, code] as const,
  ...Object.entries(assets).map(([name, asset]) => [name, asset.source] as const),
]) {
  if (name === 'package.json') continue;
  const text = source.toString();
  writeFileSync(join(folder, name), name.endsWith('.js') ? await compact(text) : text);
}

async function compact(text: string): Promise<string> {
  const module = bundle?.format === 'esm';
  const result = await minify(text, {
    module,
    ecma: 2022,
    compress: { passes: 2 },
    mangle: true,
    format: { comments: false },
  });
  return `${compileModulesAtOnce(result.code, module ? 'module' : 'script')}\n`;
}

function licenseFile(file: string): string {
  return file === 'index.js' ? 'licenses.txt' : `${file.replace(/\.js$/u, '')}.licenses.txt`;
}

/** The bundle itself, its chunks (`123.index.js`) and its licences. */
function isOurs(name: string, file: string): boolean {
  return name === file || name === licenseFile(file) || (name.endsWith(`.${file}`) && /^\d+\./u.test(name));
}
