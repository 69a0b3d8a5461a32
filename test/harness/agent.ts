import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentProxy, setSystemVariables, taskEnvironment } from './agent-environment.ts';
import {
  type AgentMachine,
  type HandlerKnob,
  handlerKnobs,
  selectNode,
  unstartableNode,
} from './agent-handler.ts';
import type { StepTarget } from './agent-restrictions.ts';
import {
  type AgentEvent,
  type AgentResult,
  type Interruption,
  type TaskResult,
  worse,
} from './agent-result.ts';
import { AgentStep } from './agent-step.ts';
import { Variables, type VariableTraits } from './agent-variables.ts';
import { closedWorld } from './closed-world.ts';
import { HostJob } from './host-job.ts';
import { type HostProcess, hostPatience, type Patience, startProcess } from './host-process.ts';
import { nodeOrOwn } from './nodes.ts';
import { type Orphan, orphanLine } from './orphans.ts';
import { SecretMasker } from './secret-masker.ts';
import { StepLog } from './step-log.ts';
import { readTaskManifest, type TaskHandlers, type TaskManifest } from './task-manifest.ts';
import { agentEncoders, agentPatterns } from './value-encoders.ts';

export type { AgentEvent, AgentResult, TaskResult } from './agent-result.ts';

/**
 * The Azure Pipelines agent, as far as a task can tell: it runs tasks as child processes under the agent's rules, for
 * a build job on Linux without a container. The README beside this file lists each rule with its source.
 */

export interface AgentJobOptions {
  /** The folder with `task.json`. */
  readonly taskDirectory: string;
  /** Path of the `node` binary; by default the one that the agent selects. */
  readonly node?: string;
  /** The agent's version and machine: what decides which Node runs the task. */
  readonly machine?: Partial<AgentMachine>;
  /** The agent machine's environment, complete except for PATH, HOME and what the agent sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The pipeline's variables, and further system ones such as `System.PullRequest.IsFork`. */
  readonly variables?: Readonly<Record<string, string | ({ readonly value: string } & VariableTraits)>>;
  /** The agent's own proxy settings (`config.sh --proxyurl …`). */
  readonly proxy?: AgentProxy;
  /** The agent's own CA certificate file (`config.sh --sslcacert`). */
  readonly caFile?: string;
  /** `Agent.TempDirectory`. The agent empties it when the job starts and when it ends. */
  readonly temp?: string;
  readonly workspace?: string;
  /** The host's debug switch: the variable `System.Debug`. Debug lines are shown. */
  readonly debug?: boolean;
  /** How long the agent waits; its own times by default. */
  readonly patience?: Patience;
}

export interface TaskStepOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  /** `env:` of the step. `$(name)` is replaced, which is how a step gets to see a secret. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another task than the job's. */
  readonly taskDirectory?: string;
  /** `name:` of the step, the first part of the names of its output variables. */
  readonly name?: string;
  /** One of `always()`, `succeeded()`, `succeededOrFailed()`, `failed()` and `canceled()`. Without it the step runs, and a cancel stops it. */
  readonly condition?: string;
  /** `target:` with `commands` and `settableVariables`. */
  readonly target?: StepTarget;
}

export interface RunningTask {
  readonly pid: number | undefined;
  /** The first event that matches, past or to come. Rejects when the step ends without one. */
  seen(matches: (event: AgentEvent) => boolean): Promise<AgentEvent>;
  /** Cancels the job. The step is stopped unless its condition still holds then. */
  cancel(): Promise<AgentResult>;
  /** The step's `timeoutInMinutes` are over. The job goes on as failed. */
  timeOut(): Promise<AgentResult>;
  readonly finished: Promise<AgentResult>;
  /** When the step's process and whatever holds its output have ended, which can be after `finished`. */
  readonly gone: Promise<void>;
}

export interface AgentJobCompletion {
  /** The log of "Finalize Job", masked. */
  readonly displayed: string;
  readonly orphans: readonly Orphan[];
}

/** A current agent on a current machine. */
const defaultMachine: AgentMachine = { version: '4.266.2', oldGlibc: false, alpine: false, hasNode16: true };

interface LoadedTask {
  readonly directory: string;
  readonly manifest: TaskManifest;
}

