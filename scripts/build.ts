/**
 * `npm run build`, after the compiler: the action's bundles into `dist/`, the task's into its folder. Only bundles whose
 * sources, packages or files have changed are built again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashInputs, isUpToDate, saveStamp } from './build-stamps.ts';
import { type Bundle, bundleName, bundlerConfig, bundlerDir, bundles } from './bundles.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

removeOutdatedOutput();

// All bundlers read this file, so it is written once, before the first of them starts.
mkdirSync(join(root, bundlerDir), { recursive: true });
writeFileSync(join(root, bundlerDir, 'tsconfig.json'), JSON.stringify(bundlerConfig));

const inputs = hashInputs(root);
const built = await Promise.all(
  bundles.filter((bundle) => !isUpToDate(root, bundle, inputs)).map((bundle) => build(bundle)),
);
if (built.includes(false)) process.exitCode = 1;

async function build(bundle: Bundle): Promise<boolean> {
  // The bundler calls existsSync without a path, for which Node 24 prints a deprecation warning.
  const options = ['--disable-warning=DEP0187', join(here, 'bundle.js'), bundleName(bundle)];
  const child = spawn(process.execPath, options, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === 0) saveStamp(root, bundle, inputs);
  return code === 0;
}

/** The compiler leaves the output of a source file that was deleted or renamed. */
function removeOutdatedOutput(): void {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { include: string[] };
  for (const folder of include) {
    const output = join(root, 'build', folder);
    if (!existsSync(output)) continue;
    for (const name of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
      const source = join(root, folder, name.replace(/\.js$/u, '.ts'));
      if (name.endsWith('.js') && !existsSync(source)) rmSync(join(output, name));
    }
  }
}
