import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenFileName } from './layout.ts';
import { HandoverFailure, systemWords } from './problem.ts';

/** A new file and nothing else: no file that is there already, no link. Windows has no such links to refuse. */
const onlyNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * Writes the assertion for the tools that read it from a file. Whoever sees the file sees all of it, and nothing
 * besides: a line break at its end would be a part of the token to some readers.
 *
 * @throws HandoverFailure when the system refuses it
 */
export function writeTokenFile(directory: string, token: string): string {
  const path = join(directory, tokenFileName);
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = openSync(draft, onlyNew, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeFileSync(file, token);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    throw new HandoverFailure({ kind: 'not-written', what: 'token-file', path, detail: systemWords(error) });
  }
  return path;
}
