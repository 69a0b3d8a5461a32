import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { HostUnderTest, Inputs } from '../scenarios/hosts-under-test.ts';

/** A job of a workflow or pipeline in `examples/`, its expressions evaluated as far as the examples use them. */
export interface ExampleJob {
  readonly steps: readonly ExampleStep[];
  /** The example's folder, for what a checkout would bring. */
  readonly folder: string;
}

export type ExampleStep =
  | { readonly kind: 'entra-app-token'; readonly inputs: Inputs }
  | {
      readonly kind: 'command';
      readonly command: string;
      readonly environment: Readonly<Record<string, string>>;
    };

/** The examples' folders, by name. */
export const exampleNames: readonly string[] = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

type Values = Readonly<Record<string, string>>;
type Tree = Readonly<Record<string, unknown>>;

/**
 * The jobs of an example as a host would run them.
 *
 * @param variables what a reader sets: `vars` on GitHub, a variable group on Azure Pipelines
 * @param own what a reader writes in place of the example's own values, in the text itself
 */
export function exampleJobs(
  name: string,
  { kind }: HostUnderTest,
  variables: Values,
  own: Values,
): readonly ExampleJob[] {
  const folder = resolve('examples', name);
  let text = readFileSync(join(folder, kind === 'github' ? 'github.yml' : 'azure-pipelines.yml'), 'utf8');
  for (const [value, replacement] of Object.entries(own)) text = text.replaceAll(value, replacement);
  const jobs = kind === 'github' ? githubJobs(parse(text), variables) : pipelineJobs(parse(text), variables);
  return jobs.map(({ steps }) => ({ folder, steps: steps.flatMap(kind === 'github' ? githubStep : task) }));
}

interface Job {
  readonly steps: readonly Tree[];
}

/** A job for each row of its matrix. */
function githubJobs(workflow: { readonly jobs: Readonly<Record<string, Tree>> }, variables: Values): Job[] {
  return Object.values(workflow.jobs).flatMap((job) => {
    const { strategy } = job as { strategy?: { matrix: { include: readonly Values[] } } };
    return (strategy?.matrix.include ?? [{}]).map((row) =>
      evaluated<Job>(job, /\$\{\{ (vars|matrix)\.([\w-]+) \}\}/gu, { vars: variables, matrix: row }),
    );
  });
}

interface Pipeline extends Partial<Job> {
  readonly parameters?: readonly { readonly name: string; readonly default: readonly Values[] }[];
  readonly jobs?: readonly Readonly<Record<string, readonly Tree[]>>[];
}

/** The pipeline's only job, or one for each object of the parameter that `each` goes through. */
function pipelineJobs({ steps, parameters = [], jobs = [] }: Pipeline, variables: Values): Job[] {
  const inEach = jobs.flatMap((entry) =>
    Object.entries(entry).flatMap(([expression, templates]) => {
      const [, row = '', list] = /^\$\{\{ each (\w+) in parameters\.(\w+) \}\}$/u.exec(expression) ?? [];
      const values = parameters.find((parameter) => parameter.name === list)?.default ?? [];
      return values.flatMap((value) =>
        templates.map((job) => evaluated<Job>(job, /\$\{\{ (\w+)\.([\w-]+) \}\}/gu, { [row]: value })),
      );
    }),
  );
  // A macro that is no variable of the reader's is one of the job's, for the agent.
  return [...(steps === undefined ? [] : [{ steps }]), ...inEach].map((job) =>
    evaluated<Job>(job, /\$\(()(\w+)\)/gu, { '': variables }),
  );
}

/** Puts values where the pattern finds `(object).(property)`; what is unknown stays as it is. */
function evaluated<T>(tree: unknown, pattern: RegExp, objects: Readonly<Record<string, Values>>): T {
  const text = JSON.stringify(tree).replaceAll(
    pattern,
    (whole: string, object: string, property: string) => objects[object]?.[property] ?? whole,
  );
  return JSON.parse(text) as T;
}

const textValues = (tree: unknown): Values =>
  Object.fromEntries(Object.entries((tree ?? {}) as Tree).map(([name, value]) => [name, String(value)]));

function githubStep({ uses, with: inputs, run, env }: Tree): ExampleStep[] {
  if (typeof run === 'string') return [{ kind: 'command', command: run, environment: textValues(env) }];
  if (String(uses).startsWith('actions/checkout@')) return [];
  return [{ kind: 'entra-app-token', inputs: textValues(inputs) }];
}

function task({ checkout, task: name, inputs, bash, script, pwsh, env }: Tree): ExampleStep[] {
  const command = bash ?? script ?? pwsh;
  if (typeof command === 'string') return [{ kind: 'command', command, environment: textValues(env) }];
  if (checkout !== undefined) return [];
  if (name !== 'EntraAppToken@0') throw new Error(`This test knows no task ${String(name)}.`);
  const kebab = Object.entries(textValues(inputs)).map(
    ([input, value]) => [input.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`), value] as const,
  );
  return [{ kind: 'entra-app-token', inputs: Object.fromEntries(kebab) }];
}
