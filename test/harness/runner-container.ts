import { spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { nodes } from './nodes.ts';

/**
 * A job container (`container:` in a workflow) made of Linux namespaces: its own file tree, process table and root
 * user, in which the runner's folders are mounted where the real runner mounts them. It shares the machine's network,
 * because tests talk to loopback.
 *
 * Source: actions/runner `ContainerOperationProvider.cs` (`MountWellKnownDirectories`), `ContainerInfo.cs`
 * (`TranslateToContainerPath`), `Handlers/StepHost.cs` (`ContainerStepHost`, `docker exec`).
 */
export interface ContainerOptions {
  /** The user that the image runs steps as; root by default. */
  readonly user?: number;
  /** The user that the runner runs as, and that owns the work folder; this process's own by default. */
  readonly runnerUser?: number;
  /** Further folders or files of this machine, at the same path in the container; paths to them are not translated. */
  readonly volumes?: readonly string[];
}

export interface ContainerFolders {
  readonly root: string;
  readonly work: string;
  readonly temp: string;
  readonly externals: string;
  readonly tools: string;
}

/** The environment that the image brings. The runner's own does not reach the container. */
const imagePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Only root can play users of its choice. */
export const containersWork: boolean = process.getuid?.() === 0 && canUnshare();

function canUnshare(): boolean {
  try {
    run('unshare', ['--mount', '--pid', '--fork', 'true']);
    return true;
  } catch {
    return false;
  }
}

export class JobContainer {
  readonly #folders: ContainerFolders;
  readonly #user: number;
  readonly #runnerUser: number | undefined;
  /** Host path → container path; the most specific one first, as in `ContainerInfo.cs`. */
  readonly #pathMap: readonly (readonly [hostPath: string, containerPath: string])[];
  readonly #rootInHost: string;
  /** The container lives as long as this end of a pipe is open, so it ends with the tests. */
  readonly #lifeline: number;
  readonly #pid: number;

  constructor(folders: ContainerFolders, options: ContainerOptions) {
    if (!containersWork)
      throw new Error('This machine cannot play a container: run the tests as root on Linux.');
    this.#folders = folders;
    this.#user = options.user ?? 0;
    this.#runnerUser = options.runnerUser;
    const home = join(folders.temp, '_github_home');
    const workflow = join(folders.temp, '_github_workflow');
    this.#pathMap = [
      [workflow, '/github/workflow'],
      [home, '/github/home'],
      [folders.work, '/__w'],
      [folders.tools, '/__t'],
      [folders.externals, '/__e'],
    ];
    this.#rootInHost = join(folders.root, 'container');
    for (const folder of [home, workflow, folders.tools, this.#rootInHost])
      mkdirSync(folder, { recursive: true });
    for (const { major } of nodes) {
      mkdirSync(join(folders.externals, `node${major}`, 'bin'), { recursive: true });
      writeFileSync(join(folders.externals, `node${major}`, 'bin', 'node'), '');
    }
    for (const path of [folders.root, ...listBelow(folders.root)]) this.ownByRunner(path);
    const lifeline = join(folders.root, 'lifeline');
    run('mkfifo', [lifeline]);
    this.#lifeline = openSync(lifeline, constants.O_RDWR);
    this.#pid = startContainer(this.#rootInHost, lifeline, [
      ...this.#pathMap.map(([hostPath, containerPath]) => `${hostPath}=${containerPath}`),
      ...nodes.map(({ major, path }) => `${path}=/__e/node${major}/bin/node`),
      ...(options.volumes ?? []).map((path) => `${path}=${path}`),
    ]);
  }

  /** Source: `ContainerInfo.cs`, `TranslateToContainerPath`: a whole value that is a mapped path or lies below one. */
  toContainerPath(value: string): string {
    for (const [hostPath, containerPath] of this.#pathMap) {
      if (value === hostPath) return containerPath;
      if (value.startsWith(`${hostPath}/`)) return containerPath + value.slice(hostPath.length);
    }
    return value;
  }

  /** The variables that a step has before the runner adds its own; the runner's environment is not among them. */
  get environment(): Record<string, string> {
    return { PATH: imagePath, HOME: '/github/home', CI: 'true' };
  }

  /** Makes a folder of this machine visible in the container, where the runner keeps downloaded actions. */
  mountAction(directory: string): string {
    const inside = this.toContainerPath(directory);
    if (inside !== directory) return inside;
    const name = Buffer.from(directory).toString('hex').slice(-16);
    const hostPath = join(this.#folders.work, '_actions', name);
    mkdirSync(hostPath, { recursive: true });
    const target = join(this.#rootInHost, this.toContainerPath(hostPath));
    run('nsenter', [`--target=${this.#pid}`, '--mount', 'mount', '--bind', directory, target]);
    return this.toContainerPath(hostPath);
  }

  /** `docker exec --workdir …`: the client's command. Signals reach the client and not the process behind it. */
  command(workingDirectory: string, file: string, args: readonly string[]): { file: string; args: string[] } {
    return {
      file: '/usr/bin/nsenter',
      args: [
        ...[`--target=${this.#pid}`, '--mount', '--pid', '--root'],
        ...[`--setuid=${this.#user}`, `--setgid=${this.#user}`],
        // Not a shell, which would drop variables whose names have a hyphen.
        ...['/usr/bin/env', `--chdir=${this.toContainerPath(workingDirectory)}`, file],
        ...args.map((argument) => this.toContainerPath(argument)),
      ],
    };
  }

  nodePath(major: number): string {
    const node = nodes.find((one) => one.major === major) ?? nodes[0];
    return `/__e/node${node?.major}/bin/node`;
  }

  /** Gives what this process wrote to the runner's user. */
  ownByRunner(path: string): void {
    if (this.#runnerUser !== undefined) chownSync(path, this.#runnerUser, this.#runnerUser);
  }

  /**
   * `docker rm --force`: everything in the container ends. Waits until no process runs, but not until the machine's
   * init has collected them all, which can take a second.
   */
  stop(): void {
    const namespace = readlinkSync(`/proc/${this.#pid}/ns/pid`);
    process.kill(this.#pid, 'SIGKILL');
    closeSync(this.#lifeline);
    const moment = new Int32Array(new SharedArrayBuffer(4));
    while (runningIn(namespace).some((pid) => pid !== this.#pid)) Atomics.wait(moment, 0, 0, 2);
  }

  /**
   * Empties the temporary folder as the runner's user does, and returns what is left. The first folder that this user
   * cannot list stops the clean-up. Source: `TempDirectoryManager.cs`, `Runner.Sdk/Util/IOUtil.cs` (`DeleteDirectory`).
   */
  emptyTemp(): string[] {
    const user = this.#runnerUser;
    spawnSync(process.execPath, ['--eval', emptyFolder, this.#folders.temp], {
      cwd: '/',
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    return listBelow(this.#folders.temp).map((path) => relative(this.#folders.temp, path));
  }
}

const emptyFolder = `
  const fs = require('node:fs');
  const path = require('node:path');
  const attempt = (remove) => { try { remove(); } catch {} };
  const empty = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const item = path.join(folder, entry.name);
      if (!entry.isDirectory()) attempt(() => fs.unlinkSync(item));
      else { empty(item); attempt(() => fs.rmdirSync(item)); }
    }
  };
  try { empty(process.argv[1]); } catch {}
`;

/**
 * Builds the file tree in a mount namespace and starts the process that holds it, in a process table of its own.
 * Returns that process's ID on the machine.
 */
function startContainer(root: string, lifeline: string, mounts: readonly string[]): number {
  const build = `set -e
root=$1 lifeline=$2; shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=755 container "$root"
for folder in bin sbin lib lib32 lib64 libx32 usr etc opt; do
  if [ -L "/$folder" ]; then ln -s "$(readlink "/$folder")" "$root/$folder"
  elif [ -d "/$folder" ]; then mkdir "$root/$folder"; mount --rbind "/$folder" "$root/$folder"; fi
done
mkdir "$root/dev" "$root/proc" "$root/root"
mkdir -m 1777 "$root/tmp"
mount --rbind /dev "$root/dev"
for pair in "$@"; do
  host=\${pair%=*} inside=$root\${pair##*=}
  if [ -d "$host" ]; then mkdir -p "$inside"
  elif [ ! -e "$inside" ]; then mkdir -p "$(dirname "$inside")"; : > "$inside"; fi
  mount --bind "$host" "$inside"
done
read -r pid rest < /proc/self/stat
mount -t proc proc "$root/proc"
echo "$pid" >&3
exec 3>&-
exec chroot "$root" /bin/cat < "$lifeline" > /dev/null 2>&1`;
  const start = `ready=$1/ready; mkfifo "$ready"; shift
unshare --mount --pid --fork sh -c "$0" build "$@" 3> "$ready" > /dev/null 2> "$ready.errors" < /dev/null &
read -r pid < "$ready" && echo "$pid" || { cat "$ready.errors" >&2; exit 1; }`;
  const folder = join(root, '..');
  return Number(run('sh', ['-c', start, build, folder, root, lifeline, ...mounts]));
}

function runningIn(namespace: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const state = /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
        return state !== 'Z' && state !== 'X' && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
      } catch {
        // It ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

function run(file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0) throw new Error(`${file} failed: ${stderr}`);
  return stdout;
}

function listBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...listBelow(path)] : [path];
  });
}
