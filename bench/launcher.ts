import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A program to start. */
export interface Launch {
  readonly argv: readonly string[];
  /** The whole environment. Nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** What one run cost, from just before the start of the process to its end. */
export interface Cost {
  /** Wall time in milliseconds. */
  readonly wall: number;
  /** Processor time in milliseconds, user and system. */
  readonly cpu: number | undefined;
  /** Peak resident memory of the largest process, in MiB. */
  readonly peak: number | undefined;
}

export interface Run {
  readonly cost: Cost;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Launcher {
  readonly measuresMemory: boolean;
  run(launch: Launch): Promise<Run>;
  close(): void;
}

/** In milliseconds. A run that takes this long hangs. */
const longestRun = 120_000;

/**
 * Starts and measures programs. Node has no function that returns the processor time and memory of a child process, so
 * a small Python script (`launcher.py`) starts the programs. Without Python, only the wall time is measured.
 *
 * @param folder for the files that receive the output of the current run
 */
export async function startLauncher(root: string, folder: string): Promise<Launcher> {
  const out = join(folder, 'stdout');
  const err = join(folder, 'stderr');
  const written = () => ({ stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') });

  const python = spawn('python3', [join(root, 'bench', 'launcher.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const started = await new Promise<boolean>((resolve) => {
    python.once('spawn', () => resolve(true));
    python.once('error', () => resolve(false));
  });
  if (!started) return wallTimeOnly();

  const answers = createInterface(python.stdout)[Symbol.asyncIterator]();
  return {
    measuresMemory: true,
    async run({ argv, environment, workingDirectory }) {
      const timer = setTimeout(() => endGroup(python), longestRun);
      python.stdin.write(`${JSON.stringify({ argv, env: environment, cwd: workingDirectory, out, err })}\n`);
      const { value } = await answers.next();
      clearTimeout(timer);
      if (typeof value !== 'string') throw new Error(`launcher.py ended while it ran ${argv.join(' ')}`);
      const { code, ...cost } = JSON.parse(value) as {
        code: number;
        wall: number;
        cpu: number;
        peak: number;
      };
      return { cost, code, ...written() };
    },
    close: () => python.stdin.end(),
  };
}

/** Ends the launcher and everything that it started. It is the leader of a process group. */
function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

function wallTimeOnly(): Launcher {
  return {
    measuresMemory: false,
    async run({ argv: [program = '', ...args], environment, workingDirectory }) {
      const before = performance.now();
      const child = spawn(program, args, {
        env: environment,
        cwd: workingDirectory,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: longestRun,
      });
      const texts = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (part: string) => {
          texts[stream] += part;
        });
      }
      let wall = 0;
      child.once('exit', () => {
        wall = performance.now() - before;
      });
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (status) => resolve(status ?? -1));
      });
      return { cost: { wall, cpu: undefined, peak: undefined }, code, ...texts };
    },
    close: () => undefined,
  };
}
