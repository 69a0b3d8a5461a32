import type { Cloud } from '../azure/clouds.ts';
import type { JobEnvironment } from './job-environment.ts';
import { HandoverFailure, type Rival } from './problem.ts';
import { type ExportTarget, type LoginTarget, type RivalRow, rivalVariables } from './tool-variables.ts';

/**
 * Refuses variables of the job with which a tool would act as somebody else than the app it is given.
 *
 * @throws HandoverFailure naming each
 */
export function refuseRivals(
  tools: readonly (ExportTarget | LoginTarget)[],
  cloud: Cloud,
  environment: JobEnvironment,
): void {
  const set = Object.entries(environment.variables).filter(([, value]) => value !== '');
  const rivals = tools.flatMap((tool) =>
    rivalVariables[tool].flatMap((row) =>
      set
        .filter(([name, value]) => matches(row, name, environment.windows) && !row.harmless?.(value, cloud))
        .map(([name]): Rival => ({ name, tool, effect: row.effect })),
    ),
  );
  if (rivals.length > 0) throw new HandoverFailure({ kind: 'rival-variables', rivals });
}

function matches(row: RivalRow, name: string, windows: boolean): boolean {
  const given = windows ? name.toUpperCase() : name;
  return row.name.endsWith('*') ? given.startsWith(row.name.slice(0, -1)) : given === row.name;
}
