import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { type ChildEnd, HandoverError } from './errors.ts';
import { type JobEnvironment, variableOf, windowsProgram } from './job-environment.ts';

/** How a program is started, without a shell. */
export interface Program {
  /** Where it was found, for messages. */
  readonly path: string;
  readonly command: string;
  readonly argumentsFor: (own: readonly string[]) => readonly string[];
  /** The arguments are already one command line (Windows). */
  readonly verbatim: boolean;
  /** @throws HandoverError if `word` cannot be passed to the program unchanged */
  readonly requireSafe: (word: string) => void;
}

/**
 * The Azure CLI that the job's own PATH leads to. Only full paths in PATH count, so that nothing in the workspace runs.
 *
 * @throws HandoverError if it is not there
 */
export function findAzureCli(environment: JobEnvironment): Program {
  const folders = variableOf(environment, 'PATH')
    .split(environment.windows ? ';' : ':')
    .map((folder) => folder.replace(/^"(.*)"$/u, '$1'))
    .filter((folder) => isAbsolute(folder));
  for (const folder of folders) {
    for (const name of environment.windows ? ['az.exe', 'az.cmd', 'az.bat'] : ['az']) {
      const path = join(folder, name);
      if (isExecutable(path))
        return /\.(cmd|bat)$/u.test(name) ? commandFile(path, environment) : plain(path);
    }
  }
  throw new HandoverError({ kind: 'tool-missing', tool: 'azure-cli' });
}

function plain(path: string): Program {
  return { path, command: path, argumentsFor: (own) => own, verbatim: false, requireSafe: () => undefined };
}

/**
 * Windows' az is a command file, which Node starts only through a shell (CVE-2024-27980). All it does is to call the
 * Python that comes with it, so the step calls that instead: `..\python.exe` in Microsoft's packages
 * (azure-cli, `build_scripts/windows/scripts/az.cmd`), `python.exe` in a virtual environment (azure-cli,
 * `src/azure-cli/az.bat`). For any other the command interpreter is called, with words that it takes as they are.
 */
function commandFile(path: string, environment: JobEnvironment): Program {
  const folder = dirname(path);
  const bundled = [
    { python: join(dirname(folder), 'python.exe'), options: '-IBm' },
    { python: join(folder, 'python.exe'), options: '-m' },
  ].find(({ python }) => existsSync(python));
  if (bundled !== undefined) {
    const { python, options } = bundled;
    return { ...plain(path), command: python, argumentsFor: (own) => [options, 'azure.cli', ...own] };
  }
  quoteWord(path);
  return {
    path,
    command: windowsProgram('cmd.exe', environment),
    argumentsFor: (own) => ['/d', '/s', '/c', `"${[path, ...own].map(quoteWord).join(' ')}"`],
    verbatim: true,
    requireSafe: quoteWord,
  };
}

/**
 * A word in quotes that the command interpreter takes as it is. Inside quotes only `%`, `!`, `^` and the quote itself
 * keep a meaning; `&`, `|`, `<` and `>` are left out too, because a file that the interpreter runs may expand them again.
 */
function quoteWord(word: string): string {
  if (/^[\p{L}\p{M}\p{N} _.:@\\/~(){}[\]+,;=#$'-]+$/u.test(word)) return `"${word}"`;
  throw new HandoverError({ kind: 'tool-unsafe', tool: 'azure-cli', path: word });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export interface ChildRun {
  readonly program: Program;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly environment: JobEnvironment;
  /** Milliseconds. */
  readonly limit: number;
  /** What it prints is wanted, not only how it ends. */
  readonly keepsOutput?: true;
}

/** How much of the end of stderr is kept. */
const keptBytes = 32_768;
/** How long processes that the child left behind may hold its stderr open. Milliseconds. */
const streamPatience = 1000;
const stopSignals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs a program to its end, without a shell and without input. Never throws. The program gets a process group of its
 * own, so that everything it starts ends with it: when its time is over, and when the host stops the step, because a
 * host signals this process alone.
 */
export function runChild({ program, directory, environment, limit, ...run }: ChildRun): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const child = spawn(program.command, program.argumentsFor(run.arguments), {
      cwd: directory,
      env: { ...environment.variables },
      stdio: ['ignore', run.keepsOutput ? 'pipe' : 'ignore', 'pipe'],
      detached: !environment.windows,
      windowsHide: true,
      windowsVerbatimArguments: program.verbatim,
    });
    const stop = (signal: (typeof stopSignals)[number]): void => {
      endWithDescendants(child, environment);
      process.exit(128 + system.signals[signal]);
    };
    for (const signal of stopSignals) process.on(signal, stop);

    let kept = Buffer.alloc(0);
    let cut = false;
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, keptBytes);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      const all = Buffer.concat([kept, chunk]);
      cut ||= all.length > keptBytes;
      kept = all.subarray(-keptBytes);
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endWithDescendants(child, environment);
    }, limit);
    const finish = (end: ChildEnd): void => {
      clearTimeout(timer);
      for (const signal of stopSignals) process.off(signal, stop);
      child.stderr?.destroy();
      child.stdout?.destroy();
      resolve(end);
    };
    child.once('error', ({ message }) => finish({ kind: 'not-started', words: message }));
    child.once('exit', () =>
      setTimeout(() => {
        child.stderr?.destroy();
        child.stdout?.destroy();
      }, streamPatience).unref(),
    );
    child.once('close', (code, signal) => {
      const words = wholeLines(kept.toString('utf8'), cut).trim();
      if (timedOut) finish({ kind: 'timed-out', words });
      else
        finish(
          code === 0
            ? { kind: 'done', ...(run.keepsOutput && { output }) }
            : { kind: 'failed', code: code ?? signal, words },
        );
    });
  });
}

/** What begins in the middle of a line may be the rest of a secret that nothing recognizes any more. */
function wholeLines(text: string, cut: boolean): string {
  if (!cut) return text;
  const start = text.indexOf('\n');
  return start === -1 ? '' : text.slice(start + 1);
}

function endWithDescendants(child: ChildProcess, environment: JobEnvironment): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (environment.windows) {
    spawnSync(windowsProgram('taskkill.exe', environment), ['/pid', String(pid), '/t', '/f']);
    return;
  }
  try {
    // The group has its leader's number.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}
