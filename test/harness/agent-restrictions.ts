import type { TaskManifest } from './task-manifest.ts';

/**
 * What a task's manifest forbids its own output. A breach is a warning, and the command does nothing.
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

export function commandAllowed(manifest: TaskManifest, area: string, event: string): boolean {
  if (manifest.restrictions?.commands?.mode !== 'restricted') return true;
  return allowedInRestrictedMode.has(`${area}.${event}`);
}

/** Without a list every name is allowed; with one, a name that any of its patterns matches. */
export function variableSettable(manifest: TaskManifest, name: string): boolean {
  const allowed = manifest.restrictions?.settableVariables?.allowed;
  return allowed === undefined || allowed.some((pattern) => globMatches(pattern, name));
}

/**
 * The part of minimatch that patterns for variable names need: a leading `!` negates the whole pattern, one pair of
 * braces lists alternatives, `*` and `?` and `[…]` as usual, letter case ignored.
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
