import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ActionManifest, readActionManifest } from './action-manifest.ts';
import { closedWorld } from './closed-world.ts';
import { HostJob } from './host-job.ts';
import { type HostProcess, type Patience, startProcess } from './host-process.ts';
import { nodeOrOwn } from './nodes.ts';
import { type Orphan, orphanLine } from './orphans.ts';
import { type ContainerOptions, JobContainer } from './runner-container.ts';
import {
  type CommandFile,
  commandFilePrefixes,
  commandFiles,
  githubVariables,
  inputVariables,
  proxyVariables,
  type RunnerProxy,
  runnerVariables,
  stateVariables,
} from './runner-environment.ts';
import type { Conclusion, Interruption, RunnerEvent, RunnerResult } from './runner-result.ts';
import { RunnerStep, setIgnoringCase } from './runner-step.ts';
import { SecretMasker } from './secret-masker.ts';
import { StepLog } from './step-log.ts';
import type { Annotation } from './transcript.ts';
import { runnerEncoders } from './value-encoders.ts';

export type { Conclusion, RunnerEvent, RunnerResult } from './runner-result.ts';

/**
 * GitHub's runner, as far as an action can tell: it runs actions as child processes under the runner's rules. The
 * README beside this file lists each rule with its source. Expressions (`${{ }}`) are not evaluated.
 */

export interface JobOptions {
  /** The folder with `action.yml`. */
  readonly actionDirectory: string;
  /** How the workflow names the action; `./` is an action of the workflow's own repository. */
  readonly uses?: string;
  /**
   * The environment of the machine and of the job's `env:`, complete except for PATH, HOME and what the runner sets.
   * In a container job it is the job's `env:` alone.
   */
  readonly environment?: Readonly<Record<string, string>>;
  /** The runner's own proxy setting. It sets both spellings of each variable; `environment` wins, name by name. */
  readonly proxy?: RunnerProxy;
  /** The job runs in a container. Works only where `containersWork` is true. */
  readonly container?: ContainerOptions;
  /** The values of `secrets` that the workflow uses: hidden from the start, in every line. */
  readonly secrets?: readonly string[];
  /** What triggered the run; a push by default. */
  readonly event?: { readonly name: string; readonly payload: unknown };
  /**
   * Path of the `node` binary; by default the one that `runs.using` names, otherwise this machine's own. A container
   * job always uses the default.
   */
  readonly node?: string;
  readonly workspace?: string;
  /** `RUNNER_TEMP`. The runner empties it when the job starts and when it ends. */
  readonly temp?: string;
  /**
   * The host's debug switch: the repository's secret or variable `ACTIONS_STEP_DEBUG`. Debug lines are shown, commands
   * are echoed, and steps get `RUNNER_DEBUG=1`.
   */
  readonly debug?: boolean;
  /** How long the runner waits; its own times by default. */
  readonly patience?: Patience;
}

export interface StepOptions {
  /** Without an ID, later steps cannot read the step's outputs. */
  readonly id?: string;
  /** `if:`, one of `always()`, `success()`, `failure()`, `cancelled()` and `!cancelled()`. Without it the step runs, and a cancel stops it. */
  readonly condition?: string;
  /** `with:`, by the inputs' names. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** `env:` of the step. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another action than the job's. */
  readonly actionDirectory?: string;
}

export interface RunningStep {
  readonly pid: number | undefined;
  /** The first event that matches, past or to come. Rejects when the step ends without one. */
  seen(matches: (event: RunnerEvent) => boolean): Promise<RunnerEvent>;
  /** Cancels the job. The step is stopped unless its condition still holds then. */
  cancel(): Promise<RunnerResult>;
  /** The step's `timeout-minutes` are over. The job goes on as failed. */
  timeOut(): Promise<RunnerResult>;
  readonly finished: Promise<RunnerResult>;
  /** When the step's process and whatever holds its output have ended, which can be after `finished`. */
  readonly gone: Promise<void>;
}

/** `steps.STEP.outputs.OUTPUT`. Names ignore letter case. */
export interface OutputReference {
  readonly step: string;
  readonly output: string;
}

