import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskManifest } from './task-manifest.ts';

/** Tiny actions and tasks in a temporary folder, to try the harness itself with. */
export interface ThrowAway extends Disposable {
  readonly directory: string;
}

/** An action whose main (and post) is the given JavaScript; `inputs` are declared with these defaults. */
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
      description: 'An action of the harness’s own tests.',
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [name, { description: name, default: value }]),
      ),
      runs: { using: 'node24', main: 'main.mjs', ...(post === undefined ? {} : { post: 'post.mjs' }) },
    }),
  });
}

/** The same as a task of both Node handlers, with parts of the manifest replaced. */
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
    description: 'A task of the harness’s own tests.',
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
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
