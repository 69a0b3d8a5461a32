import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { nodeOrOwn } from '../harness/nodes.ts';

/**
 * act (nektos/act), an implementation of GitHub's runner that is not ours. It runs each job's steps as processes of
 * this machine, and takes the action from this checkout.
 */

export interface Workflow {
  /** The file's text, in which `<owner>` stands for the action's owner. */
  readonly text: string;
  /** A folder with the repository's other files. */
  readonly files?: string;
  /** Configuration variables (`vars`). */
  readonly variables?: Readonly<Record<string, string>>;
  /** What the machine has in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders that come first in `PATH`. */
  readonly path?: readonly string[];
  /** What triggers it, a person by default. */
  readonly event?: { readonly name: string; readonly payload: unknown };
}

export interface Run {
  /** By the jobs' names: `success`, `failure`. */
  readonly jobs: Readonly<Record<string, string>>;
  readonly steps: readonly StepRun[];
  /** The whole log as a person sees it. */
  readonly log: string;
  /** What act itself wrote to stderr, and how it ended. */
  readonly complaints: string;
  readonly exitCode: number | null;
}

/** A step's main or post part in a job. */
export interface StepRun {
  readonly job: string;
  readonly name: string;
  readonly stage: 'Main' | 'Post';
  readonly result: string | undefined;
  /** What it printed, masked. */
  readonly printed: string;
}

/** A line of `act --json`. All of it but `msg` may hold secrets. */
interface Entry {
  readonly msg: string;
  readonly job?: string;
  readonly jobResult?: string;
  readonly stage?: string;
  readonly step?: string;
  readonly stepID?: readonly string[];
  readonly stepResult?: string;
  readonly raw_output?: boolean;
}

const act = resolve('build/runner/act/act');
const owner = 'contoso';
/** Every label that `runs-on` begins with in this repository's workflows. */
const labels = ['self-hosted', 'azure-runners'];

export async function runWorkflow(workflow: Workflow): Promise<Run> {
  refuseNetwork();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'act-')));
  try {
    const repository = layRepository(folder, workflow);
    const action = layAction(folder);
    const event = join(folder, 'event.json');
    writeFileSync(event, JSON.stringify(workflow.event?.payload ?? {}));
    mkdirSync(join(folder, 'home'));
    const path = [...(workflow.path ?? []), dirname(nodeOrOwn(24).path), process.env['PATH'] ?? ''].join(
      delimiter,
    );
    const child = spawn(
      act,
      [
        workflow.event?.name ?? 'workflow_dispatch',
        '--json',
        ...['--eventpath', event],
        // Both would listen on, or look for, an address of the network.
        ...['--no-cache-server', '--artifact-server-addr', '127.0.0.1'],
        ...labels.flatMap((label) => ['--platform', `${label}=-self-hosted`]),
        ...['--local-repository', `${owner}/entra-app-token@v0=${action}`],
        ...['--action-cache-path', join(folder, 'cache')],
        ...pairs('--var', workflow.variables ?? {}),
        ...pairs('--env', workflow.environment),
      ],
      {
        cwd: repository,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: path, HOME: join(folder, 'home') },
      },
    );
    const [stdout, complaints, exitCode] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((end, fail) => child.once('error', fail).once('close', end)),
    ]);
    return { ...readLog(stdout), complaints, exitCode };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A job may run anything, and act looks outside for what it lacks: neither may find a network. */
function refuseNetwork(): void {
  const outside = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (outside.length > 0) {
    throw new Error(`This machine has a network (${outside.join(', ')}). Run: npm run test:runner`);
  }
}

/** A repository with the workflow in it. act takes the commit and the branch from git. */
function layRepository(folder: string, { text: workflow, files }: Workflow): string {
  const repository = join(folder, 'repository');
  if (files !== undefined) cpSync(files, repository, { recursive: true });
  mkdirSync(join(repository, '.github', 'workflows'), { recursive: true });
  writeFileSync(
    join(repository, '.github', 'workflows', 'workflow.yml'),
    workflow.replaceAll('<owner>', owner),
  );
  const identity = ['-c', 'user.name=octocat', '-c', 'user.email=octocat@example.com'];
  for (const words of [
    ['init', '--quiet', '--initial-branch', 'main'],
    ['remote', 'add', 'origin', `https://github.com/${owner}/repository`],
    ['add', '.'],
    [...identity, '-c', 'commit.gpgsign=false', 'commit', '--quiet', '--message', 'Everything'],
  ]) {
    execFileSync('git', words, { cwd: repository });
  }
  return repository;
}

/** What a runner gets of this repository when a workflow uses the action, and nothing besides. */
function layAction(folder: string): string {
  const action = join(folder, 'action');
  mkdirSync(action);
  for (const name of ['action.yml', 'dist']) cpSync(name, join(action, name), { recursive: true });
  return action;
}

const pairs = (option: string, values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);

function readLog(stdout: string): Pick<Run, 'jobs' | 'steps' | 'log'> {
  const entries = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
  const steps = new Map<string, StepRun>();
  for (const { job, step, stepID, stage, ...entry } of entries) {
    if (job === undefined || step === undefined || (stage !== 'Main' && stage !== 'Post')) continue;
    const key = JSON.stringify([job, stage, stepID]);
    const before = steps.get(key) ?? { job, name: step, stage, result: undefined, printed: '' };
    steps.set(key, {
      ...before,
      result: entry.stepResult ?? before.result,
      printed: before.printed + (entry.raw_output === true ? entry.msg : ''),
    });
  }
  const ended = entries.flatMap(({ job = '', jobResult }) => (jobResult ? [[job, jobResult] as const] : []));
  return {
    jobs: Object.fromEntries(ended),
    steps: [...steps.values()],
    log: entries.map(({ msg }) => msg).join('\n'),
  };
}
