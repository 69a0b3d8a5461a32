import type { Launch, Run } from './launcher.ts';

/** The programs that are measured. A number is the major version of Node. */
export type ContenderName =
  | 'action'
  | 'fetch'
  | 'https'
  | 'identity'
  | 'identity-public'
  | 'command-24'
  | 'command-20'
  | 'task-24'
  | 'task-20'
  | 'task-fetch-24'
  | 'task-fetch-20'
  | 'task-https-24'
  | 'task-https-20'
  | 'post'
  | 'empty'
  | 'task-post-24'
  | 'task-post-20'
  | 'task-empty-24'
  | 'task-empty-20'
  | 'azure-cli';

/** The names in tables. */
export const titles: Readonly<Record<ContenderName, string>> = {
  action: 'this action',
  fetch: 'bare script, fetch',
  https: 'bare script, node:https',
  identity: '@azure/identity, same address',
  'identity-public': '@azure/identity, public name through proxy',
  'command-24': 'this command, token, Node 24',
  'command-20': 'this command, token, Node 20',
  'task-24': 'this task, Node 24',
  'task-20': 'this task, Node 20',
  'task-fetch-24': 'bare script for the task, fetch, Node 24',
  'task-fetch-20': 'bare script for the task, fetch, Node 20',
  'task-https-24': 'bare script for the task, node:https, Node 24',
  'task-https-20': 'bare script for the task, node:https, Node 20',
  post: 'post step, nothing to do',
  empty: 'empty script',
  'task-post-24': 'post-job, nothing to do, Node 24',
  'task-post-20': 'post-job, nothing to do, Node 20',
  'task-empty-24': 'empty script, Node 24',
  'task-empty-20': 'empty script, Node 20',
  'azure-cli': 'Azure CLI recipe',
};

/** A program that can be measured, and the number of scopes it asks for. */
export interface Contender {
  readonly name: ContenderName;
  /** `0` if it asks for nothing. */
  readonly scopes: number;
  readonly launch: Launch;
  /** Undoes what the last run left, before each run. Not measured. */
  readonly before?: () => void;
  /** Whether it did its work. A program that fails fast must not count as fast. */
  readonly succeeded: (run: Run) => boolean;
}

/** The contender for this number of scopes. `undefined` if this machine lacks what it needs. */
export type FindContender = (name: ContenderName, scopes: number) => Contender | undefined;
