import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Emulator } from '../../emulator/emulator.ts';
import { AgentJob } from '../harness/agent.ts';
import { agentNodes, nodes } from '../harness/nodes.ts';
import { RunnerJob } from '../harness/runner.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import type { Transcript } from '../harness/transcript.ts';

/** Runs the built bundles and measures what a hostile world must not be able to change. */

export type HostName = 'github' | 'azure-pipelines';
export const hostNames: readonly HostName[] = ['github', 'azure-pipelines'];

/** `npm run test:hostile -- --full`. */
export const full = process.env['HOSTILE_FULL'] === '1';

export interface StepSetting {
  readonly host: HostName;
  /** By GitHub's names. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly proxyUrl?: string;
  /** The program that runs the bundle. */
  readonly node?: string;
  readonly temp?: string;
  readonly debug?: boolean;
  /** Milliseconds until a process that does not end is killed. */
  readonly patience?: number;
}

export interface StepRun {
  readonly host: HostName;
  readonly succeeded: boolean;
  readonly errors: readonly string[];
  /** By GitHub's names. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** What the clean-up would find in the job's temporary folder. */
  readonly left: readonly string[];
  readonly transcript: Transcript;
  /** From the start of the process to its end. Milliseconds. */
  readonly wall: number;
  /** From the last line of the step to the end of its process. Milliseconds. */
  readonly lingering: number;
  /** The largest resident memory of the process. MiB. */
  readonly peak: number;
}

export interface StartedRun {
  readonly pid: number | undefined;
  readonly finished: Promise<StepRun>;
  cancel(): Promise<StepRun>;
  /** Runs the clean-up as the host does, and returns what it left. */
  cleanUp(): Promise<readonly string[]>;
  close(): void;
}

const root = process.cwd();
const outputNames = [
  'access-token',
  'access-tokens',
  'expires-on',
  'federated-token-file',
  'federated-token-expires-on',
];
const camelCase = (name: string): string =>
  name.replace(/-([a-z])/gu, (_, letter: string) => letter.toUpperCase());

let turn = 0;
/** Each supported Node runs a part of the task's steps. */
function nextNode(): string {
  const candidates = agentNodes.length > 0 ? agentNodes : nodes;
  turn += 1;
  return candidates[turn % candidates.length]?.path ?? process.execPath;
}

export function startStep(setting: StepSetting): StartedRun {
  const { host, inputs, environment, proxyUrl, temp, debug } = setting;
  const common = { debug: debug ?? false, ...(temp !== undefined && { temp }) };
  const began = performance.now();
  const job =
    host === 'github'
      ? new RunnerJob({
          ...common,
          actionDirectory: root,
          environment: { ...environment, ...(proxyUrl !== undefined && { HTTPS_PROXY: proxyUrl }) },
          ...(setting.node !== undefined && { node: setting.node }),
        })
      : new AgentJob({
          ...common,
          taskDirectory: join(root, 'ado-task', 'EntraAppToken'),
          node: setting.node ?? nextNode(),
          environment,
          ...(proxyUrl !== undefined && { proxy: { url: proxyUrl } }),
        });
  const running =
    job instanceof RunnerJob
      ? job.start({ id: 'step', inputs })
      : job.start({
          inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [camelCase(name), value])),
        });

  let lastLine = began;
  const shown = ['log', 'annotation', 'complete', 'debug', 'variable'];
  const watch = (event: { readonly kind: string }): false => {
    if (shown.includes(event.kind)) lastLine = performance.now();
    return false;
  };
  // Never matches: it only sees the events as they come.
  void running.seen(watch).catch(() => undefined);
  // A process that never ends is killed, and found by the signal.
  const watchdog = setTimeout(() => {
    if (running.pid !== undefined) process.kill(running.pid, 'SIGKILL');
  }, setting.patience ?? 45_000);
  let peak = 0;
  const memory = setInterval(() => {
    peak = Math.max(peak, peakMemory(running.pid));
  }, 40);
  let gone = 0;
  void running.gone.then(() => {
    gone = performance.now();
    clearInterval(memory);
    clearTimeout(watchdog);
  });

  const left = (): readonly string[] =>
    readdirSync(job.temp).filter((name) => {
      const path = join(job.temp, name);
      // The clean-up of a step that did not end leaves an empty file in the directory's place, so that it stays away.
      return name.startsWith('entra-app-token-') && !(statSync(path).isFile() && statSync(path).size === 0);
    });
  const finished = (running.finished as Promise<Transcript>).then(async (transcript): Promise<StepRun> => {
    await running.gone;
    const given =
      'conclusion' in transcript
        ? {
            outputs: (transcript as Awaited<ReturnType<RunnerJob['step']>>).outputs,
            variables: (transcript as Awaited<ReturnType<RunnerJob['step']>>).exported,
          }
        : byContract((transcript as Awaited<ReturnType<AgentJob['step']>>).variables);
    return {
      host,
      succeeded:
        'conclusion' in transcript
          ? transcript.conclusion === 'success'
          : resultOf(transcript) === 'Succeeded',
      errors: transcript.annotations.filter(({ level }) => level === 'error').map(({ message }) => message),
      ...given,
      left: left(),
      transcript,
      wall: gone - began,
      lingering: Math.max(0, gone - lastLine),
      peak,
    };
  });
  return {
    pid: running.pid,
    finished,
    cancel: async () => {
      await running.cancel();
      return finished;
    },
    cleanUp: async () => {
      await job.post();
      return left();
    },
    close: () => job.close(),
  };
}