export interface JobCompletion {
  /** The log of "Complete job", masked. */
  readonly displayed: string;
  readonly annotations: readonly Annotation[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly orphans: readonly Orphan[];
  /** What the runner could not remove from `RUNNER_TEMP`. */
  readonly leftInTemp: readonly string[];
}

interface LoadedAction {
  readonly directory: string;
  readonly manifest: ActionManifest;
  readonly uses: string;
}

interface ScheduledPost {
  readonly action: LoadedAction;
  readonly step: StepOptions;
  readonly state: Record<string, string>;
}

interface CurrentStep {
  readonly condition: string | undefined;
  interrupt(why: Interruption): Promise<RunnerResult>;
}

/** A job on the runner. Its environment, masks and post steps live as long as it does. */
export class RunnerJob {
  readonly workspace: string;
  readonly temp: string;
  /** What steps have added to the environment so far (`GITHUB_ENV`). */
  readonly exported: Record<string, string> = {};
  readonly results: RunnerResult[] = [];
  conclusion: Conclusion = 'success';
  readonly #options: JobOptions;
  readonly #trackingId = `github_${randomUUID()}`;
  readonly #host: HostJob;
  readonly #container: JobContainer | undefined;
  readonly #masker = new SecretMasker(runnerEncoders);
  readonly #posts: ScheduledPost[] = [];
  readonly #stepOutputs = new Map<string, Record<string, string>>();
  #current: CurrentStep | undefined;
  #shutDown = false;
  #completion: JobCompletion | undefined;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#host = new HostJob(
      { prefix: 'runner-', work: 'work', workspace: join('repository', 'repository') },
      ['RUNNER_TRACKING_ID', this.#trackingId],
      options,
    );
    for (const secret of options.secrets ?? []) this.#masker.add(secret);
    this.workspace = this.#host.workspace;
    this.temp = this.#host.temp;
    if (options.container !== undefined) {
      const folders = { ...this.#folders, tools: this.#tools };
      this.#container = new JobContainer(folders, options.container);
    }
  }

  get #folders() {
    const { root, work, temp, externals } = this.#host;
    return { root, work, temp, externals };
  }

  get #tools(): string {
    return join(this.#host.root, 'tools');
  }

  /** Everything that the job's steps have shown so far. */
  get displayed(): string {
    return this.results.map((result) => result.displayed).join('\n');
  }

  /** `steps.ID.outputs`, which exist only for a step with an ID. Names ignore letter case. */
  stepOutputs(id: string): Readonly<Record<string, string>> | undefined {
    return this.#stepOutputs.get(id.toLowerCase());
  }