interface ScheduledPostJob {
  readonly task: LoadedTask;
  readonly step: TaskStepOptions;
  readonly taskVariables: Variables;
}

interface CurrentTask {
  readonly condition: string | undefined;
  interrupt(why: Interruption): Promise<AgentResult>;
}

/** A job on the agent. Its variables, masks and post-job steps live as long as it does. */
export class AgentJob {
  readonly workspace: string;
  readonly temp: string;
  readonly variables: Variables;
  readonly results: AgentResult[] = [];
  result: TaskResult = 'Succeeded';
  readonly #options: AgentJobOptions;
  readonly #machine: AgentMachine;
  readonly #host: HostJob;
  readonly #masker = new SecretMasker(agentEncoders, agentPatterns);
  readonly #postJobs: ScheduledPostJob[] = [];
  #current: CurrentTask | undefined;
  #shutDown = false;
  #completion: AgentJobCompletion | undefined;

  constructor(options: AgentJobOptions) {
    this.#options = options;
    this.#machine = { ...defaultMachine, ...options.machine };
    const lookupId = `vsts_${randomUUID()}`;
    this.#host = new HostJob(
      { prefix: 'agent-', work: '_work', workspace: join('1', 's') },
      ['VSTS_PROCESS_LOOKUP_ID', lookupId],
      options,
    );
    this.workspace = this.#host.workspace;
    this.temp = this.#host.temp;
    this.variables = new Variables(this.#masker);
    setSystemVariables(this.variables, {
      root: this.#host.root,
      work: this.#host.work,
      temp: this.temp,
      workspace: this.workspace,
      version: this.#machine.version,
      proxy: options.proxy,
      caFile: options.caFile,
      debug: options.debug ?? false,
    });
    for (const [name, given] of Object.entries(options.variables ?? {})) {
      const { value, ...traits } = typeof given === 'string' ? { value: given } : given;
      this.variables.set(name, value, traits);
    }
    // Source: JobExtension.cs, `_processCleanup`.
    if (this.#cleansProcesses) this.variables.set('VSTS_PROCESS_LOOKUP_ID', lookupId);
  }

  get #cleansProcesses(): boolean {
    return this.variables.get('process.clean')?.value.toLowerCase() !== 'false';
  }

  /** Everything that the job's steps have shown so far. */
  get displayed(): string {
    return this.results.map((result) => result.displayed).join('\n');
  }

