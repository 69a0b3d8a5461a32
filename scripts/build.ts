/** `npm run build`, after the compiler: the action's bundles into `dist/`, the task's into its folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundles, leftOut, workshop } from './bundles.ts';

const here = dirname(fileURLToPath(import.meta.url));

// Once and before all of them: a bundler that read it half written would leave nothing out.
const folder = join(here, '..', '..', workshop);
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({ compilerOptions: { baseUrl: '.', paths: leftOut } }),
);

const codes = await Promise.all(
  bundles.map(async ({ entry }) => {
    // The bundler calls existsSync without a path, which Node 24 remarks on.
    const quiet = '--disable-warning=DEP0187';
    const child = spawn(process.execPath, [quiet, join(here, 'bundle.js'), entry], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }),
);
if (codes.some((code) => code !== 0)) process.exitCode = 1;
