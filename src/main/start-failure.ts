import { sanitizeForLog } from '../hosts/sanitize.ts';

/**
 * Why the task could not even start, as the data of a command of the agent. The task library writes a key into the
 * agent's temporary folder as soon as it is loaded (azure-pipelines-task-lib, `vault.js`), so a full or read-only disk
 * stops the task before there is a host that could say so.
 */
export function startFailure(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error);
  const line = sanitizeForLog(detail).replace(/\s+/gu, ' ').slice(0, 300);
  return `The task could not start: ${line}. Nothing was requested or handed over. Fix: Make sure that the disk of the agent’s temporary folder has free space and that the user of the agent can write there.`.replaceAll(
    '%',
    '%AZP25',
  );
}
