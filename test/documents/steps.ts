import { parseAllDocuments } from 'yaml';
import { type CodeBlock, codeBlocks, documents, type TextFile } from './documents.ts';

/** A YAML text that people may copy: a file, or a block of a document. */
export interface YamlText extends TextFile {
  /** The YAML documents in the text, and the parser's errors and warnings. */
  readonly values: readonly unknown[];
  readonly complaints: readonly string[];
}

/** A use of the action or the task. */
export interface StepUse {
  readonly host: 'github' | 'azure-pipelines';
  /** The value of `uses` or `task`. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const yamlLanguages = ['yaml', 'yml'];

/** Every YAML file and every YAML block of the documents, except the action's own manifest. */
export function yamlTexts(): readonly YamlText[] {
  const files = documents('.yml').filter(({ path }) => path !== 'action.yml');
  const blocks = documents('.md').flatMap(({ path, text }) =>
    codeBlocks(text)
      .filter(({ language }: CodeBlock) => yamlLanguages.includes(language))
      .map(({ code }, index) => ({ path: `${path}, YAML block ${index + 1}`, text: code })),
  );
  return [...files, ...blocks].map((file) => {
    const parsed = parseAllDocuments(file.text);
    const list = 'empty' in parsed ? [] : parsed;
    return {
      ...file,
      values: list.map((document) => document.toJS() as unknown),
      complaints: list
        .flatMap(({ errors, warnings }) => [...errors, ...warnings])
        .map(({ message }) => message),
    };
  });
}

/** Whether a text is a complete GitHub workflow. */
export function isWorkflow({ values }: YamlText): boolean {
  const [value] = values;
  return isObject(value) && 'on' in value && 'jobs' in value;
}

/** A `run:` step of a GitHub workflow. */
export interface RunStep {
  readonly run: string;
  /** Empty if the step uses the default shell: bash on Linux, PowerShell on Windows. */
  readonly shell: string;
}

/** Every `run:` step, at any depth. */
export function runSteps(value: unknown): readonly RunStep[] {
  if (Array.isArray(value)) return value.flatMap(runSteps);
  if (!isObject(value)) return [];
  const { run, shell } = value;
  if (typeof run === 'string') return [{ run, shell: typeof shell === 'string' ? shell : '' }];
  return Object.values(value).flatMap(runSteps);
}

/** Every use of the action or the task, at any depth. */
export function stepUses(value: unknown): readonly StepUse[] {
  if (Array.isArray(value)) return value.flatMap(stepUses);
  if (!isObject(value)) return [];
  const { uses, task, with: given, inputs } = value;
  if (typeof uses === 'string' && uses.includes('entra-app-token')) {
    return [{ host: 'github', name: uses, inputs: isObject(given) ? given : {} }];
  }
  if (typeof task === 'string' && task.startsWith('EntraAppToken')) {
    return [{ host: 'azure-pipelines', name: task, inputs: isObject(inputs) ? inputs : {} }];
  }
  return Object.values(value).flatMap(stepUses);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
