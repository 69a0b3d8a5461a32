import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The parts of `action.yml` that the harness and the tests read. Syntax: https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax */
export interface ActionManifest {
  readonly name: string;
  readonly description: string;
  readonly author?: string;
  readonly branding?: { readonly icon: string; readonly color: string };
  readonly inputs?: Readonly<Record<string, ActionInput>>;
  readonly outputs?: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: {
    readonly using: string;
    readonly main: string;
    readonly post?: string;
    readonly 'post-if'?: string;
  };
}

export interface ActionInput {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
  readonly deprecationMessage?: string;
}

export function readActionManifest(directory: string): ActionManifest {
  return parse(readFileSync(join(directory, 'action.yml'), 'utf8')) as ActionManifest;
}
