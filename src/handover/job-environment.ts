/** The job's own environment, as the step found it. Nothing in it is trusted. */
export interface JobEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Windows' names have no letter case. */
  readonly windows: boolean;
}

/** The variable's value; empty when it is not set, which tools make no difference of. */
export function variableOf({ variables, windows }: JobEnvironment, name: string): string {
  const exact = variables[name];
  if (exact !== undefined || !windows) return exact ?? '';
  const wanted = name.toUpperCase();
  return Object.entries(variables).find(([candidate]) => candidate.toUpperCase() === wanted)?.[1] ?? '';
}
