import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fence } from './closed-world.ts';
import { LineReader } from './line-reader.ts';

export type Stream = 'stdout' | 'stderr';

export interface ProcessOptions {
  readonly node: string;
  readonly script: string;
  readonly workingDirectory: string;
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called for every line in the order in which the lines arrive. */
  readonly onLine: (stream: Stream, line: string) => void;
  readonly patience?: Patience;
}

/** How long each signal is given before the next; both hosts' own defaults. */
export interface Patience {
  readonly interruptMilliseconds: number;
  readonly terminateMilliseconds: number;
}
const hostsPatience: Patience = { interruptMilliseconds: 7500, terminateMilliseconds: 2500 };

/** After the process has ended, how long a host waits for streams that some child of it still holds open. */
const openStreamsMilliseconds = 5000;

export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HostProcess {
  readonly pid: number | undefined;
  /** Rejects only when the process cannot be started. */
  readonly end: Promise<ProcessEnd>;
  /**
   * SIGINT, then SIGTERM, then the end of the process and all its descendants: what both hosts do with a cancelled
   * step. Only the process itself is signalled, not its children.
   * Source: actions/runner and azure-pipelines-agent `ProcessInvoker.cs`, `CancelAndKillProcessTree`.
   */
  cancel(): Promise<void>;
}

export function startProcess(options: ProcessOptions): HostProcess {
  const child = spawn(options.node, [...fence, options.script], {
    cwd: options.workingDirectory,
    env: { ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // The hosts close standard input so that nothing waits for it.
  child.stdin.on('error', () => undefined).end();

  const written = { stdout: '', stderr: '' };
  const readers: LineReader[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    const reader = new LineReader((line) => options.onLine(stream, line));
    readers.push(reader);
    const chunks: Buffer[] = [];
    child[stream].on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      written[stream] = Buffer.concat(chunks).toString('utf8');
      reader.write(chunk);
    });
  }

  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const end = new Promise<ProcessEnd>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    child.once('error', reject);
    child.once('exit', () => {
      timer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, openStreamsMilliseconds);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      for (const reader of readers) reader.end();
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, ...written });
    });
  });

  const patience = options.patience ?? hostsPatience;
  return {
    pid: child.pid,
    end,
    async cancel() {
      if (await endsAfter(child, 'SIGINT', exited, patience.interruptMilliseconds)) return;
      if (await endsAfter(child, 'SIGTERM', exited, patience.terminateMilliseconds)) return;
      for (const pid of [...descendants(child.pid), child.pid]) kill(pid);
      await exited;
    },
  };
}

async function endsAfter(
  child: ChildProcess,
  signal: NodeJS.Signals,
  exited: Promise<void>,
  milliseconds: number,
): Promise<boolean> {
  child.kill(signal);
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const ended = await Promise.race([exited.then(() => true as const), tooLong]);
  clearTimeout(timer);
  return ended;
}

/** From Linux's process table; elsewhere only the process itself is known. */
function descendants(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number)
        .flatMap((child) => [...descendants(child), child]),
    );
  } catch {
    return [];
  }
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
