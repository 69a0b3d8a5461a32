import type { Launch, Run } from './launcher.ts';

/** Everybody who is measured; the number is the Node version. */
export type ContenderName =
  | 'action'
  | 'fetch'
  | 'https'
  | 'identity'
  | 'identity-public'
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

/** How each is called in tables. */
export const titles: Readonly<Record<ContenderName, string>> = {
  action: 'this action',
  fetch: 'bare script, fetch',
  https: 'bare script, node:https',
  identity: '@azure/identity, the same address',
  'identity-public': '@azure/identity, public name by proxy',
  'task-24': 'this task, Node 24',
  'task-20': 'this task, Node 20',
  'task-fetch-24': 'its bare script, fetch, Node 24',
  'task-fetch-20': 'its bare script, fetch, Node 20',
  'task-https-24': 'its bare script, node:https, Node 24',
  'task-https-20': 'its bare script, node:https, Node 20',
  post: 'post step, nothing to do',
  empty: 'empty script',
  'task-post-24': 'post-job, nothing to do, Node 24',
  'task-post-20': 'post-job, nothing to do, Node 20',
  'task-empty-24': 'empty script, Node 24',
  'task-empty-20': 'empty script, Node 20',
  'azure-cli': 'Azure CLI recipe',
};

/** One program that can be measured, asking for a number of scopes. */
export interface Contender {
  readonly name: ContenderName;
  /** `0`: it asks for nothing. */
  readonly scopes: number;
  readonly launch: Launch;
  /** What has to be as it was before each run; not measured. */
  readonly before?: () => void;
  /** Whether it did what it was to do: a program that fails fast wins nothing. */
  readonly succeeded: (run: Run) => boolean;
}

/** Makes a contender for so many scopes; nothing when what it needs is not on this machine. */
export type Field = (name: ContenderName, scopes: number) => Contender | undefined;
