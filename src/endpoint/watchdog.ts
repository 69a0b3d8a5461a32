import { readFileSync, statSync } from 'node:fs';

/** A process, as far as the system can tell it from a later one with the same number. */
export interface KnownProcess {
  readonly pid: number;
  /** When it started, in the system's own unit. Only Linux says so. */
  readonly started?: string;
}

/** Until when the background process of a job may run. */
export interface Guard {
  /** It ends when this file is gone: the job's temporary folder was emptied, or the clean-up removed the file. */
  readonly marker: string;
  /** It ends with this process, which runs the job. Not known inside a container. */
  readonly worker?: KnownProcess;
  /** It ends after this time whatever happens. Milliseconds. */
  readonly lifetime: number;
}

/** The time between two looks. Milliseconds. */
const interval = 1_000;

/**
 * Looks again and again whether the job is still there: a worker that is killed runs no clean-up.
 *
 * @returns ends the looks
 */
export function watch({ marker, worker, lifetime }: Guard, gone: () => void): () => void {
  const started = performance.now();
  const timer = setInterval(
    () => {
      const isOver = performance.now() - started >= lifetime;
      if (isOver || !isFile(marker) || (worker !== undefined && !isRunning(worker))) gone();
    },
    Math.min(interval, lifetime),
  );
  return () => clearInterval(timer);
}

/** Another user’s folder, or a disk that does not answer, is not a job that has ended. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return true;
  }
}

/**
 * The process that runs the job, if it is the parent of this step. In a container it is not: there the step's parent is
 * outside, or a program that starts only this step and itself has no parent inside (azure-pipelines-agent,
 * `containerHandlerInvoker.js`).
 */
export function findWorker(parent = process.ppid): KnownProcess | undefined {
  if (parent <= 1) return undefined;
  const stat = readStat(parent);
  if (stat === undefined) return process.platform === 'linux' ? undefined : { pid: parent };
  return stat.parent === 0 ? undefined : { pid: parent, started: stat.started };
}

/** A process that has ended but that nobody has waited for is still in the table, and takes signals. */
function isRunning({ pid, started }: KnownProcess): boolean {
  if (started === undefined) return takesSignals(pid);
  const stat = readStat(pid);
  return stat !== undefined && stat.started === started && !['Z', 'X', 'x'].includes(stat.state);
}

function takesSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** proc(5): pid (name) state ppid … starttime, the 22nd field. The name can hold anything, also a parenthesis. */
function readStat(
  pid: number,
): { readonly state: string; readonly parent: number; readonly started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
