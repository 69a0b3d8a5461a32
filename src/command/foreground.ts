import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants as system } from 'node:os';

/** How a command ended, or why it could not be started. */
export type CommandEnd =
  | { readonly kind: 'ended'; readonly exitCode: number }
  | { readonly kind: 'not-started'; readonly code: string; readonly words: string };

/** Signals that other programs send to this process although they mean the command. */
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these to every process in the foreground, so the command has them already. */
const fromTerminal: readonly string[] = ['SIGINT', 'SIGQUIT'];

/**
 * Runs a command in the place of this process, as far as anybody can see: it has the same terminal, stdin, stdout and
 * stderr, gets the signals that this process gets, and its exit code is 128 and the signal's number if a signal ended it.
 */
export function runInForeground(
  [program, ...words]: readonly [string, ...string[]],
  variables: Readonly<Record<string, string>>,
): Promise<CommandEnd> {
  const windows = process.platform === 'win32';
  return new Promise((resolve) => {
    // Before the command starts: a signal must not end this process and leave the command behind.
    const handlers = passedOn.map((signal) => {
      const handler = (): void => {
        // On Windows every process of the console has it already, and `kill` would end the command at once.
        if (windows || (fromTerminal.includes(signal) && isInForeground())) return;
        child.kill(signal);
      };
      process.on(signal, handler);
      return { signal, handler };
    });
    const finish = (end: CommandEnd): void => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
      resolve(end);
    };
    const notStarted = ({ code = '', message }: NodeJS.ErrnoException): void =>
      finish({ kind: 'not-started', code, words: message });
    let child: ChildProcess;
    try {
      child = spawn(program, words, { env: { ...variables }, stdio: 'inherit' });
    } catch (error) {
      // Some failures are thrown: arguments that are too long, a command file on Windows.
      notStarted(error as NodeJS.ErrnoException);
      return;
    }
    child.once('error', notStarted);
    child.once('exit', (code, signal) =>
      finish({ kind: 'ended', exitCode: signal === null ? (code ?? 1) : 128 + system.signals[signal] }),
    );
  });
}

/** Whether what is typed at a terminal (Ctrl-C) reaches this process and its command. */
function isInForeground(): boolean {
  try {
    // proc(5): pid (name) state ppid pgrp session tty_nr tpgid …. The name can hold anything, also a parenthesis.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[2] === fields[5];
  } catch {
    // macOS has no such file.
    return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  }
}
