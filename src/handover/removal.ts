import { closeSync, lstatSync, openSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import { systemWords } from './errors.ts';
import { closing, OpenDirectory } from './open-directory.ts';
import { isPrivateName } from './private-directory.ts';

/** The step's private directory. It may not exist: the record is written first. */
export interface DirectoryRecord {
  readonly kind: 'directory';
  readonly path: string;
}

/** The background process of `export: managed-identity`. The record is written before the process can serve anybody. */
export interface EndpointRecord {
  readonly kind: 'endpoint';
  /** The file while which exists the process may run. */
  readonly marker: string;
  /** Where it listens and what it accepts, as soon as that is known. */
  readonly at?: { readonly url: string; readonly secret: string };
}

export type CleanupRecord = DirectoryRecord | EndpointRecord;

/**
 * What a step saves before it writes anything: a versioned list of what must be removed. The clean-up may run another
 * version of this code than the step (an agent was updated in between), so it refuses what it does not know.
 */
export interface CleanupRecords {
  readonly version: 1;
  /** The step has ended. If not, it may still be running while the clean-up does (a cancelled container job). */
  readonly finished: boolean;
  readonly records: readonly CleanupRecord[];
}

export function writeRecords(records: Omit<CleanupRecords, 'version'>): string {
  return JSON.stringify({ version: 1, ...records } satisfies CleanupRecords);
}

/** The records in `text`; nothing if they are not of a version that is known here. */
export function readRecords(text: string): CleanupRecords | undefined {
  try {
    const value = JSON.parse(text) as Partial<CleanupRecords>;
    if (value.version !== 1 || !Array.isArray(value.records)) return undefined;
    return (value.records as readonly unknown[]).every(isRecord) ? (value as CleanupRecords) : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is CleanupRecord {
  const { kind, path, marker, at } = value as Partial<
    Record<keyof DirectoryRecord | keyof EndpointRecord, unknown>
  >;
  if (kind === 'directory') return typeof path === 'string';
  if (kind !== 'endpoint' || typeof marker !== 'string') return false;
  const { url, secret } = (at ?? { url: '', secret: '' }) as Readonly<Record<string, unknown>>;
  return typeof url === 'string' && typeof secret === 'string';
}

/** What became of the directory that was to be removed. */
export type Removal =
  | { readonly kind: 'removed'; readonly path: string; readonly contents: readonly string[] }
  /** It does not exist: it was never made, or somebody removed it. */
  | { readonly kind: 'absent'; readonly path: string }
  | { readonly kind: 'not-ours'; readonly path: string; readonly reason: NotOurs }
  | { readonly kind: 'failed'; readonly path: string; readonly detail: string };

export type NotOurs = 'name' | 'place' | 'link' | 'not-a-directory';

/**
 * Removes a directory with our own kind of name, directly under the job's temporary folder and not a link. Never
 * throws. A second run finds nothing to do.
 *
 * @param blockPath leaves an empty file in the directory's place, so that a step that is still running cannot make
 *   the directory again; the host empties its temporary folder after the job
 */
export function removeDirectory(path: string, temporaryFolder: string, blockPath = false): Removal {
  const name = basename(path);
  try {
    // With a slash at the end, the system would follow a link.
    if (!isPrivateName(name) || !path.endsWith(name)) return { kind: 'not-ours', path, reason: 'name' };
    if (!isAbsolute(path) || !isAbsolute(temporaryFolder)) return { kind: 'not-ours', path, reason: 'place' };
    if (lstatSync(dirname(path), { throwIfNoEntry: false }) === undefined) return { kind: 'absent', path };
    return closing(new OpenDirectory(dirname(path), { links: 'follow' }), (folder) => {
      const itsPlace = closing(new OpenDirectory(temporaryFolder, { links: 'follow' }), (temporary) =>
        folder.isSameAs(temporary),
      );
      if (!itsPlace) return { kind: 'not-ours', path, reason: 'place' };
      const removal = removeFrom(folder, name, path);
      if (blockPath && (removal.kind === 'removed' || removal.kind === 'absent')) block(folder.at(name));
      return removal;
    });
  } catch (error) {
    return { kind: 'failed', path, detail: systemWords(error) };
  }
}

function removeFrom(folder: OpenDirectory, name: string, path: string): Removal {
  const stats = lstatSync(folder.at(name), { throwIfNoEntry: false });
  if (stats === undefined) return { kind: 'absent', path };
  if (stats.isSymbolicLink()) return { kind: 'not-ours', path, reason: 'link' };
  // The empty file of an earlier clean-up.
  if (stats.isFile() && stats.size === 0) return { kind: 'absent', path };
  if (!stats.isDirectory()) return { kind: 'not-ours', path, reason: 'not-a-directory' };
  const contents = closing(folder.open(name), (directory) => {
    const names = directory.names();
    if (process.platform === 'win32') rmSync(path, { recursive: true, force: true, ...patience });
    else patiently(() => removeOpen(directory, folder.at(name)));
    return names;
  });
  return { kind: 'removed', path, contents };
}

function removeOpen(directory: OpenDirectory, path: string): void {
  directory.empty();
  // Fails if the path is a link or another directory that is not empty.
  rmdirSync(path);
}

/** A tool's background process may still be writing there. */
const patience = { maxRetries: 5, retryDelay: 100 };

function patiently(remove: () => void): void {
  for (let retries = 1; ; retries += 1) {
    try {
      remove();
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (retries > patience.maxRetries || (code !== 'ENOTEMPTY' && code !== 'EBUSY')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patience.retryDelay * retries);
    }
  }
}

function block(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) closeSync(openSync(path, 'wx', 0o600));
}
