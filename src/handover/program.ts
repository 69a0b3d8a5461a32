import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import { HandoverFailure } from './problem.ts';
import { windowsProgram } from './windows-programs.ts';

/** How a program is started, without a shell. */
export interface Program {
  /** Where it was found, for messages. */
  readonly path: string;
  readonly command: string;
  readonly argumentsFor: (own: readonly string[]) => readonly string[];
  /** The arguments are one command line already (Windows). */
  readonly verbatim: boolean;
}

/**
 * The Azure CLI that the job's own PATH leads to. Only full paths in it count: what lies in the workspace is not run.
 *
 * @throws HandoverFailure when it is not there
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
  throw new HandoverFailure({ kind: 'tool-missing', tool: 'azure-cli' });
}

function plain(path: string): Program {
  return { path, command: path, argumentsFor: (own) => own, verbatim: false };
}

/**
 * Windows' az is a command file, which Node starts only through a shell (CVE-2024-27980). All it does is to call the
 * Python that comes with it, so that is called in its place: `..\python.exe` in Microsoft's packages
 * (azure-cli, `build_scripts/windows/scripts/az.cmd`), `python.exe` in a virtual environment (azure-cli, `src/azure-cli/az.bat`).
 * For any other the command interpreter is called with words that it takes as they are, and with no others.
 *
 * Written after those files; no test runs on Windows.
 */
function commandFile(path: string, environment: JobEnvironment): Program {
  const folder = dirname(path);
  const bundled = [
    { python: join(dirname(folder), 'python.exe'), options: '-IBm' },
    { python: join(folder, 'python.exe'), options: '-m' },
  ].find(({ python }) => existsSync(python));
  if (bundled !== undefined) {
    const { python, options } = bundled;
    const argumentsFor = (own: readonly string[]): string[] => [options, 'azure.cli', ...own];
    return { path, command: python, argumentsFor, verbatim: false };
  }
  return {
    path,
    command: windowsProgram('cmd.exe', environment),
    argumentsFor: (own) => ['/d', '/s', '/c', `"${[path, ...own].map(inert).join(' ')}"`],
    verbatim: true,
  };
}

/** A word in which the command interpreter sees nothing but a word, quoted. */
function inert(word: string): string {
  if (/^[A-Za-z0-9 _.:@\\~-]+$/u.test(word)) return `"${word}"`;
  throw new HandoverFailure({ kind: 'tool-unsafe', tool: 'azure-cli', path: word });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
