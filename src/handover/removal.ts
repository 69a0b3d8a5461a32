import { closeSync, lstatSync, openSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import { systemWords } from './errors.ts';
import { isPrivateName } from './private-directory.ts';

/** The step's private directory. It may not exist: the record is written first. */
export interface DirectoryRecord {
  readonly kind: 'directory';
  readonly path: string;
}

/**
 * What a step saves before it writes anything: a versioned list of what must be removed. The clean-up may run another
 * version of this code than the step (an agent was updated in between), so it refuses what it does not know.
 */
export interface CleanupRecords {
  readonly version: 1;
  /** The step has ended. If not, it may still be running while the clean-up does (a cancelled container job). */
  readonly finished: boolean;
  readonly records: readonly DirectoryRecord[];
}

export function writeRecords(records: Omit<CleanupRecords, 'version'>): string {
  return JSON.stringify({ version: 1, ...records } satisfies CleanupRecords);
}

/** The records in `text`; nothing if they are not of a version that is known here. */
export function readRecords(text: string): CleanupRecords | undefined {
  try {
    const value = JSON.parse(text) as Partial<CleanupRecords>;
    if (value.version !== 1 || !Array.isArray(value.records)) return undefined;
    const records = value.records as readonly Partial<DirectoryRecord>[];
    if (!records.every(({ kind, path }) => kind === 'directory' && typeof path === 'string'))
      return undefined;
    return value as CleanupRecords;
  } catch {
    return undefined;
  }
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
  try {
    if (!isPrivateName(basename(path))) return { kind: 'not-ours', path, reason: 'name' };
    if (!isAbsolute(path) || !isAbsolute(temporaryFolder)) return { kind: 'not-ours', path, reason: 'place' };
    const folder = lstatSync(dirname(path), { throwIfNoEntry: false });
    if (folder === undefined) return { kind: 'absent', path };
    if (realpathSync(dirname(path)) !== realpathSync(temporaryFolder)) {
      return { kind: 'not-ours', path, reason: 'place' };
    }
    const removal = removeChecked(path);
    if (blockPath && (removal.kind === 'removed' || removal.kind === 'absent')) block(path);
    return removal;
  } catch (error) {
    return { kind: 'failed', path, detail: systemWords(error) };
  }
}

function removeChecked(path: string): Removal {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { kind: 'absent', path };
  if (stats.isSymbolicLink()) return { kind: 'not-ours', path, reason: 'link' };
  // The empty file of an earlier clean-up.
  if (stats.isFile() && stats.size === 0) return { kind: 'absent', path };
  if (!stats.isDirectory()) return { kind: 'not-ours', path, reason: 'not-a-directory' };
  const contents = readdirSync(path);
  // A tool's background process may still be writing there. Links inside are removed, never followed.
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return { kind: 'removed', path, contents };
}

function block(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) closeSync(openSync(path, 'wx', 0o600));
}
