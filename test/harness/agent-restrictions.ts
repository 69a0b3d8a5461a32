import type { TaskManifest } from './task-manifest.ts';

/**
 * What a task's manifest and a pipeline forbid a task's output. A forbidden command only causes a warning.
 * Source: azure-pipelines-agent `TaskRestrictionsExtension.cs`, `TaskRestrictionsChecker.cs`, and the commands marked
 * `AllowedInRestrictedMode` in `TaskCommandExtension.cs` and `TelemetryCommandExtension.cs`.
 */
const allowedInRestrictedMode = new Set([
  'task.logdetail',
  'task.logissue',
  'task.issue',
  'task.complete',
  'task.setprogress',
  'task.setsecret',
  'task.setvariable',
  'task.debug',
  'task.settaskvariable',
  'task.prependpath',
  'telemetry.publish',
]);

/** `target:` of a pipeline's step, which restricts the task further. */
export interface StepTarget {
  readonly commands?: 'any' | 'restricted';
  /** Names or patterns; `none` allows no name. */
  readonly settableVariables?: 'none' | readonly string[];
}

type Restricted = Pick<TaskManifest, 'restrictions'>;

/** Both apply: a command or a name must pass each of them. Source: `JobExtension.cs`, `taskRestrictionsMap`. */
export function restrictionsOf(
  manifest: TaskManifest,
  target: StepTarget | undefined,
): readonly Restricted[] {
  const settable = target?.settableVariables;
  return [
    manifest,
    ...(target?.commands === 'restricted' ? [{ restrictions: { commands: { mode: 'restricted' } } }] : []),
    ...(settable === undefined
      ? []
      : [{ restrictions: { settableVariables: { allowed: settable === 'none' ? [] : settable } } }]),
  ];
}

export function commandAllowed({ restrictions }: Restricted, area: string, event: string): boolean {
  if (restrictions?.commands?.mode !== 'restricted') return true;
  return allowedInRestrictedMode.has(`${area}.${event}`);
}

/** Without a list, every name is allowed. With one, a name that any of its patterns matches. */
export function variableSettable({ restrictions }: Restricted, name: string): boolean {
  const allowed = restrictions?.settableVariables?.allowed;
  return allowed === undefined || allowed.some((pattern) => globMatches(pattern, name));
}

/**
 * The part of minimatch that patterns for variable names need: a leading `!` negates the whole pattern, one pair of
 * braces lists alternatives, `*` and `?` and `[…]` as usual, without letter case.
 * Source: SLaks/Minimatch `Minimatcher.cs` (`ParseNegate`, then `BraceExpand`), which the agent uses.
 */
function globMatches(pattern: string, name: string): boolean {
  const bangs = /^!*/.exec(pattern)?.[0].length ?? 0;
  const matches = expandBraces(pattern.slice(bangs)).some((glob) =>
    new RegExp(`^${globSource(glob)}$`, 'i').test(name),
  );
  return bangs % 2 === 1 ? !matches : matches;
}

function expandBraces(pattern: string): string[] {
  const [, before, list, after] = /^([^{]*)\{([^{}]*,[^{}]*)\}(.*)$/.exec(pattern) ?? [];
  if (before === undefined || list === undefined || after === undefined) return [pattern];
  return list.split(',').flatMap((one) => expandBraces(`${before}${one}${after}`));
}

function globSource(glob: string): string {
  return glob.replace(/\[[^\]]+\]|[\s\S]/g, (part) => {
    if (part.length > 1) return part;
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[\\^$.|+(){}[\]]/, '\\$&');
  });
}
