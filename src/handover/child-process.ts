import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { JobEnvironment } from './job-environment.ts';
import type { Program } from './program.ts';
import { windowsProgram } from './windows-programs.ts';

export interface ChildRun {
  readonly program: Program;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly environment: JobEnvironment;
  /** Milliseconds. */
  readonly limit: number;
}

/** How a child process ended. `words` is the last of what it wrote to stderr: from outside. */
export type ChildEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: number | NodeJS.Signals | null; readonly words: string }
  | { readonly kind: 'timed-out'; readonly words: string }
  | { readonly kind: 'not-started'; readonly words: string };

/** How much of stderr is kept, its end. */
const keptBytes = 32_768;
/** After the child has ended, how long its stderr may be held open by what it left behind. Milliseconds. */
const streamPatience = 1000;
const stopSignals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs a program to its end, without a shell and with nothing to read; never throws. It gets a process group of its
 * own, so that it ends with all it started: when its time is over, and when the host stops the step, which signals
 * this process alone.
 */
export function runChild({ program, directory, environment, limit, ...run }: ChildRun): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(program.command, program.argumentsFor(run.arguments), {
      cwd: directory,
      env: { ...environment.variables },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: !environment.windows,
      windowsHide: true,
      windowsVerbatimArguments: program.verbatim,
    });
    const stop = (signal: (typeof stopSignals)[number]): void => {
      endWithDescendants(child, environment);
      process.exit(128 + constants.signals[signal]);
    };
    for (const signal of stopSignals) process.on(signal, stop);

    let kept = Buffer.alloc(0);
    child.stderr.on('data', (chunk: Buffer) => {
      kept = Buffer.concat([kept, chunk]).subarray(-keptBytes);
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endWithDescendants(child, environment);
    }, limit);
    const settle = (end: ChildEnd): void => {
      clearTimeout(timer);
      for (const signal of stopSignals) process.off(signal, stop);
      child.stderr.destroy();
      resolve(end);
    };
    child.once('error', ({ message }) => settle({ kind: 'not-started', words: message }));
    child.once('exit', () => setTimeout(() => child.stderr.destroy(), streamPatience).unref());
    child.once('close', (code, signal) => {
      const words = kept.toString('utf8').trim();
      if (timedOut) settle({ kind: 'timed-out', words });
      else settle(code === 0 ? { kind: 'done' } : { kind: 'failed', code: code ?? signal, words });
    });
  });
}

function endWithDescendants(child: ChildProcess, environment: JobEnvironment): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (environment.windows) {
    spawnSync(windowsProgram('taskkill.exe', environment), ['/pid', String(pid), '/t', '/f']);
    return;
  }
  try {
    // The group, whose number is its leader's.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
