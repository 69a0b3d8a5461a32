import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BundleState, bundleState, hashInputs } from '../scripts/build-stamps.ts';
import { bundles, taskFolder } from '../scripts/bundles.ts';

/** Whether the action's and the task's bundles are built from the sources as they are now. */
export interface BuiltBundles {
  readonly action: BundleState;
  readonly task: BundleState;
}

export function builtBundles(root: string): BuiltBundles {
  const inputs = hashInputs(root);
  const worst = (ofTask: boolean): BundleState => {
    const states = bundles
      .filter(({ folder }) => (folder === taskFolder) === ofTask)
      .map((bundle) => bundleState(root, bundle, inputs));
    return (
      states.find((state) => state === 'changed') ?? states.find((state) => state === 'unbuilt') ?? 'current'
    );
  };
  return { action: worst(false), task: worst(true) };
}

/** Builds the bundles that are not current, in a process of its own, because the bundler keeps state. */
export async function buildBundles(root: string): Promise<void> {
  const script = join(root, 'build', 'scripts', 'build.js');
  const child = spawn(process.execPath, [script], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('The build failed.');
}
