/** `npm run build`, after the compiler: the action's bundles into `dist/`, the task's into its folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundles } from './bundles.ts';

const here = dirname(fileURLToPath(import.meta.url));

const codes = await Promise.all(
  bundles.map(async ({ entry }) => {
    const child = spawn(process.execPath, [join(here, 'bundle.js'), entry], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }),
);
if (codes.some((code) => code !== 0)) process.exitCode = 1;
