import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { LineReader } from './line-reader.ts';

export type Stream = 'stdout' | 'stderr';

export interface ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  /** The complete environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called for every line, in the order in which the lines arrive. */
  readonly onLine: (stream: Stream, line: string) => void;
  /** Called when a cancel sends a signal, before the signal is sent. */
  readonly onSignal?: (signal: NodeJS.Signals) => void;
  readonly patience?: Patience;
  /**
   * The process is only a client, such as `docker exec`: a signal ends the client, and the process behind it goes on
   * without anybody who reads its output.
   */
  readonly detachesOnSignal?: boolean;
}

/** How long a host waits. The defaults are those of both hosts. */
export interface Patience {
  /** From SIGINT to SIGTERM. */
  readonly interruptMilliseconds: number;
  /** From SIGTERM to SIGKILL. */
  readonly terminateMilliseconds: number;
  /** After the process has ended, for streams that one of its children still holds open. */
  readonly openStreamsMilliseconds?: number;
  /** After the agent's `##vso[task.complete done=true]`. */
  readonly doneMilliseconds?: number;
}

/** Source: both hosts' `ProcessInvoker.cs`; the agent's `AgentKnobs.cs` and `ExecutionContext.cs` (`ForceTaskComplete`). */
export const hostPatience: Required<Patience> = {
  interruptMilliseconds: 7500,
  terminateMilliseconds: 2500,
  openStreamsMilliseconds: 5000,
  doneMilliseconds: 5000,
};

export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The process ended, but a child of it still held its output when the host stopped waiting. */
  readonly streamsLeftOpen: boolean;
}

export interface HostProcess {
  readonly pid: number | undefined;
  /** When the host takes the process for ended. Rejects only when the process cannot be started. */
  readonly end: Promise<ProcessEnd>;
  /** When nothing holds the process's output any longer, however long after `end` that is. */
  readonly gone: Promise<void>;
  /**
   * SIGINT, then SIGTERM, then SIGKILL, to the process itself. On Linux both hosts leave its children alive.
   * Source: actions/runner and azure-pipelines-agent `ProcessInvoker.cs` (`CancelAndKillProcessTree`,
   * `NixKillProcessTree`).
   */
  cancel(): Promise<void>;
  /** The host goes on without the process, which keeps running. */
  abandon(): void;
}

export function startProcess(options: ProcessOptions): HostProcess {
  const child = spawn(options.file, [...options.args], {
    cwd: options.workingDirectory,
    env: { ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // The hosts close standard input so that nothing waits for it.
  child.stdin.on('error', () => undefined).end();
  const patience = { ...hostPatience, ...options.patience };

  const written = { stdout: '', stderr: '' };
  let listening = true;
  const readers: LineReader[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    const reader = new LineReader((line) => options.onLine(stream, line));
    readers.push(reader);
    const chunks: Buffer[] = [];
    child[stream].on('data', (chunk: Buffer) => {
      if (!listening) return;
      chunks.push(chunk);
      written[stream] = Buffer.concat(chunks).toString('utf8');
      reader.write(chunk);
    });
  }

  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });

  let resolveEnd: (end: ProcessEnd) => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  /** From here on nobody listens; the streams are still read, so that a process that goes on does not block. */
  const finish = (streamsLeftOpen: boolean): void => {
    clearTimeout(timer);
    if (!listening) return;
    for (const reader of readers) reader.end();
    listening = false;
    // A process that goes on must not keep this one alive.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
    resolveEnd({
      exitCode: child.exitCode ?? undefined,
      signal: child.signalCode ?? undefined,
      ...written,
      streamsLeftOpen,
    });
  };
  let signalled = false;
  const end = new Promise<ProcessEnd>((resolve, reject) => {
    resolveEnd = resolve;
    child.once('error', reject);
    child.once('exit', () => {
      if (signalled && options.detachesOnSignal === true) {
        finish(false);
        return;
      }
      timer = setTimeout(() => finish(true), patience.openStreamsMilliseconds);
    });
    child.once('close', () => finish(false));
  });

  /** Whether the process ended in the given time. */
  const endsAfter = async (signal: NodeJS.Signals, milliseconds: number): Promise<boolean> => {
    options.onSignal?.(signal);
    signalled = true;
    child.kill(signal);
    return endsWithin(exited, milliseconds);
  };
  return {
    pid: child.pid,
    end,
    gone,
    async cancel() {
      if (hasEnded(child)) return;
      if (await endsAfter('SIGINT', patience.interruptMilliseconds)) return;
      if (await endsAfter('SIGTERM', patience.terminateMilliseconds)) return;
      options.onSignal?.('SIGKILL');
      child.kill('SIGKILL');
      await exited;
    },
    abandon: () => finish(false),
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function endsWithin(exited: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const ended = await Promise.race([exited.then(() => true as const), tooLong]);
  clearTimeout(timer);
  return ended;
}

/** .NET's exit code of a process that a signal ended. Source: dotnet/runtime `SystemNative_WaitPidExitedNoHang`. */
export function dotnetExitCode({ exitCode, signal }: Pick<ProcessEnd, 'exitCode' | 'signal'>): number {
  return exitCode ?? 128 + (signal === undefined ? 0 : (signalNumbers[signal] ?? 0));
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};
