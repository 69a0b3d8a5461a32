import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** `npm run emulator` in a process group of its own, as a terminal starts it. */
export interface CliProcess {
  readonly pid: number;
  /** Everything that it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when the standard output contains the text. Rejects when the process ends before. */
  printed(text: string): Promise<string>;
  /** The exit code, when the process has ended and its output is closed. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** The command lines of the processes of the group that still run. */
  group(): readonly string[];
  killGroup(): void;
}

const npm = process.env['npm_execpath'];

/** The npm that runs the tests, otherwise the one on the path. */
export function startNpm(args: readonly string[]): CliProcess {
  const command = ['run', 'emulator', ...(args.length > 0 ? ['--', ...args] : [])];
  return npm === undefined ? start('npm', command) : start(process.execPath, [npm, ...command]);
}

/** The command without npm, as a service manager starts it. */
export const startNode = (args: readonly string[]): CliProcess =>
  start(process.execPath, ['--', 'scripts/start.mjs', 'emulator/cli', ...args]);

function start(file: string, args: readonly string[]): CliProcess {
  // Without `npm_…`: the process must not take the tests' own npm for its parent.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('npm_lifecycle') && name !== 'INIT_CWD'),
  );
  const child = spawn(file, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} could not start`);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString('utf8');
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.stdout.includes(text)) resolve(output.stdout);
        };
        look();
        child.stdout?.on('data', look);
        ended.then((code) =>
          reject(
            new Error(`ended with ${code} before it printed "${text}":\n${output.stdout}${output.stderr}`),
          ),
        );
      }),
    ended,
    kill: (signal) => {
      // Ctrl-C reaches the whole group. npm relies on it, and ignores the signal itself.
      process.kill(signal === 'SIGINT' ? -pid : pid, signal);
    },
    group: () => groupMembers(pid),
    killGroup: () => {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // The group is gone.
      }
    },
  };
}

function groupMembers(group: number): readonly string[] {
  return processIds().flatMap((pid) => {
    try {
      // After the name in parentheses: state, parent, group.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /su, '')
        .split(' ');
      if (Number(fields[2]) !== group || fields[0] === 'Z') return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
    } catch {
      return [];
    }
  });
}

function processIds(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
}
