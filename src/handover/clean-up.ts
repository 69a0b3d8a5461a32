import { lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import type { Host } from '../hosts/host.ts';
import { describeRemoval } from '../wording/removal.ts';
import { isPrivateName } from './layout.ts';
import { systemWords } from './problem.ts';

/** What became of the directory that was to be removed. */
export type Removal =
  | { readonly kind: 'removed'; readonly path: string; readonly contents: readonly string[] }
  | { readonly kind: 'gone'; readonly path: string }
  | { readonly kind: 'refused'; readonly path: string; readonly reason: Refused }
  | { readonly kind: 'failed'; readonly path: string; readonly detail: string };

export type Refused = 'name' | 'place' | 'link' | 'no-directory';

/**
 * The step's clean-up: removes the directory it wrote, `recorded` before it was there, and says so. Never throws and
 * never fails the job; a second run finds nothing to do.
 */
export function cleanUp(host: Pick<Host, 'temporaryFolder' | 'info' | 'warning'>, recorded: string): void {
  const removal = remove(recorded, host.temporaryFolder());
  const words = describeRemoval(removal);
  if (removal.kind === 'removed' || removal.kind === 'gone') host.info(words);
  else host.warning(words);
}

/** Only a directory with our own kind of name, directly under the job's temporary folder, and no link. Never throws. */
export function remove(path: string, temporaryFolder: string): Removal {
  try {
    if (!isPrivateName(basename(path))) return { kind: 'refused', path, reason: 'name' };
    if (!isAbsolute(path) || !isAbsolute(temporaryFolder)) return { kind: 'refused', path, reason: 'place' };
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return { kind: 'gone', path };
    if (realpathSync(dirname(path)) !== realpathSync(temporaryFolder)) {
      return { kind: 'refused', path, reason: 'place' };
    }
    if (stats.isSymbolicLink()) return { kind: 'refused', path, reason: 'link' };
    if (!stats.isDirectory()) return { kind: 'refused', path, reason: 'no-directory' };
    const contents = readdirSync(path);
    // A tool's background process may still be writing there. Links inside are removed, never followed.
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    return { kind: 'removed', path, contents };
  } catch (error) {
    return { kind: 'failed', path, detail: systemWords(error) };
  }
}
