import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of `task.json` that the harness and the tests read. Schema: azure-pipelines-task-lib `tasks.schema.json`. */
export interface TaskManifest {
  readonly id: string;
  readonly name: string;
  readonly friendlyName: string;
  readonly description: string;
  readonly helpMarkDown?: string;
  readonly category: string;
  readonly visibility?: readonly string[];
  readonly runsOn?: readonly string[];
  readonly author: string;
  readonly preview?: boolean;
  readonly version: { readonly Major: number; readonly Minor: number; readonly Patch: number };
  readonly minimumAgentVersion?: string;
  readonly instanceNameFormat: string;
  readonly groups?: readonly {
    readonly name: string;
    readonly displayName: string;
    readonly isExpanded?: boolean;
  }[];
  readonly inputs?: readonly TaskInput[];
  readonly outputVariables?: readonly { readonly name: string }[];
  readonly restrictions?: {
    readonly commands?: { readonly mode: string };
    readonly settableVariables?: { readonly allowed: readonly string[] };
  };
  readonly execution?: TaskHandlers;
  readonly postjobexecution?: TaskHandlers;
}

export interface TaskInput {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly defaultValue?: string;
  readonly required?: boolean;
  readonly helpMarkDown?: string;
  readonly groupName?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export type TaskHandlers = Readonly<Record<string, { readonly target: string }>>;

export function readTaskManifest(directory: string): TaskManifest {
  return JSON.parse(readFileSync(join(directory, 'task.json'), 'utf8')) as TaskManifest;
}
