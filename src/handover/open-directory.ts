import {
  type BigIntStats,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';

/** A user and a group by their numbers. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface OpenOptions {
  /** What to do with a link at the end of the path. */
  readonly links?: 'follow' | 'refuse';
  /** By which name it is opened, if not by its path. */
  readonly name?: string;
  /** Where the system shows open descriptors. */
  readonly descriptors?: string;
}

const exact = { bigint: true } as const;
const ifAny = { bigint: true, throwIfNoEntry: false } as const;

/**
 * A directory that stays the same one whatever becomes of its name: another user who may rename it cannot make us
 * follow a link that lies in its place. Node has no `openat`, but on Linux `/proc/self/fd/N/name` is a name in the
 * directory that descriptor N has open. Where that is missing (macOS), each use checks that the path still leads to the
 * same directory, which leaves a short moment. Windows has neither: there it is a path.
 */
export class OpenDirectory {
  /** How the user knows it. */
  readonly path: string;
  readonly #links: OpenOptions['links'];
  readonly #descriptor: number | undefined;
  readonly #throughDescriptor: string | undefined;

  /** @throws if it is not a directory, or is a link */
  constructor(
    path: string,
    { links = 'refuse', name = path, descriptors = '/proc/self/fd' }: OpenOptions = {},
  ) {
    this.path = path;
    this.#links = links;
    if (process.platform === 'win32') return;
    const noLink = links === 'refuse' ? constants.O_NOFOLLOW : 0;
    const descriptor = openSync(name, constants.O_RDONLY | constants.O_DIRECTORY | noLink);
    const through = `${descriptors}/${descriptor}`;
    this.#descriptor = descriptor;
    if (isSame(fstatSync(descriptor, exact), statSync(`${through}/.`, ifAny)))
      this.#throughDescriptor = through;
  }

  /** Where an entry of the directory is for the system. Not a path for messages, and only for this process. */
  at(name: string): string {
    if (this.#throughDescriptor !== undefined) return `${this.#throughDescriptor}/${name}`;
    if (!this.isInPlace()) throw new Error(`${this.path} is no longer the same directory`);
    return join(this.path, name);
  }

  /** Opens a directory in this one. */
  open(name: string): OpenDirectory {
    return new OpenDirectory(join(this.path, name), { name: this.at(name) });
  }

  /** Makes a directory in this one that only the user can enter, whatever the umask is. Fails if the name is taken. */
  make(name: string): OpenDirectory {
    const path = this.at(name);
    // A umask can take the owner's own bits away. A chmod afterwards could meet another directory.
    const umask = process.umask(0o077);
    try {
      mkdirSync(path, { mode: 0o700 });
    } finally {
      process.umask(umask);
    }
    return this.open(name);
  }

  names(): readonly string[] {
    return readdirSync(this.at('.'));
  }

  /** What the system says about the open directory; nothing on Windows. */
  stats(): BigIntStats | undefined {
    return this.#descriptor === undefined ? undefined : fstatSync(this.#descriptor, exact);
  }

  /** Whether its path still leads to it, and not over a link. */
  isInPlace(): boolean {
    try {
      const found = this.#links === 'follow' ? statSync(this.path, exact) : lstatSync(this.path, exact);
      const own = this.stats();
      return own === undefined ? found.isDirectory() : isSame(own, found);
    } catch {
      return false;
    }
  }

  /** Whether both are the same directory. On Windows their paths decide. */
  isSameAs(other: OpenDirectory): boolean {
    const [own, its] = [this.stats(), other.stats()];
    return own === undefined ? realpathSync(this.path) === realpathSync(other.path) : isSame(own, its);
  }

  /** Removes everything in it. Links are removed, never followed. Never leaves this directory. */
  empty(): void {
    for (const name of this.names()) {
      unlessGone(() => {
        if (!lstatSync(this.at(name)).isDirectory()) return unlinkSync(this.at(name));
        closing(this.open(name), (inner) => inner.empty());
        rmdirSync(this.at(name));
      });
    }
  }

  /**
   * Gives everything in it to another user, and it itself last: until then nobody else can enter it, so nobody can put a
   * link in the way.
   */
  giveTo(owner: Owner): void {
    if (this.#descriptor === undefined) return;
    for (const name of this.names()) {
      unlessGone(() => {
        if (!lstatSync(this.at(name)).isDirectory()) return lchownSync(this.at(name), owner.uid, owner.gid);
        closing(this.open(name), (inner) => inner.giveTo(owner));
      });
    }
    fchownSync(this.#descriptor, owner.uid, owner.gid);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** Closes the directory after its use. */
export function closing<T>(directory: OpenDirectory, use: (directory: OpenDirectory) => T): T {
  try {
    return use(directory);
  } finally {
    directory.close();
  }
}

function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/** A tool's background process may remove its own files at the same time. */
function unlessGone(action: () => void): void {
  try {
    action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
