import { AgentJob, type AgentJobOptions, type AgentResult } from './agent.ts';
import { hostPatience, type Patience } from './host-process.ts';
import { type JobOptions, RunnerJob, type RunnerResult } from './runner.ts';
import type { TaskManifest } from './task-manifest.ts';
import { throwAwayAction, throwAwayTask } from './throw-away.ts';

/** Jobs with a throw-away action or task, for the harness's own tests. */

const open: (() => void)[] = [];

/** For `afterEach`. */
export function closeJobs(): void {
  for (const close of open.splice(0)) close();
}

export function actionJob(
  main: string,
  more: Parameters<typeof throwAwayAction>[1] & Partial<JobOptions> = {},
): RunnerJob {
  const { post, inputs, ...options } = more;
  const action = throwAwayAction(main, {
    ...(post === undefined ? {} : { post }),
    ...(inputs === undefined ? {} : { inputs }),
  });
  const job = new RunnerJob({ actionDirectory: action.directory, node: process.execPath, ...options });
  open.push(() => {
    job.close();
    action[Symbol.dispose]();
  });
  return job;
}

export type TaskJobOptions = Partial<AgentJobOptions> & {
  post?: string;
  manifest?: Partial<TaskManifest>;
  /** `false`: the Node that the agent selects, instead of the one that runs the tests. */
  ownNode?: boolean;
};

export function taskJob(main: string, more: TaskJobOptions = {}): AgentJob {
  const { post, manifest, ownNode = true, ...options } = more;
  const task = throwAwayTask(main, {
    ...(post === undefined ? {} : { post }),
    ...(manifest === undefined ? {} : { manifest }),
  });
  const node = ownNode ? { node: process.execPath } : {};
  const job = new AgentJob({ taskDirectory: task.directory, ...node, ...options });
  open.push(() => {
    job.close();
    task[Symbol.dispose]();
  });
  return job;
}

/** Code that prints these lines. */
export function printing(...lines: string[]): string {
  return lines.map((line) => `process.stdout.write(${JSON.stringify(`${line}\n`)});`).join('\n');
}

/** Code that appends to a command file of the runner. */
export function appending(file: string, text: string): string {
  return `(await import('node:fs')).appendFileSync(process.env.GITHUB_${file}, ${JSON.stringify(text)});`;
}

/** Code that prints the environment, which `environmentOf` reads. */
export const showEnvironment = 'console.log(JSON.stringify(process.env));';

export function environmentOf(result: RunnerResult | AgentResult): Record<string, string> {
  return JSON.parse(result.raw.stdout);
}

/** Code that keeps the process alive and says so in its log. It ignores the given signals. */
export function waiting(...ignored: NodeJS.Signals[]): string {
  return `for (const signal of ${JSON.stringify(ignored)}) process.on(signal, () => {}); setInterval(() => {}, 1000); console.log('ready');`;
}

/** Short waits for the signals that a step ignores, and the hosts' own for the one that ends it. */
export function patienceFor(ignored: readonly NodeJS.Signals[]): Patience {
  return {
    interruptMilliseconds: ignored.includes('SIGINT') ? 100 : hostPatience.interruptMilliseconds,
    terminateMilliseconds: ignored.includes('SIGTERM') ? 100 : hostPatience.terminateMilliseconds,
  };
}

/** Code that says that it is ready, and ends when the test writes the file `go` into the workspace. SIGINT fails it. */
export const untilToldToGo = `
  process.on('SIGINT', () => process.exit(9));
  console.log('ready');
  const { existsSync } = await import('node:fs');
  while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));`;

export const ready = (event: { readonly kind: string; readonly text?: string }): boolean =>
  event.kind === 'log' && event.text === 'ready';

/**
 * Code that starts a process that goes on after the step, prints its ID, and ends the step. `stdio` is that of the
 * child: `ignore`, or `inherit`, which holds the step's output open.
 */
export function leavingChild(stdio: 'ignore' | 'inherit', environment = 'process.env'): string {
  return `
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { detached: true, stdio: '${stdio}', env: ${environment} });
    child.unref();
    console.log('child', child.pid);`;
}

export function childOf(result: RunnerResult | AgentResult): number {
  return Number(/^child (\d+)$/m.exec(result.raw.stdout)?.[1]);
}
