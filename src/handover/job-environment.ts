import { join } from 'node:path';
import type { Cloud } from '../azure/clouds.ts';
import { type ConflictRow, conflictRows, exportTargets, type Tool } from '../azure/tools.ts';
import { isOwnEndpoint } from '../endpoint/own-endpoint.ts';
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
  const ownEndpoint = isOwnEndpoint(environment.variables);
  const variables = tools.flatMap((tool): readonly ConflictingVariable[] => [
    ...conflictsIn(conflictRows(tool), cloud, environment)
      .filter(({ replacedBy }) => replacedBy === undefined)
      .map(({ name, conflict }) => ({ name, conflict, tool })),
    ...(ownEndpoint && writesAssertion(tool)
      ? [{ name: 'IDENTITY_ENDPOINT', conflict: afterEndpoint, tool }]
      : []),
  ]);
  if (variables.length > 0) throw new HandoverError({ kind: 'conflicting-variables', variables });
}

/** The variables that the tool's own ones replace, because a step of ours or the machine itself set them. */
export function replacedVariables(
  tool: Tool,
  cloud: Cloud,
  environment: JobEnvironment,
): readonly { readonly name: string; readonly conflict: string; readonly replacedBy: string }[] {
  return conflictsIn(conflictRows(tool), cloud, environment).flatMap(({ replacedBy, ...found }) =>
    replacedBy === undefined ? [] : [{ ...found, replacedBy }],
  );
}

const afterEndpoint =
  'is the identity endpoint of an earlier step of this job with `export: managed-identity`, which exists so that no token lies on the disk (use one of the two in a job)';

/** Tools that get the assertion in a file. */
function writesAssertion(tool: Tool): boolean {
  return tool !== 'managed-identity' && exportTargets.some((target) => target === tool);
}

/** The variables of the environment to which a row applies, each with what that row says about it. */
export function conflictsIn(
  rows: readonly ConflictRow[],
  cloud: Cloud,
  environment: JobEnvironment,
): readonly { readonly name: string; readonly conflict: string; readonly replacedBy?: string }[] {
  const set = Object.entries(environment.variables).filter(([, value]) => value !== '');
  return rows.flatMap((row) =>
    set
      .filter(([name, value]) => matches(row, name, environment.windows) && !row.harmless?.(value, cloud))
      .map(([name, value]) => ({
        name,
        conflict: row.conflict,
        ...(row.replaced?.if(value) && { replacedBy: row.replaced.by }),
      })),
  );
}

function matches(row: ConflictRow, name: string, windows: boolean): boolean {
  const given = windows ? name.toUpperCase() : name;
  return row.name.endsWith('*') ? given.startsWith(row.name.slice(0, -1)) : given === row.name;
}
