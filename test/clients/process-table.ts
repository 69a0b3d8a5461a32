import { readdirSync, readFileSync } from 'node:fs';

/** A process as any user of the machine sees it (`ps`), with the environment that its own user sees too. */
export interface SeenProcess {
  readonly pid: number;
  readonly words: readonly string[];
  readonly environment: string;
}

/** Every process of this moment. Linux's own table: other systems have none to read. */
export function processTable(): readonly SeenProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map((pid) => ({
      pid: Number(pid),
      words: textOf(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
      environment: textOf(`/proc/${pid}/environ`),
    }));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended, or belongs to another user.
    return '';
  }
}
