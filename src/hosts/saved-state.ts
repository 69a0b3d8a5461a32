/**
 * What a step kept for its clean-up, as each host gives it back; empty when nothing. Apart from the hosts, and without
 * their libraries: the clean-up of a step that wrote nothing loads no more than this.
 */

/** As `getState` of @actions/core. */
export function githubState(name: string): string {
  return process.env[`STATE_${name}`] ?? '';
}

/** As `getTaskVariable` of azure-pipelines-task-lib. */
export function azurePipelinesState(name: string): string {
  return process.env[`VSTS_TASKVARIABLE_${name.toUpperCase()}`]?.trim() ?? '';
}
