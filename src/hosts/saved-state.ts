/**
 * What a step saved for its clean-up, as each host returns it; empty if nothing. Separate from the hosts and without
 * their libraries, so that the clean-up of a step that wrote nothing loads no more than this.
 */

/** The state with the records of `handover/removal.ts`. Both hosts turn the name into an environment variable. */
export const cleanupState = 'cleanup';

/** As `getState` of @actions/core. */
export function githubState(name: string): string {
  return process.env[`STATE_${name}`] ?? '';
}

/** As `getTaskVariable` of azure-pipelines-task-lib. */
export function azurePipelinesState(name: string): string {
  return process.env[`VSTS_TASKVARIABLE_${name.toUpperCase()}`]?.trim() ?? '';
}
