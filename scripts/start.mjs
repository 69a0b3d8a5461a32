/**
 * `npm run demo` and `npm run emulator`: compiles the sources if they have changed, then runs a compiled module in this
 * process. JavaScript, because it runs before the compiler, and one process, so that a signal reaches what runs.
 *
 *     node -- scripts/start.mjs emulator/cli --log
 *
 * Without the two dashes, Node 20 reads `--env-file` after the script as an option of its own.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));

const [, , module, ...args] = process.argv;
if (!isCompiled()) await compile();

const file = join(root, 'build', `${module}.js`);
process.argv = [process.execPath, file, ...args];
await import(pathToFileURL(file).href);

/** As `make` does it: each output is newer than its source, the installed packages and the configuration. */
function isCompiled() {
  const common = Math.max(...['tsconfig.json', 'node_modules/.package-lock.json'].map(changedAt));
  return sources().every((path) => {
    const output = changedAt(join('build', path.replace(/\.ts$/u, '.js')));
    return output > common && output >= changedAt(path);
  });
}

/** When a file was last written. 0 if there is none. */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function compile() {
  process.stderr.write('Compiling the sources (a few seconds, only after a change) …\n');
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) {
    process.stderr.write('The packages are missing. Run this first: npm ci\n');
    process.exit(1);
  }
  // The output is the same without the type check, in half the time. `npm run build` and `check:types` check types.
  const args = [compiler, '--project', join(root, 'tsconfig.json'), '--noCheck'];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const stop = () => {
    child.kill();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
  if (code === 0) return;
  // The compiler writes output in spite of errors. Without this file, the next start compiles again.
  rmSync(join(root, 'build', `${module}.js`), { force: true });
  process.exit(1);
}

function sources() {
  return include.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
}
