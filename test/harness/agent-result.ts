import type { Stream } from './host-process.ts';
import type { AnnotationLevel, Transcript } from './transcript.ts';

/** In the order of the agent's enumeration: a later one is worse. Source: azure-pipelines-agent `TaskResult`. */
const names = ['Succeeded', 'SucceededWithIssues', 'Failed', 'Canceled', 'Skipped', 'Abandoned'] as const;

/** A number is a result that the agent has no name for, and accepts. */
export type TaskResult = (typeof names)[number] | `${number}`;

/** Names are case-sensitive; any number is accepted. Source: `TaskCommandExtension.cs`, .NET's `Enum.TryParse`. */
export function parseTaskResult(text: string | undefined): TaskResult | undefined {
  const trimmed = text?.trim() ?? '';
  if (/^[+-]?\d+$/.test(trimmed)) return names[Number(trimmed)] ?? `${Number(trimmed)}`;
  return names.find((name) => name === trimmed);
}

/** Nothing replaces what is worse than failed. Source: `Util/TaskResultUtil.cs`, `MergeTaskResults`. */
export function worse(current: TaskResult | undefined, coming: TaskResult): TaskResult {
  if (current === undefined) return coming;
  if (rank(current) > rank('Failed')) return current;
  return rank(coming) >= rank(current) ? coming : current;
}

function rank(result: TaskResult): number {
  const index = (names as readonly TaskResult[]).indexOf(result);
  return index < 0 ? Number(result) : index;
}

export type AgentEvent =
  | { readonly kind: 'log'; readonly stream: Stream; readonly text: string }
  | { readonly kind: 'mask'; readonly value: string; readonly by: 'setsecret' | 'setvariable' }
  | { readonly kind: 'annotation'; readonly level: 'error' | 'warning'; readonly message: string }
  | { readonly kind: 'debug'; readonly message: string }
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly value: string;
      readonly secret: boolean;
      /** Sent to the server with the run's timeline. */
      readonly output: boolean;
    }
  | {
      readonly kind: 'task-variable';
      readonly name: string;
      readonly value: string;
      readonly secret: boolean;
    }
  | { readonly kind: 'path'; readonly value: string }
  | { readonly kind: 'complete'; readonly result: TaskResult; readonly message: string }
  /** A command that restrictions or the agent's own rules stopped. */
  | { readonly kind: 'refused'; readonly what: string; readonly reason: string }
  /** A command that this agent reads and does not play: uploads, build tags, progress. */
  | { readonly kind: 'command'; readonly name: string; readonly data: string }
  /** What a cancel sends, in this order. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'end'; readonly result: TaskResult };

export interface AgentResult extends Transcript {
  readonly result: TaskResult;
  readonly handler: string;
  /** The Node that the agent selects. The job's option `node` can replace it. */
  readonly nodeMajor: number;
  readonly events: readonly AgentEvent[];
  /** What this step set, as later steps of the job know it. */
  readonly variables: Readonly<Record<string, { readonly value: string; readonly secret: boolean }>>;
  /** What went to the server with the timeline, secret or not. */
  readonly sentToServer: Readonly<Record<string, string>>;
  readonly taskVariables: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  /** What the page shows while the job runs: each entry cut at 1,024 characters. `displayed` is the complete log. */
  readonly console: string;
  /** How many issues there were. The agent keeps ten of each type in `annotations`. */
  readonly issueCounts: Readonly<Record<AnnotationLevel, number>>;
}

/** Why a step ended that did not end by itself. */
export type Interruption = 'canceled' | 'timed-out';