  /** A post-job step is scheduled even if the task itself is skipped. Source: `JobExtension.cs`, `InitializeJob`. */
  start(step: TaskStepOptions = {}): RunningTask {
    const task = this.#install(step.taskDirectory ?? this.#options.taskDirectory);
    const taskVariables = new Variables(this.#masker);
    if (task.manifest.postjobexecution !== undefined) this.#postJobs.push({ task, step, taskVariables });
    return this.#run(task.manifest.execution, task, step, taskVariables, task.manifest.friendlyName);
  }

  step(step: TaskStepOptions = {}): Promise<AgentResult> {
    return this.start(step).finished;
  }

  /** Starts a script (an ES module's source) as a later step: with the job's variables, secrets only by `env:`. */
  startScript(source: string, step: Omit<TaskStepOptions, 'inputs' | 'taskDirectory'> = {}): RunningTask {
    const directory = mkdtempSync(join(this.#host.root, 'script-'));
    writeFileSync(join(directory, 'script.mjs'), source);
    const execution = { Node24: { target: 'script.mjs' }, Node20_1: { target: 'script.mjs' } };
    const manifest: TaskManifest = {
      id: randomUUID(),
      name: 'Script',
      friendlyName: 'Script',
      description: 'A step of the job itself.',
      category: 'Utility',
      author: '',
      version: { Major: 1, Minor: 0, Patch: 0 },
      instanceNameFormat: 'Script',
      execution,
    };
    const taskVariables = new Variables(this.#masker);
    return this.#run(execution, { directory, manifest }, step, taskVariables, 'Script');
  }

  async script(source: string, environment: Readonly<Record<string, string>> = {}): Promise<AgentResult> {
    return this.startScript(source, { environment }).finished;
  }

  /** Starts the next post-job step, last first. Nothing is left, or the agent is shut down: `undefined`. */
  startPost(): RunningTask | undefined {
    const post = this.#shutDown ? undefined : this.#postJobs.pop();
    if (post === undefined) return undefined;
    const { task, taskVariables } = post;
    const title = `Post-job: ${task.manifest.friendlyName}`;
    const step = { ...post.step, condition: 'always()' };
    return this.#run(task.manifest.postjobexecution, task, step, taskVariables, title);
  }

  /** Runs every post-job step, whatever happened to the job. */
  async post(): Promise<AgentResult[]> {
    const results: AgentResult[] = [];
    for (let post = this.startPost(); post !== undefined; post = this.startPost()) {
      results.push(await post.finished);
    }
    return results;
  }

  /** Cancels the job. The running step is stopped unless its condition holds. Source: `StepsRunner.cs`. */
  async cancel(): Promise<void> {
    this.#setResult('Canceled');
    const current = this.#current;
    if (current === undefined) return;
    if (current.condition !== undefined && this.#holds(current.condition)) return;
    await current.interrupt('canceled');
  }

  /** The agent is stopped: the running step ends, and neither later steps nor post-job steps run. Source: `StepsRunner.cs`. */
  async shutDown(): Promise<void> {
    this.#shutDown = true;
    this.#setResult('Canceled');
    await this.#current?.interrupt('canceled');
  }

  /** "Finalize Job": ends processes that steps left behind, and empties the temporary folder. Source: `JobExtension.cs`. */
  complete(): AgentJobCompletion {
    if (this.#completion !== undefined) return this.#completion;
    const log = new StepLog<never>({ masker: this.#masker, debug: false });
    let orphans: Orphan[] = [];
    if (this.#cleansProcesses) {
      log.show('Start cleaning up orphan processes.');
      orphans = this.#host.terminateOrphans();
      for (const orphan of orphans) log.show(orphanLine(orphan));
    }
    this.#host.emptyTemp();
    this.#completion = { displayed: log.entries.join('\n'), orphans };
    return this.#completion;
  }

  /** Completes the job, and removes what this object made. */
  close(): void {
    this.complete();
    this.#host.remove();
  }

  /**
   * A task runs from the agent's own folder of tasks, so it finds nothing of the project that it was built in: no
   * `package.json` above it, no `node_modules`. Source: azure-pipelines-agent `TaskManager.cs`.
   */
  #install(source: string): LoadedTask {
    const manifest = readTaskManifest(source);
    const { Major, Minor, Patch } = manifest.version;
    const directory = join(
      this.#host.work,
      '_tasks',
      `${manifest.name}_${manifest.id}`,
      `${Major}.${Minor}.${Patch}`,
    );
    if (!existsSync(directory)) cpSync(source, directory, { recursive: true });
    return { directory, manifest };
  }

  #run(
    handlers: TaskHandlers | undefined,
    task: LoadedTask,
    step: TaskStepOptions,
    taskVariables: Variables,
    title: string,
  ): RunningTask {
    const warnings = [...this.variables.recalculate(), ...taskVariables.recalculate()];
    let child: HostProcess | undefined;
    let doneTimer: NodeJS.Timeout | undefined;
    const run: AgentStep = new AgentStep({
      masker: this.#masker,
      debug: this.#options.debug ?? false,
      manifest: task.manifest,
      stepName: step.name ?? task.manifest.name,
      target: step.target,
      variables: this.variables,
      taskVariables,
      doneSoon: () => {
        doneTimer = setTimeout(() => {
          run.forceComplete();
          child?.abandon();
        }, this.#patience.doneMilliseconds);
      },
    });
    for (const warning of warnings) run.warn(warning);
    const runs = !this.#shutDown && (step.condition === undefined || this.#holds(step.condition));
    if (!runs) return this.#skip(run, title, step.condition ?? 'succeeded()');

    const selected = selectNode(handlers, this.#machine, this.#knobs);
    const nodePath = this.#options.node ?? this.#nodePath(selected.major, selected.starts);
    const script = join(task.directory, selected.target);
    run.header();
    for (const warning of selected.warnings) run.warn(warning);
    run.log.debug(`Using node path: ${nodePath}`);
    child = startProcess({
      file: nodePath,
      args: this.#host.nodeArguments(script),
      workingDirectory: this.workspace,
      environment: taskEnvironment({
        machine: {
          PATH: process.env['PATH'] ?? '',
          HOME: this.#host.home,
          ...closedWorld(this.#options.environment ?? {}),
        },
        manifest: task.manifest,
        inputs: step.inputs ?? {},
        environment: step.environment ?? {},
        variables: this.variables,
        taskVariables,
        pathFor: (original) => this.#host.pathFor(original),
      }),
      onLine: (stream, line) => run.line(stream, line),
      onSignal: (signal) => run.signal(signal),
      patience: this.#patience,
    });
    const { end, gone, pid } = child;
    let interruption: Interruption | undefined;
    const started = { handler: selected.handler, nodeMajor: selected.major, nodePath, script };
    const finished = end.then((ended) => {
      clearTimeout(doneTimer);
      const result = run.finish(title, started, ended, interruption);
      this.#current = undefined;
      this.#takeOver(result);
      return result;
    });
    const interrupt = async (why: Interruption): Promise<AgentResult> => {
      interruption ??= why;
      run.interrupting(why);
      await child?.cancel();
      return finished;
    };
    this.#current = { condition: step.condition, interrupt };
    return {
      pid,
      seen: (matches) => run.log.events.seen(matches),
      cancel: async () => {
        await this.cancel();
        return finished;
      },
      timeOut: () => interrupt('timed-out'),
      finished,
      gone,
    };
  }

  #skip(run: AgentStep, title: string, condition: string): RunningTask {
    const result = run.skip(title, condition);
    this.#takeOver(result);
    const finished = Promise.resolve(result);
    return {
      pid: undefined,
      seen: (matches) => run.log.events.seen(matches),
      cancel: () => finished,
      timeOut: () => finished,
      finished,
      gone: Promise.resolve(),
    };
  }

  /** Only these two results count for the job. Source: `StepsRunner.cs`. */
  #takeOver(result: AgentResult): void {
    this.#host.prependPaths(result.paths);
    if (result.result === 'Failed' || result.result === 'SucceededWithIssues') {
      this.#setResult(worse(this.result, result.result));
    }
    this.results.push(result);
  }

  #setResult(result: TaskResult): void {
    this.result = result;
    this.variables.set('agent.jobstatus', result);
  }

  #holds(condition: string): boolean {
    switch (condition.replace(/\s/g, '')) {
      case 'always()':
        return true;
      case 'succeeded()':
        return ['Succeeded', 'SucceededWithIssues'].includes(this.result);
      case 'succeededOrFailed()':
        return ['Succeeded', 'SucceededWithIssues', 'Failed'].includes(this.result);
      case 'failed()':
        return this.result === 'Failed';
      case 'canceled()':
        return this.result === 'Canceled';
      default:
        throw new Error(`This agent cannot evaluate the condition '${condition}'.`);
    }
  }

  /** A variable of the job, otherwise the agent's environment. Source: `RuntimeKnobSource`, `EnvironmentKnobSource`. */
  #knob(name: string): string | undefined {
    return this.variables.get(name)?.value ?? this.#options.environment?.[name];
  }

  get #knobs(): ReadonlySet<HandlerKnob> {
    return new Set(handlerKnobs.filter((name) => /^(?:true|1|\$true)$/i.test(this.#knob(name) ?? '')));
  }

  /** Source: `AgentKnobs.cs`, `PROCESS_SIGINT_TIMEOUT` and `PROCESS_SIGTERM_TIMEOUT`. */
  get #patience(): Required<Patience> {
    const { interruptMilliseconds, terminateMilliseconds } = hostPatience;
    return {
      ...hostPatience,
      interruptMilliseconds: Number(this.#knob('PROCESS_SIGINT_TIMEOUT') ?? interruptMilliseconds),
      terminateMilliseconds: Number(this.#knob('PROCESS_SIGTERM_TIMEOUT') ?? terminateMilliseconds),
      ...this.#options.patience,
    };
  }

  #nodePath(major: number, starts: boolean): string {
    if (starts) return nodeOrOwn(major).path;
    const folder = join(this.#host.externals, major === 20 ? 'node20_1' : `node${major}`, 'bin');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'node');
    writeFileSync(path, unstartableNode(path), { mode: 0o755 });
    return path;
  }
}
