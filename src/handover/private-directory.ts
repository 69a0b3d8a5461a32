import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { HandoverError, type PrivateFile, systemWords } from './errors.ts';
import { type JobEnvironment, windowsProgram } from './job-environment.ts';

const prefix = 'entra-app-token-';
export const tokenFileName = 'federated-token';
export const configDirectoryName = 'azure-cli';
export const gitSettingsName = 'git-credential.json';
export const gitTokenName = 'git-credential-token';

/** Whether `name` is one that the step gives to its private directories. */
export function isPrivateName(name: string): boolean {
  return name.startsWith(prefix) && /^[0-9a-f]{32}$/u.test(name.slice(prefix.length));
}

/**
 * A path directly under `folder` that nobody can predict. `mkdtemp` would return the name only after the directory
 * exists; this one is recorded before, so that a step that is killed at any moment leaves nothing that its clean-up
 * does not know.
 */
export function privatePath(folder: string): string {
  return join(folder, `${prefix}${randomBytes(16).toString('hex')}`);
}

/**
 * The job's temporary folder.
 *
 * @throws HandoverError if the host did not name one, or it does not exist
 */
export function requireTemporaryFolder(path: string): string {
  if (isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new HandoverError({ kind: 'no-temporary-folder', path });
}

/** A user and a group by their numbers. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who must own what the step writes. In a container job the step often runs as root, on a temporary folder that
 * belongs to the runner's user: the runner cannot empty it if root's directories lie in it.
 */
export function ownerOfFiles(folder: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

/**
 * Makes a new directory that only the job's own user can enter.
 *
 * @throws HandoverError if the system refuses, or something has this name already
 */
export async function createPrivateDirectory(
  path: string,
  owner: Owner | undefined,
  environment: JobEnvironment,
): Promise<void> {
  try {
    // Fails if anything has this name, a link included.
    mkdirSync(path, { mode: 0o700 });
    // A umask can take the owner's own bits away.
    if (!environment.windows) chmodSync(path, 0o700);
    if (owner) chownSync(path, owner.uid, owner.gid);
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'directory', path, detail }, { cause: error });
  }
  if (!environment.windows) return;
  try {
    await grantOwnAccessOnly(path, environment);
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'access', path, detail }, { cause: error });
  }
}

/**
 * Windows has no file modes: the directory's access list becomes the job's own user alone, and what is made in it
 * inherits that. The user is named by SID, which is the same in every language and for service accounts too.
 * https://learn.microsoft.com/windows-server/administration/windows-commands/icacls
 *
 * @throws if the access list cannot be set
 */
async function grantOwnAccessOnly(directory: string, environment: JobEnvironment): Promise<void> {
  const run = promisify(execFile);
  const { stdout } = await run(windowsProgram('whoami.exe', environment), ['/user', '/fo', 'csv', '/nh']);
  const sid = /"(S-1-[0-9-]+)"/u.exec(stdout)?.[1];
  if (sid === undefined) throw new Error('whoami did not print the user’s SID');
  const access = ['/inheritance:r', '/grant:r', `*${sid}:(OI)(CI)F`];
  await run(windowsProgram('icacls.exe', environment), [directory, ...access]);
}

/** Only a new file: not one that exists, not a link. Windows has no such links to refuse. */
const onlyNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * Writes the assertion for the tools that read it from a file. A reader sees all of it or nothing, and no line break
 * at its end: to some readers that would be part of the token.
 *
 * @throws HandoverError if the system refuses
 */
export function writeTokenFile(directory: string, token: string, owner: Owner | undefined): string {
  const path = join(directory, tokenFileName);
  writePrivateFile(path, token, owner, 'token-file');
  return path;
}

/**
 * Writes a file that only the job's own user can read, in place of one that may be there.
 *
 * @throws HandoverError if the system refuses
 */
export function writePrivateFile(
  path: string,
  text: string,
  owner: Owner | undefined,
  what: PrivateFile,
): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = openSync(draft, onlyNew, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeFileSync(file, text);
      if (owner) fchownSync(file, owner.uid, owner.gid);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what, path, detail }, { cause: error });
  }
}
