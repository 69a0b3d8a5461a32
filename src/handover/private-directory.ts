import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { HandoverError, type PrivateFile, systemWords } from './errors.ts';
import { type JobEnvironment, windowsProgram } from './job-environment.ts';
import { closing, OpenDirectory, type Owner } from './open-directory.ts';

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

/**
 * Who must own what the step writes. In a container job the step often runs as root, on a temporary folder that
 * belongs to the runner's user: the runner cannot empty it if root's directories lie in it.
 */
export function ownerOfFiles(folder: OpenDirectory): Owner | undefined {
  const stats = folder.stats();
  if (process.geteuid?.() !== 0 || stats === undefined || stats.uid === 0n) return undefined;
  return { uid: Number(stats.uid), gid: Number(stats.gid) };
}

/** A new directory that is still the step's own, and whose it shall be in the end. */
interface PrivateDirectory {
  readonly directory: OpenDirectory;
  readonly owner: Owner | undefined;
}

/**
 * Makes a new directory that only the job's own user can enter, has it filled, and gives it to its owner at the end:
 * until then nobody else can change what is in it.
 *
 * @param token which must be in its file at the end
 * @throws HandoverError if the system refuses, something has this name already, or gets it in the meantime. Nothing is
 *   then in the directory any more
 */
export async function inPrivateDirectory<T>(
  path: string,
  environment: JobEnvironment,
  token: string | undefined,
  fill: (directory: OpenDirectory) => Promise<T>,
): Promise<T> {
  const { directory, owner } = makeDirectory(path);
  try {
    requirePrivate(directory);
    if (environment.windows) await limitAccess(path, environment);
    try {
      const result = await fill(directory);
      finish(directory, owner, token);
      return result;
    } catch (error) {
      emptyIfPossible(directory);
      throw error;
    }
  } finally {
    directory.close();
  }
}

async function limitAccess(path: string, environment: JobEnvironment): Promise<void> {
  try {
    await grantOwnAccessOnly(path, environment);
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'access', path, detail }, { cause: error });
  }
}

function makeDirectory(path: string): PrivateDirectory {
  try {
    return closing(new OpenDirectory(dirname(path), { links: 'follow' }), (folder) => ({
      // Fails if anything has this name, a link included.
      directory: folder.make(basename(path)),
      owner: ownerOfFiles(folder),
    }));
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'directory', path, detail }, { cause: error });
  }
}

/**
 * Between the call that makes a directory and the one that opens it, another user who can rename it can put another
 * there: one of their own, or one that is not empty. None of them can make an empty one that is ours.
 */
function requirePrivate(directory: OpenDirectory): void {
  const stats = directory.stats();
  if (stats === undefined) return;
  const own = stats.uid === BigInt(process.geteuid?.() ?? 0) && (stats.mode & 0o777n) === 0o700n;
  if (own && directory.names().length === 0) return;
  throw notPrivate(directory, 'It is not empty, or its owner or mode is not the one that the step gave it.');
}

/**
 * The step's file operations cannot be led astray, but tools use the path.
 *
 * @throws HandoverError if the directory's path leads to something else now
 */
export function requireInPlace(directory: OpenDirectory): void {
  if (!directory.isInPlace()) throw notPrivate(directory, 'It was moved, removed or replaced.');
}

function notPrivate({ path }: OpenDirectory, detail: string): HandoverError {
  return new HandoverError({ kind: 'not-written', what: 'privacy', path, detail });
}

function finish(directory: OpenDirectory, owner: Owner | undefined, token: string | undefined): void {
  requireInPlace(directory);
  if (token !== undefined) requireToken(directory, token);
  try {
    if (owner) directory.giveTo(owner);
  } catch (error) {
    const [path, detail] = [directory.path, systemWords(error)];
    throw new HandoverError({ kind: 'not-written', what: 'directory', path, detail }, { cause: error });
  }
}

function requireToken(directory: OpenDirectory, token: string): void {
  const size = lstatSync(directory.at(tokenFileName), { throwIfNoEntry: false })?.size;
  if (size === Buffer.byteLength(token)) return;
  const path = join(directory.path, tokenFileName);
  const detail = size === undefined ? 'Another process removed it.' : 'Another process changed it.';
  throw new HandoverError({ kind: 'not-written', what: 'token-file', path, detail });
}

/** The clean-up finds it by its path only, where something else can be now. */
function emptyIfPossible(directory: OpenDirectory): void {
  try {
    directory.empty();
  } catch {
    // The error that led here says more, and the clean-up tries again.
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
export function writeTokenFile(directory: OpenDirectory, token: string): string {
  return writePrivateFile(directory, tokenFileName, token, 'token-file');
}

/**
 * Writes a file that only the job's own user can read, in place of one that may be there.
 *
 * @param owner who gets the file, if the directory has its owner already
 * @returns the path of the file
 * @throws HandoverError if the system refuses
 */
export function writePrivateFile(
  directory: OpenDirectory,
  name: string,
  text: string,
  what: PrivateFile,
  owner?: Owner,
): string {
  const path = join(directory.path, name);
  const draft = `${name}.${randomBytes(8).toString('hex')}`;
  try {
    const file = openSync(directory.at(draft), onlyNew, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeFileSync(file, text);
      if (owner) fchownSync(file, owner.uid, owner.gid);
    } finally {
      closeSync(file);
    }
    renameSync(directory.at(draft), directory.at(name));
    return path;
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what, path, detail }, { cause: error });
  }
}
