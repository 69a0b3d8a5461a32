import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskManifest } from './task-manifest.ts';

/** Small actions and tasks in a temporary folder, for the harness's own tests. */
export interface ThrowAway extends Disposable {
  readonly directory: string;
}

/** An action whose main and post scripts are the given JavaScript. `inputs` maps declared inputs to their defaults. */
export function throwAwayAction(
  main: string,
  more: { post?: string; inputs?: Record<string, string> } = {},
): ThrowAway {
  const { post, inputs = {} } = more;
  return folderOf({
    'main.mjs': main,
    ...(post === undefined ? {} : { 'post.mjs': post }),
    'action.yml': JSON.stringify({
      name: 'Throw-away',
      description: 'An action for the harness’s own tests.',
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [name, { description: name, default: value }]),
      ),
      runs: { using: 'node24', main: 'main.mjs', ...(post === undefined ? {} : { post: 'post.mjs' }) },
    }),
  });
}

/** The same as a task with both Node handlers. `manifest` replaces parts of `task.json`. */
export function throwAwayTask(
  main: string,
  more: { post?: string; manifest?: Partial<TaskManifest> } = {},
): ThrowAway {
  const { post } = more;
  const handlers = (target: string) => ({ Node20_1: { target }, Node24: { target } });
  const manifest: TaskManifest = {
    id: '3d7b7a5e-0c0f-4b7e-9d3a-6a1f3c0f7c55',
    name: 'ThrowAway',
    friendlyName: 'Throw-away',
    description: 'A task for the harness’s own tests.',
    category: 'Utility',
    author: 'tests',
    version: { Major: 1, Minor: 0, Patch: 0 },
    instanceNameFormat: 'Throw-away',
    execution: handlers('main.mjs'),
    ...(post === undefined ? {} : { postjobexecution: handlers('post.mjs') }),
    ...more.manifest,
  };
  return folderOf({
    'main.mjs': main,
    ...(post === undefined ? {} : { 'post.mjs': post }),
    'task.json': JSON.stringify(manifest),
  });
}

function folderOf(files: Readonly<Record<string, string>>): ThrowAway {
  const directory = mkdtempSync(join(tmpdir(), 'throw-away-'));
  // Readable for every user, as the hosts unpack actions and tasks.
  chmodSync(directory, 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