export async function runStep(setting: StepSetting): Promise<StepRun> {
  const started = startStep(setting);
  try {
    return await started.finished;
  } finally {
    started.close();
  }
}

function resultOf(transcript: Transcript): string {
  return (transcript as Awaited<ReturnType<AgentJob['step']>>).result;
}

function byContract(
  variables: Readonly<Record<string, { readonly value: string }>>,
): Pick<StepRun, 'outputs' | 'variables'> {
  const outputs: Record<string, string> = {};
  const others: Record<string, string> = {};
  for (const [name, { value }] of Object.entries(variables)) {
    const output = outputNames.find((one) => camelCase(one) === name);
    if (output === undefined) others[name] = value;
    else outputs[output] = value;
  }
  return { outputs, variables: others };
}

/** Linux's own high-water mark. */
function peakMemory(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/mu.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** What a step may hand over. */
const handedOver = ['access-token', 'access-tokens', 'accessToken', 'accessTokens'];

/**
 * What is wrong with a run, whatever the world did to it; nothing if all is well.
 *
 * @param secrets what no log may show
 * @param budget the step's own time limit, in milliseconds
 */
export function faultsOf(
  run: StepRun,
  {
    secrets,
    budget,
    slowness,
    names = [],
  }: {
    readonly secrets: readonly string[];
    readonly budget: number;
    readonly slowness: number;
    /** Variables that the inputs ask for. */
    readonly names?: readonly string[];
  },
): readonly string[] {
  const { transcript, succeeded, errors } = run;
  const { stdout, stderr } = transcript.raw;
  const found: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) found.push(what);
  };
  check(transcript.signal === undefined, `ended by ${transcript.signal}`);
  check(
    succeeded ? errors.length === 0 : errors.length === 1,
    `${errors.length} errors, succeeded ${succeeded}`,
  );
  check(stderr === '', `stderr: ${stderr.slice(0, 300)}`);
  check(!/^\s*at .+:\d+:\d+\)?$/mu.test(stdout), 'a stack in the log');
  check(
    !/unexpectedly|undefined|\[object /u.test(errors.join('\n')),
    `an odd message: ${errors[0]?.slice(0, 200)}`,
  );
  check(
    errors.every((error) => error.length > 20 && error.length < 1_000),
    `an error of ${errors[0]?.length} characters`,
  );
  check(stdout.length < 64 * 1024, `a log of ${stdout.length} characters`);
  check(run.wall <= budget + 3_000 * slowness, `${Math.round(run.wall)} ms with a budget of ${budget} ms`);
  check(
    run.lingering <= 1_000 * slowness,
    `the process lived ${Math.round(run.lingering)} ms after its result`,
  );
  check(run.peak < largestPeak, `${Math.round(run.peak)} MiB of memory`);
  if (!succeeded) {
    check(Object.keys(run.outputs).length === 0, `a failed step has outputs: ${Object.keys(run.outputs)}`);
    check(Object.keys(run.variables).length === 0, `a failed step set ${Object.keys(run.variables)}`);
    check(run.left.length === 0, `a failed step left ${run.left}`);
  }
  const known = new Set([...knownVariables, ...names]);
  const foreign = Object.keys(run.variables).filter((name) => !known.has(name));
  check(foreign.length === 0, `variables that nobody asked for: ${foreign}`);
  const strange = transcript.written.filter(
    ({ text }) => commandOf(text) !== undefined && !allowed.has(commandOf(text) ?? ''),
  );
  check(strange.length === 0, `a command of the host: ${strange[0]?.text.slice(0, 100)}`);
  if (secrets.length > 0) {
    try {
      assertNoSecretLeaks(transcript, secrets, {
        outputs: [...handedOver, ...names],
        variables: [...handedOver, ...names],
      });
    } catch (error) {
      found.push(String(error));
    }
  }
  return found;
}

/** A step needs about 90 MiB by itself; the rest is one answer of the largest size. */
const largestPeak = 200;

/** What `export: azure-sdk` sets. */
const knownVariables = [
  'AZURE_CLIENT_ID',
  'AZURE_TENANT_ID',
  'AZURE_FEDERATED_TOKEN_FILE',
  'AZURE_AUTHORITY_HOST',
];

/** The commands that this step uses, on either host. */
const allowed = new Set([
  'add-mask',
  'error',
  'warning',
  'debug',
  'task.setsecret',
  'task.setvariable',
  'task.settaskvariable',
  'task.issue',
  'task.logissue',
  'task.complete',
  'task.debug',
]);

/** The host's command in a line as the hosts find it, without their list of known ones. */
function commandOf(line: string): string | undefined {
  return (
    /^\s*::([\w-]+)/u.exec(line)?.[1] ??
    /##vso\[([\w.-]+)/u.exec(line)?.[1] ??
    /##\[([\w-]+)/u.exec(line)?.[1]
  );
}

/** How much slower than an idle machine of two cores this one is while `atOnce` steps run: 1 or more. */
export async function measureSlowness(
  azure: Emulator,
  atOnce: number,
  inputs: Readonly<Record<string, string>>,
): Promise<number> {
  const environment = azure.environment('machine', 'ca');
  const runs = await Promise.all(
    Array.from({ length: atOnce }, (_, index) =>
      runStep({
        host: hostNames[index % 2] ?? 'github',
        inputs: { ...inputs, 'authority-host': azure.entra.url },
        environment,
      }),
    ),
  );
  return Math.max(1, Math.max(...runs.map(({ wall }) => wall)) / (200 * atOnce));
}

/** Runs `work` for each item, `atOnce` at a time. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
