import { readdirSync, readFileSync } from 'node:fs';

/** A process that a job left behind and that the host ended. */
export interface Orphan {
  readonly pid: number;
  readonly name: string;
}

/**
 * Ends every process that has the job's tracking ID in its environment, as both hosts do when the job ends. Neither
 * host follows parents and children: a process without the variable survives.
 *
 * The hosts skip processes that ran before the job; a tracking ID is unique, so none of them has it.
 *
 * Source: actions/runner `Runner.Worker/JobExtension.cs` (`FinalizeJob`), azure-pipelines-agent
 * `Agent.Worker/JobExtension.cs` (`FinalizeJob`).
 */
export function terminateOrphans(variable: string, trackingId: string): Orphan[] {
  const orphans: Orphan[] = [];
  for (const entry of processIds()) {
    const pid = Number(entry);
    if (
      pid === process.pid ||
      read(`/proc/${entry}/environ`)?.split('\0').includes(`${variable}=${trackingId}`) !== true
    )
      continue;
    const name = read(`/proc/${entry}/comm`)?.trim() ?? '';
    try {
      process.kill(pid, 'SIGKILL');
      orphans.push({ pid, name });
    } catch {
      // The process ended by itself.
    }
  }
  return orphans;
}

/** The line that both hosts write for each of them. */
export function orphanLine({ pid, name }: Orphan): string {
  return `Terminate orphan process: pid (${pid}) (${name})`;
}

/** Linux's process table. On other systems no process is found. */
function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