  start(step: StepOptions = {}): RunningStep {
    const directory = step.actionDirectory ?? this.#options.actionDirectory;
    const manifest = readActionManifest(directory);
    const action = { directory, manifest, uses: this.#options.uses ?? 'octo-org/octo-action@v1' };
    if (!this.#runs(step.condition)) return this.#skip(manifest.name);
    const state: Record<string, string> = {};
    if (manifest.runs.post !== undefined) this.#posts.push({ action, step, state });
    return this.#run('main', action, step, state);
  }

  step(step: StepOptions = {}): Promise<RunnerResult> {
    return this.start(step).finished;
  }

  /** Starts a script (an ES module's source) as a later step: with what the steps before it exported. */
  startScript(source: string, step: Omit<StepOptions, 'inputs' | 'actionDirectory'> = {}): RunningStep {
    const folder = join(this.#host.work, '_actions');
    mkdirSync(folder, { recursive: true });
    const directory = mkdtempSync(join(folder, 'script-'));
    chmodSync(directory, 0o755);
    writeFileSync(join(directory, 'script.mjs'), source);
    const manifest: ActionManifest = {
      name: 'script',
      description: 'A step of the job itself.',
      runs: { using: 'node24', main: 'script.mjs' },
    };
    if (!this.#runs(step.condition)) return this.#skip(manifest.name);
    return this.#run('main', { directory, manifest, uses: './script' }, step, {});
  }

  async script(source: string, environment: Readonly<Record<string, string>> = {}): Promise<RunnerResult> {
    return this.startScript(source, { environment }).finished;
  }

  /** Starts the next post step: those of the actions that ran, last first. Nothing is left, or the runner is shut down: `undefined`. */
  startPost(): RunningStep | undefined {
    for (let post = this.#posts.pop(); post !== undefined; post = this.#posts.pop()) {
      const condition = post.action.manifest.runs['post-if'] ?? 'always()';
      if (!this.#runs(condition)) continue;
      return this.#run('post', post.action, { ...post.step, condition }, post.state);
    }
    return undefined;
  }

  /** Runs every post step. */
  async post(): Promise<RunnerResult[]> {
    const results: RunnerResult[] = [];
    for (let post = this.startPost(); post !== undefined; post = this.startPost()) {
      results.push(await post.finished);
    }
    return results;
  }

  /** Cancels the job. The running step is stopped unless its condition holds. Source: `StepsRunner.cs`. */
  async cancel(): Promise<void> {
    this.conclusion = 'cancelled';
    const current = this.#current;
    if (current === undefined) return;
    if (current.condition !== undefined && this.#holds(current.condition)) return;
    await current.interrupt('cancelled');
  }

  /** The runner is stopped: the running step ends, and neither later steps nor post steps run. Source: `StepsRunner.cs`. */
  async shutDown(): Promise<void> {
    this.#shutDown = true;
    this.conclusion = 'failure';
    await this.#current?.interrupt('cancelled');
  }

  /**
   * "Complete job": evaluates the job's outputs, ends processes that steps left behind, stops the container, and
   * empties the temporary folder. `outputs` maps the job's outputs to those of its steps.
   * Source: `JobExtension.cs` (`FinalizeJob`), `TempDirectoryManager.cs`.
   */
  complete(outputs: Readonly<Record<string, OutputReference>> = {}): JobCompletion {
    if (this.#completion !== undefined) return this.#completion;
    const log = new StepLog<never>({ masker: this.#masker, debug: this.#options.debug ?? false });
    const published: Record<string, string> = {};
    if (Object.keys(outputs).length > 0) log.show('Evaluate and set job outputs');
    for (const [name, reference] of Object.entries(outputs)) {
      const value = this.#outputOf(reference);
      if (value === '') log.debug(`Skip output '${name}' since it's empty`);
      else if (value !== log.mask(value))
        log.issue('warning', `Skip output '${name}' since it may contain secret.`);
      else {
        log.show(`Set output '${name}'`);
        published[name] = value;
      }
    }
    log.show('Cleaning up orphan processes');
    const orphans = this.#host.terminateOrphans();
    for (const orphan of orphans) log.show(orphanLine(orphan));
    this.#container?.stop();
    const leftInTemp = this.#container?.emptyTemp() ?? [];
    if (this.#container === undefined) this.#host.emptyTemp();
    this.#completion = {
      displayed: log.entries.join('\n'),
      annotations: log.annotations,
      outputs: published,
      orphans,
      leftInTemp,
    };
    return this.#completion;
  }

  /** Completes the job, and removes what this object made. */
  close(): void {
    this.complete();
    this.#host.remove();
  }

  /** A step without an ID, and an unknown name, give the empty string. */
  #outputOf({ step, output }: OutputReference): string {
    const outputs = Object.entries(this.stepOutputs(step) ?? {});
    return outputs.find(([name]) => name.toLowerCase() === output.toLowerCase())?.[1] ?? '';
  }

  #runs(condition: string | undefined): boolean {
    return !this.#shutDown && (condition === undefined || this.#holds(condition));
  }

  #holds(condition: string): boolean {
    switch (condition.replace(/\s/g, '')) {
      case 'always()':
        return true;
      case 'success()':
        return this.conclusion === 'success';
      case 'failure()':
        return this.conclusion === 'failure';
      case 'cancelled()':
        return this.conclusion === 'cancelled';
      case '!cancelled()':
        return this.conclusion !== 'cancelled';
      default:
        throw new Error(`This runner cannot evaluate the condition '${condition}'.`);
    }
  }

  #skip(title: string): RunningStep {
    const step = new RunnerStep({
      masker: this.#masker,
      debug: this.#options.debug ?? false,
      workspace: this.workspace,
      abandon: () => undefined,
    });
    const result = step.skip(title);
    this.results.push(result);
    const finished = Promise.resolve(result);
    return {
      pid: undefined,
      seen: (matches) => step.log.events.seen(matches),
      cancel: () => finished,
      timeOut: () => finished,
      finished,
      gone: Promise.resolve(),
    };
  }

  #run(
    stage: 'main' | 'post',
    action: LoadedAction,
    step: StepOptions,
    state: Record<string, string>,
  ): RunningStep {
    const { manifest } = action;
    const title = stage === 'post' ? `Post ${manifest.name}` : manifest.name;
    const script = stage === 'post' ? manifest.runs.post : manifest.runs.main;
    if (script === undefined) throw new Error(`${title} has nothing to run.`);
    let child: HostProcess | undefined;
    const run = new RunnerStep({
      masker: this.#masker,
      debug: this.#options.debug ?? false,
      workspace: this.workspace,
      abandon: () => child?.abandon(),
    });
    if (step.condition !== undefined) run.log.debug(`Evaluating condition for step: '${title}'`);
    run.log.debug(`Starting: ${title}`);
    const files = this.#newCommandFiles();
    const inputs = run.inputs(manifest, step.inputs ?? {});
    const jobEnvironment = { ...this.exported, ...step.environment };
    run.allowsUnsecureCommands =
      { ...this.#options.environment, ...jobEnvironment }[
        'ACTIONS_ALLOW_UNSECURE_COMMANDS'
      ]?.toLowerCase() === 'true';
    run.header(stage, action.uses, inputs, jobEnvironment);

    const major = Number(/^node(\d+)$/.exec(manifest.runs.using)?.[1]);
    const directory = this.#container?.mountAction(action.directory) ?? action.directory;
    const nodeArguments = this.#host.nodeArguments(join(directory, script));
    const command = this.#container?.command(
      this.workspace,
      this.#container.nodePath(major),
      nodeArguments,
    ) ?? { file: this.#options.node ?? nodeOrOwn(major).path, args: nodeArguments };
    child = startProcess({
      ...command,
      workingDirectory: this.workspace,
      environment: this.#environment(jobEnvironment, state, inputs, files, action.uses),
      onLine: (stream, line) => run.line(stream, line),
      onSignal: (signal) => run.signal(signal),
      detachesOnSignal: this.#container !== undefined,
      ...(this.#options.patience === undefined ? {} : { patience: this.#options.patience }),
    });
    const { end, gone, pid } = child;
    let interruption: Interruption | undefined;
    const finished = end.then((ended) => {
      const result = run.finish(title, ended, files, interruption);
      this.#current = undefined;
      this.#takeOver(result, step.id, state);
      return result;
    });
    const interrupt = async (why: Interruption): Promise<RunnerResult> => {
      interruption ??= why;
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

  /** What a step leaves to the job. Only a failure changes the job's conclusion. Source: `StepsRunner.cs`. */
  #takeOver(result: RunnerResult, id: string | undefined, state: Record<string, string>): void {
    for (const [name, value] of Object.entries(result.state)) setIgnoringCase(state, name, value);
    Object.assign(this.exported, result.exported);
    this.#host.prependPaths(result.paths);
    if (id !== undefined) this.#stepOutputs.set(id.toLowerCase(), { ...result.outputs });
    if (this.conclusion === 'success' && result.conclusion === 'failure') this.conclusion = 'failure';
    this.results.push(result);
  }

  #newCommandFiles(): Record<CommandFile, string> {
    const folder = join(this.temp, '_runner_file_commands');
    mkdirSync(folder, { recursive: true });
    this.#container?.ownByRunner(folder);
    const suffix = randomUUID();
    const files = Object.fromEntries(
      commandFiles.map((file) => [file, join(folder, `${commandFilePrefixes[file]}${suffix}`)]),
    ) as Record<CommandFile, string>;
    for (const path of Object.values(files)) {
      writeFileSync(path, '', { mode: 0o644 });
      this.#container?.ownByRunner(path);
    }
    return files;
  }

  #environment(
    jobEnvironment: Readonly<Record<string, string>>,
    state: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, string>>,
    files: Readonly<Record<CommandFile, string>>,
    uses: string,
  ): Record<string, string> {
    const container = this.#container;
    // The worker sets its tracking ID on itself, so a container's processes do not have it.
    const host = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.#host.home,
      RUNNER_TRACKING_ID: this.#trackingId,
    };
    const environment: Record<string, string> = {
      ...(container?.environment ?? host),
      CI: 'true',
      ...closedWorld({ ...proxyVariables(this.#options.proxy), ...this.#options.environment }),
      ...jobEnvironment,
      ...stateVariables(state),
      ...inputVariables(inputs),
    };
    environment['PATH'] = this.#host.pathFor(environment['PATH'] ?? '');
    Object.assign(
      environment,
      { GITHUB_ACTIONS: 'true' },
      githubVariables({ ...this.#writeEvent(), workspace: this.workspace, uses, files }),
      runnerVariables({
        temp: this.temp,
        tools: this.#tools,
        pipelineDirectory: join(this.workspace, '..'),
        debug: this.#options.debug ?? false,
      }),
    );
    if (container === undefined) return environment;
    return Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, container.toContainerPath(value)]),
    );
  }

  #writeEvent(): { event: string; eventPath: string } {
    const { name, payload } = this.#options.event ?? { name: 'push', payload: {} };
    const folder = join(this.temp, '_github_workflow');
    mkdirSync(folder, { recursive: true });
    const eventPath = join(folder, 'event.json');
    writeFileSync(eventPath, JSON.stringify(payload));
    for (const path of [folder, eventPath]) this.#container?.ownByRunner(path);
    return { event: name, eventPath };
  }
}
