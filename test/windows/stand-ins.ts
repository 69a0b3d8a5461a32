import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { standInProgram, windowsPath } from './wine.ts';

/** How a program was called. */
export interface Call {
  /** The stand-in's file name, without `.exe`. */
  readonly program: string;
  readonly words: readonly string[];
  /** For each word that named a file or a folder: the text in it, or the names. */
  readonly contents: readonly (string | readonly string[] | null)[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

export const userSid = 'S-1-5-21-1004336348-1177238915-682003330-1001';

/**
 * The programs that Wine lacks. Its `whoami` does not know `/user /fo csv`, its `icacls` does nothing, and no Azure CLI
 * runs on it. In their place runs `stand-in.exe` (stand-in.cjs).
 */
export class StandIns {
  readonly #folder: string;
  #answers: Readonly<Record<string, Answer>> = {};

  /** @param folder of the test's own, on the Windows drive */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'calls.jsonl'), '');
    this.answer('whoami', { stdout: `"runner\\\\build agent","${userSid}"\r\n` });
  }

  /** For the environment of the process that calls them. */
  get environment(): Readonly<Record<string, string>> {
    return { STAND_INS: windowsPath(this.#folder) };
  }

  answer(program: string, answer: Answer): void {
    this.#answers = { ...this.#answers, [program]: answer };
    writeFileSync(join(this.#folder, 'answers.json'), JSON.stringify(this.#answers));
  }

  /** Every call so far, in order. */
  calls(program: string): readonly Call[] {
    return readFileSync(join(this.#folder, 'calls.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Call)
      .filter((call) => call.program === program);
  }
}

/**
 * Puts an `az.cmd` into a folder of drive `C:`.
 *
 * @param program the stand-in that it calls, named from the folder
 */
export function installAzureCli(folder: string, program: string, options = ''): void {
  const target = join(folder, ...program.split('\\'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'az.cmd'), `@echo off\r\n"%~dp0${program}" ${options} %*\r\n`);
  rmSync(target, { force: true });
  symlinkSync(standInProgram, target);
}
