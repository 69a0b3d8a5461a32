import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { writeLoopbackOnlyModule } from './closed-world.ts';
import { type Orphan, terminateOrphans } from './orphans.ts';

/** Where a host keeps its folders below the job's own folder; they differ in their names only. */
export interface HostLayout {
  readonly prefix: string;
  readonly work: string;
  readonly workspace: string;
}

/** What a job needs on either host: its folders, the directories that steps put before PATH, and the clean-up of its processes. */
export class HostJob {
  readonly root: string;
  readonly work: string;
  readonly home: string;
  /** The host's own programs: its Nodes, and the module that keeps them on loopback. */
  readonly externals: string;
  readonly workspace: string;
  readonly temp: string;
  readonly #trackingId: readonly [variable: string, value: string];
  readonly #loopbackOnly: string;
  readonly #prependedPaths: string[] = [];

  constructor(
    layout: HostLayout,
    trackingId: readonly [variable: string, value: string],
    given: { readonly workspace?: string | undefined; readonly temp?: string | undefined },
  ) {
    this.#trackingId = trackingId;
    this.root = mkdtempSync(join(tmpdir(), layout.prefix));
    this.work = join(this.root, layout.work);
    this.home = join(this.root, 'home');
    this.externals = join(this.root, 'externals');
    this.workspace = given.workspace ?? join(this.work, layout.workspace);
    this.temp = given.temp ?? join(this.work, '_temp');
    rmSync(this.temp, { recursive: true, force: true });
    for (const folder of [this.workspace, this.temp, this.home, this.externals]) {
      mkdirSync(folder, { recursive: true });
    }
    this.#loopbackOnly = writeLoopbackOnlyModule(this.externals);
  }

  /** The arguments of `node` for a script that may reach loopback only. */
  nodeArguments(script: string): readonly string[] {
    return ['--require', this.#loopbackOnly, script];
  }

  /** A path that is put before PATH again moves to the front. */
  prependPaths(paths: readonly string[]): void {
    for (const path of paths) {
      if (this.#prependedPaths.includes(path))
        this.#prependedPaths.splice(this.#prependedPaths.indexOf(path), 1);
      this.#prependedPaths.push(path);
    }
  }

  pathFor(original: string): string {
    return [...[...this.#prependedPaths].reverse(), original].join(delimiter);
  }

  terminateOrphans(): Orphan[] {
    return terminateOrphans(...this.#trackingId);
  }

  emptyTemp(): void {
    for (const name of readdirSync(this.temp))
      rmSync(join(this.temp, name), { recursive: true, force: true });
  }

  /** Removes every folder that this object made, and the temporary folder. */
  remove(): void {
    rmSync(this.temp, { recursive: true, force: true });
    rmSync(this.root, { recursive: true, force: true });
  }
}
