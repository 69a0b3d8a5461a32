import { join } from 'node:path';
import type { Cloud } from '../azure/clouds.ts';
import { type ConflictRow, conflictRows, type Tool } from '../azure/tools.ts';
import { type ConflictingVariable, HandoverError } from './errors.ts';

/** The job's own environment, as the step found it. Nothing in it is trusted. */
export interface JobEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Names of variables ignore letter case on Windows. */
  readonly windows: boolean;
}

/** The variable's value; empty if it is not set, which tools treat alike. */
export function variableOf({ variables, windows }: JobEnvironment, name: string): string {
  const exact = variables[name];
  if (exact !== undefined || !windows) return exact ?? '';
  const wanted = name.toUpperCase();
  return Object.entries(variables).find(([candidate]) => candidate.toUpperCase() === wanted)?.[1] ?? '';
}

/** A program of Windows itself by its full path, so that the job's PATH does not decide what runs. */
export function windowsProgram(name: string, environment: JobEnvironment): string {
  return join(variableOf(environment, 'SystemRoot') || 'C:\\Windows', 'System32', name);
}

/**
 * Finds variables of the job with which a tool would act as an identity other than the app.
 *
 * @throws HandoverError naming each
 */
export function refuseConflictingVariables(
  tools: readonly Tool[],
  cloud: Cloud,
  environment: JobEnvironment,
): void {
  const set = Object.entries(environment.variables).filter(([, value]) => value !== '');
  const variables = tools.flatMap((tool) =>
    conflictRows(tool).flatMap((row) =>
      set
        .filter(([name, value]) => matches(row, name, environment.windows) && !row.harmless?.(value, cloud))
        .map(([name]): ConflictingVariable => ({ name, tool, conflict: row.conflict })),
    ),
  );
  if (variables.length > 0) throw new HandoverError({ kind: 'conflicting-variables', variables });
}

function matches(row: ConflictRow, name: string, windows: boolean): boolean {
  const given = windows ? name.toUpperCase() : name;
  return row.name.endsWith('*') ? given.startsWith(row.name.slice(0, -1)) : given === row.name;
}
