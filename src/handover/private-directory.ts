import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { JobEnvironment } from './job-environment.ts';
import { privatePrefix } from './layout.ts';
import { HandoverFailure, systemWords } from './problem.ts';
import { grantOwnAccessOnly } from './windows-access.ts';

/**
 * The job's temporary folder, when it can be used.
 *
 * @throws HandoverFailure when the host named none, or there is no such folder
 */
export function requireTemporaryFolder(path: string): string {
  if (isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new HandoverFailure({ kind: 'no-temporary-folder', path });
}

/**
 * Makes a fresh directory that only the job's own user can enter, directly under `folder`, by a name nobody can
 * foresee. `mkdtemp` would tell the name only when the directory is there already: here it is recorded before, so
 * that a step that is killed at any moment leaves nothing its clean-up does not know of.
 *
 * @param record keeps the path for the clean-up, before anything is written
 * @throws HandoverFailure when the system refuses it, or somebody was there first
 */
export async function createPrivateDirectory(
  folder: string,
  record: (path: string) => void,
  environment: JobEnvironment,
): Promise<string> {
  const path = join(folder, `${privatePrefix}${randomBytes(16).toString('hex')}`);
  record(path);
  try {
    // Fails when anything has this name, a link included.
    mkdirSync(path, { mode: 0o700 });
    // A umask can take the owner's own bits away.
    if (!environment.windows) chmodSync(path, 0o700);
  } catch (error) {
    throw new HandoverFailure({ kind: 'not-written', what: 'directory', path, detail: systemWords(error) });
  }
  if (environment.windows) await grantOwnAccessOnly(path, environment);
  return path;
}
