import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ActionManifest, readActionManifest } from './action-manifest.ts';
import { closedPort, closedWorld } from './closed-world.ts';
import {
  type HostProcess,
  type Patience,
  type ProcessEnd,
  type Stream,
  startProcess,
} from './host-process.ts';
import { nodeOrOwn } from './nodes.ts';
import { parseRunnerCommand, type RunnerCommand, runnerCommands } from './runner-command.ts';
import { readFileEntries } from './runner-file.ts';
import { SecretMasker } from './secret-masker.ts';
import {
  type Annotation,
  type AnnotationLevel,
  EventLog,
  type Transcript,
  type Written,
} from './transcript.ts';
import { runnerEncoders } from './value-encoders.ts';

/**
 * A small GitHub runner: runs actions as child processes under the runner's own rules. Written after actions/runner
 * (`Runner.Worker`: `ActionRunner.cs`, `NodeScriptActionHandler.cs`, `Handler.cs`, `ActionCommandManager.cs`,
 * `FileCommandManager.cs`, `ExecutionContext.cs`), as on Linux. Expressions (`${{ }}`) are not evaluated.
 */

export interface JobOptions {
  /** The folder with `action.yml`. */
  readonly actionDirectory: string;
  /** The machine's and the job's environment: all of it, besides PATH, HOME and what the runner sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What triggered the run; a push by default. */
  readonly event?: { readonly name: string; readonly payload: unknown };
  /** Path of the `node` binary; by default the one `runs.using` names, else this machine's own. */
  readonly node?: string;
  readonly workspace?: string;
  /** `RUNNER_TEMP`: emptied when the job starts and when it ends. */
  readonly temp?: string;
  /** `ACTIONS_STEP_DEBUG`: debug lines are shown. */
  readonly debug?: boolean;
  /** How long a cancelled step's process is given; the runner's own times by default. */
  readonly patience?: Patience;
}

export interface StepOptions {
  /** `with:`, by the inputs' names. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** `env:` of the step. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another action than the job's. */
  readonly actionDirectory?: string;
}

export type Conclusion = 'success' | 'failure' | 'cancelled';

export type RunnerEvent =
  | { readonly kind: 'log'; readonly stream: Stream; readonly text: string }
  | { readonly kind: 'mask'; readonly value: string }
  | {
      readonly kind: 'annotation';
      readonly level: AnnotationLevel;
      readonly message: string;
      readonly properties: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'debug'; readonly message: string }
  | { readonly kind: 'group' | 'endgroup'; readonly title: string }
  | {
      readonly kind: 'output' | 'environment' | 'state';
      readonly name: string;
      readonly value: string;
      /** Legacy commands come while the step runs, files are read when it has ended. */
      readonly by: 'file' | 'command';
    }
  | { readonly kind: 'path'; readonly value: string }
  | { readonly kind: 'summary'; readonly text: string }
  | { readonly kind: 'refused'; readonly what: string; readonly reason: string }
  | { readonly kind: 'end'; readonly conclusion: Conclusion };

export interface RunnerResult extends Transcript {
  readonly conclusion: Conclusion;
  readonly events: readonly RunnerEvent[];
  readonly outputs: Readonly<Record<string, string>>;
  /** What this step added to the later steps' environment. */
  readonly exported: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  /** The job summary, masked line by line as it is uploaded. */
  readonly summary: string;
  /** The command files as the step left them. */
  readonly files: Readonly<Record<CommandFile, string>>;
}

export interface RunningStep {
  readonly pid: number | undefined;
  /** The first event that matches, past or to come; rejects when the step ends without one. */
  seen(matches: (event: RunnerEvent) => boolean): Promise<RunnerEvent>;
  /** Cancels the job: this step is stopped, later steps run under `always()` only. */
  cancel(): Promise<RunnerResult>;
  readonly finished: Promise<RunnerResult>;
}

/** The command files in the order in which the runner reads them (`Runner.Common/ExtensionManager.cs`). */
const commandFiles = ['path', 'env', 'step_summary', 'state', 'output'] as const;
type CommandFile = (typeof commandFiles)[number];

/** Longer messages are cut, and of each level only so many are kept (`ExecutionContext.cs`). */
const longestAnnotation = 4096;
const mostAnnotations = 10;

const disabledCommand = (name: string) =>
  `The \`${name}\` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the \`ACTIONS_ALLOW_UNSECURE_COMMANDS\` environment variable to \`true\`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/`;

interface ScheduledPost {
  readonly action: LoadedAction;
  readonly step: StepOptions;
  readonly state: Record<string, string>;
}

interface LoadedAction {
  readonly directory: string;
  readonly manifest: ActionManifest;
}

/** A job on the runner: environment, masks and clean-up steps live as long as it does. */
export class RunnerJob {
  readonly workspace: string;
  readonly temp: string;
  /** What steps have added to the environment so far (`GITHUB_ENV`). */
  readonly exported: Record<string, string> = {};
  readonly results: RunnerResult[] = [];
  conclusion: Conclusion = 'success';
  readonly #options: JobOptions;
  readonly #root: string;
  readonly #masker = new SecretMasker(runnerEncoders);
  readonly #paths: string[] = [];
  readonly #posts: ScheduledPost[] = [];

  constructor(options: JobOptions) {
    this.#options = options;
    this.#root = mkdtempSync(join(tmpdir(), 'runner-'));
    this.workspace = options.workspace ?? join(this.#root, 'work', 'repository', 'repository');
    this.temp = options.temp ?? join(this.#root, 'work', '_temp');
    rmSync(this.temp, { recursive: true, force: true });
    for (const folder of [this.workspace, this.temp, join(this.#root, 'home')]) {
      mkdirSync(folder, { recursive: true });
    }
  }

  /** Everything the job's steps have shown so far. */
  get displayed(): string {
    return this.results.map((result) => result.displayed).join('\n');
  }

  start(step: StepOptions = {}): RunningStep {
    const directory = step.actionDirectory ?? this.#options.actionDirectory;
    const action = { directory, manifest: readActionManifest(directory) };
    const state: Record<string, string> = {};
    if (action.manifest.runs.post !== undefined) this.#posts.push({ action, step, state });
    return this.#run('main', action, step, state);
  }

  step(step: StepOptions = {}): Promise<RunnerResult> {
    return this.start(step).finished;
  }

  /** Runs a script (an ES module's source) as a later step would run: with what the steps before it exported. */
  async script(source: string, environment: Readonly<Record<string, string>> = {}): Promise<RunnerResult> {
    const directory = mkdtempSync(join(this.#root, 'script-'));
    writeFileSync(join(directory, 'script.mjs'), source);
    const manifest: ActionManifest = {
      name: 'script',
      description: 'A step of the job itself.',
      runs: { using: 'node24', main: 'script.mjs' },
    };
    return this.#run('main', { directory, manifest }, { environment }, {}).finished;
  }

  /** The clean-up of every action that ran, last first. */
  async post(): Promise<RunnerResult[]> {
    const results: RunnerResult[] = [];
    for (let post = this.#posts.pop(); post !== undefined; post = this.#posts.pop()) {
      if (!this.#holds(post.action.manifest.runs['post-if'] ?? 'always()')) continue;
      results.push(await this.#run('post', post.action, post.step, post.state).finished);
    }
    return results;
  }

  /** Ends the job: `RUNNER_TEMP` is emptied, and what the harness made is removed. */
  close(): void {
    rmSync(this.temp, { recursive: true, force: true });
    rmSync(this.#root, { recursive: true, force: true });
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
      default:
        throw new Error(`This runner cannot evaluate the condition '${condition}'.`);
    }
  }

  #run(
    stage: 'main' | 'post',
    action: LoadedAction,
    step: StepOptions,
    state: Record<string, string>,
  ): RunningStep {
    const run = new StepRun(this.#masker, this.#options.debug ?? false);
    const { manifest } = action;
    const title = stage === 'post' ? `Post ${manifest.name}` : manifest.name;
    const files = this.#freshCommandFiles();
    const inputs = run.inputs(manifest, step.inputs ?? {});
    const jobEnvironment = { ...this.exported, ...step.environment };
    run.allowsUnsecureCommands =
      { ...this.#options.environment, ...jobEnvironment }[
        'ACTIONS_ALLOW_UNSECURE_COMMANDS'
      ]?.toLowerCase() === 'true';
    run.header(stage, title, inputs, jobEnvironment);

    const script = stage === 'post' ? manifest.runs.post : manifest.runs.main;
    if (script === undefined) throw new Error(`${title} has nothing to run.`);
    const child: HostProcess = startProcess({
      node: this.#options.node ?? nodeOrOwn(Number(/^node(\d+)$/.exec(manifest.runs.using)?.[1])).path,
      script: join(action.directory, script),
      workingDirectory: this.workspace,
      environment: this.#environment(jobEnvironment, state, inputs, files),
      onLine: (stream, line) => run.line(stream, line),
      ...(this.#options.patience === undefined ? {} : { patience: this.#options.patience }),
    });
    let cancelled = false;
    const finished = child.end.then((end) => {
      const result = run.finish(title, end, files, cancelled);
      Object.assign(state, result.state);
      Object.assign(this.exported, result.exported);
      for (const path of result.paths) {
        if (this.#paths.includes(path)) this.#paths.splice(this.#paths.indexOf(path), 1);
        this.#paths.push(path);
      }
      if (this.conclusion === 'success') this.conclusion = result.conclusion;
      this.results.push(result);
      return result;
    });
    return {
      pid: child.pid,
      seen: (matches) => run.log.seen(matches),
      cancel: async () => {
        cancelled = true;
        await child.cancel();
        return finished;
      },
      finished,
    };
  }

  #freshCommandFiles(): Record<CommandFile, string> {
    const folder = join(this.temp, '_runner_file_commands');
    mkdirSync(folder, { recursive: true });
    const suffix = randomUUID();
    const files = Object.fromEntries(
      commandFiles.map((file) => [file, join(folder, `${filePrefixes[file]}${suffix}`)]),
    ) as Record<CommandFile, string>;
    for (const path of Object.values(files)) writeFileSync(path, '');
    return files;
  }

  #environment(
    jobEnvironment: Readonly<Record<string, string>>,
    state: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, string>>,
    files: Readonly<Record<CommandFile, string>>,
  ): Record<string, string> {
    const machine = closedWorld(this.#options.environment ?? {});
    const environment: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      HOME: join(this.#root, 'home'),
      CI: 'true',
      ...machine,
      ...jobEnvironment,
      ...prefixed('STATE_', state),
    };
    for (const [name, value] of Object.entries(inputs)) {
      environment[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] = value;
    }
    if (this.#paths.length > 0) {
      environment['PATH'] = [...this.#paths]
        .reverse()
        .concat(environment['PATH'] ?? '')
        .join(delimiter);
    }
    return { ...environment, ...this.#githubContext(files), ...this.#runnerContext() };
  }

  #githubContext(files: Readonly<Record<CommandFile, string>>): Record<string, string> {
    const event = this.#options.event ?? { name: 'push', payload: {} };
    const folder = join(this.temp, '_github_workflow');
    mkdirSync(folder, { recursive: true });
    const eventPath = join(folder, 'event.json');
    writeFileSync(eventPath, JSON.stringify(event.payload));
    return {
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION: '__self',
      GITHUB_ACTOR: 'octocat',
      GITHUB_ACTOR_ID: '583231',
      GITHUB_API_URL: `${closedPort}/api`,
      GITHUB_BASE_REF: '',
      GITHUB_EVENT_NAME: event.name,
      GITHUB_EVENT_PATH: eventPath,
      GITHUB_GRAPHQL_URL: `${closedPort}/graphql`,
      GITHUB_HEAD_REF: '',
      GITHUB_JOB: 'job',
      GITHUB_REF: 'refs/heads/main',
      GITHUB_REF_NAME: 'main',
      GITHUB_REF_PROTECTED: 'false',
      GITHUB_REF_TYPE: 'branch',
      GITHUB_REPOSITORY: 'octo-org/octo-repo',
      GITHUB_REPOSITORY_ID: '1296269',
      GITHUB_REPOSITORY_OWNER: 'octo-org',
      GITHUB_REPOSITORY_OWNER_ID: '6811672',
      GITHUB_RETENTION_DAYS: '90',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_RUN_ID: '1658821493',
      GITHUB_RUN_NUMBER: '3',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
      GITHUB_TRIGGERING_ACTOR: 'octocat',
      GITHUB_WORKFLOW: 'workflow',
      GITHUB_WORKFLOW_REF: 'octo-org/octo-repo/.github/workflows/workflow.yml@refs/heads/main',
      GITHUB_WORKFLOW_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
      GITHUB_WORKSPACE: this.workspace,
      ...Object.fromEntries(commandFiles.map((file) => [`GITHUB_${file.toUpperCase()}`, files[file]])),
    };
  }

  #runnerContext(): Record<string, string> {
    return {
      RUNNER_ARCH: 'X64',
      RUNNER_ENVIRONMENT: 'self-hosted',
      RUNNER_NAME: 'runner',
      RUNNER_OS: 'Linux',
      RUNNER_TEMP: this.temp,
      RUNNER_TOOL_CACHE: join(this.#root, 'tools'),
      RUNNER_WORKSPACE: join(this.workspace, '..'),
      ...(this.#options.debug === true ? { RUNNER_DEBUG: '1' } : {}),
      ACTIONS_RUNTIME_URL: `${closedPort}/`,
      ACTIONS_RUNTIME_TOKEN: 'runtime-token-of-the-runner',
      ACTIONS_RESULTS_URL: `${closedPort}/`,
    };
  }
}

const filePrefixes: Readonly<Record<CommandFile, string>> = {
  path: 'add_path_',
  env: 'set_env_',
  step_summary: 'step_summary_',
  state: 'save_state_',
  output: 'set_output_',
};

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
}

/** One step's way through the runner: its lines, commands, files. */
class StepRun {
  readonly log = new EventLog<RunnerEvent>();
  allowsUnsecureCommands = false;
  readonly #masker: SecretMasker;
  readonly #debug: boolean;
  readonly #shown: string[] = [];
  readonly #annotations: Annotation[] = [];
  readonly #written: Written[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #exported: Record<string, string> = {};
  readonly #state: Record<string, string> = {};
  readonly #paths: string[] = [];
  #summary = '';
  #commandFailed = false;
  #echo = false;
  #stopToken: string | undefined;

  constructor(masker: SecretMasker, debug: boolean) {
    this.#masker = masker;
    this.#debug = debug;
  }

  /** Defaults from the manifest; an input it does not declare is passed on with a warning. */
  inputs(manifest: ActionManifest, given: Readonly<Record<string, string>>): Record<string, string> {
    const declared = manifest.inputs ?? {};
    const givenLowerCase = new Set(Object.keys(given).map((name) => name.toLowerCase()));
    const inputs: Record<string, string> = { ...given };
    for (const [name, { default: value = '' }] of Object.entries(declared)) {
      if (String(value).includes('${{'))
        throw new Error(`This runner cannot evaluate the default of '${name}'.`);
      if (!givenLowerCase.has(name.toLowerCase())) inputs[name] = String(value);
    }
    const valid = Object.keys(declared);
    const unexpected = Object.keys(given).filter(
      (name) => !valid.some((one) => one.toLowerCase() === name.toLowerCase()),
    );
    if (unexpected.length > 0) {
      this.#annotate(
        'warning',
        `Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${valid.join("', '")}']`,
      );
    }
    return inputs;
  }

  header(
    stage: 'main' | 'post',
    title: string,
    inputs: Readonly<Record<string, string>>,
    environment: Readonly<Record<string, string>>,
  ): void {
    if (stage === 'post') {
      this.#show('Post job cleanup.');
      return;
    }
    this.#show(`##[group]Run ${title}`);
    const given = Object.entries(inputs).filter(([, value]) => value !== '');
    if (given.length > 0) this.#show('with:');
    for (const [name, value] of given) this.#show(`  ${name}: ${value}`);
    if (Object.keys(environment).length > 0) this.#show('env:');
    for (const [name, value] of Object.entries(environment)) this.#show(`  ${name}: ${value}`);
    this.#show('##[endgroup]');
  }

  line(stream: Stream, line: string): void {
    const registered =
      this.#stopToken === undefined
        ? runnerCommands
        : new Set([...runnerCommands, this.#stopToken.toLowerCase()]);
    const command = parseRunnerCommand(line, registered);
    const carriedOut = command !== undefined && this.#process(command, line);
    this.#written.push({
      where: stream,
      text: line,
      ...(carriedOut ? takenFor(command) : { takenFor: 'text' }),
    });
    if (carriedOut) return;
    const text = this.#masker.mask(line.replace(/##\[(start-action|end-action)/g, '##[\\$1'));
    this.#shown.push(text);
    this.log.add({ kind: 'log', stream, text });
  }

  finish(
    title: string,
    end: ProcessEnd,
    paths: Readonly<Record<CommandFile, string>>,
    cancelled: boolean,
  ): RunnerResult {
    const files = Object.fromEntries(commandFiles.map((file) => [file, textOf(paths[file])])) as Record<
      CommandFile,
      string
    >;
    for (const file of commandFiles) this.#readFile(file, files[file]);
    for (const path of Object.values(paths)) rmSync(path, { force: true });
    const failed = end.exitCode !== 0 || this.#commandFailed;
    if (!cancelled && end.exitCode !== 0)
      this.#debugLine(`Node Action run completed with exit code ${end.exitCode}`);
    const conclusion = cancelled ? 'cancelled' : failed ? 'failure' : 'success';
    if (cancelled) this.#annotate('error', 'The operation was canceled.');
    this.log.add({ kind: 'end', conclusion });
    this.log.close();
    return {
      title,
      conclusion,
      exitCode: end.exitCode,
      signal: end.signal,
      raw: { stdout: end.stdout, stderr: end.stderr },
      displayed: this.#shown.map(asOnThePage).join('\n'),
      annotations: this.#annotations,
      written: this.#written,
      events: this.log.events,
      outputs: this.#outputs,
      exported: this.#exported,
      state: this.#state,
      paths: this.#paths,
      summary: this.#summary,
      files,
    };
  }

  #process(command: RunnerCommand, line: string): boolean {
    if (this.#stopToken !== undefined) {
      if (command.name !== this.#stopToken.toLowerCase()) return false;
      this.#show(line);
      this.#stopToken = undefined;
      return true;
    }
    const omitsEcho = ['add-mask', 'debug', 'warning', 'error', 'notice'].includes(command.name);
    if (this.#echo && !omitsEcho) this.#show(line);
    try {
      this.#carryOut(command, line);
    } catch (error) {
      this.#commandFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.add({ kind: 'refused', what: command.name, reason });
      this.#annotate('error', `Unable to process command '${omitsEcho ? command.name : line}' successfully.`);
      this.#annotate('error', reason);
    }
    return true;
  }

  #carryOut({ name, properties, data }: RunnerCommand, line: string): void {
    switch (name) {
      case 'stop-commands':
        if (data === '' || runnerCommands.has(data.toLowerCase()) || data.toLowerCase() === 'pause-logging') {
          throw new Error(
            "You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command.",
          );
        }
        this.#stopToken = data;
        if (data.length > 6) this.#masker.add(data);
        this.#show(line);
        return;
      case 'add-mask':
        this.#mask(data);
        return;
      case 'error':
      case 'warning':
      case 'notice':
        this.#annotate(name, data, properties);
        return;
      case 'debug':
        this.log.add({ kind: 'debug', message: this.#masker.mask(data) });
        this.#debugLine(data);
        return;
      case 'group':
      case 'endgroup':
        this.#show(`##[${name}]${name === 'group' ? data : ''}`);
        this.log.add({ kind: name, title: this.#masker.mask(data) });
        return;
      case 'echo':
        if (!/^\s*(?:on|off)\s*$/i.test(data)) {
          throw new Error(
            `Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '${data}'.`,
          );
        }
        this.#echo = /on/i.test(data);
        return;
      case 'set-env':
        if (!this.allowsUnsecureCommands) throw new Error(disabledCommand(name));
        this.#export(
          required(properties, name),
          data,
          'command',
          "Can't update NODE_OPTIONS environment variable using ::set-env:: command.",
        );
        return;
      case 'add-path':
        if (!this.allowsUnsecureCommands) throw new Error(disabledCommand(name));
        this.#prepend(data);
        return;
      case 'set-output':
        this.#output(required(properties, name), data, 'command');
        return;
      case 'save-state':
        this.#save(required(properties, name), data, 'command');
        return;
      default:
        // Problem matchers change what a log line looks like to GitHub's page; nothing here depends on that.
        return;
    }
  }

  #readFile(file: CommandFile, text: string): void {
    try {
      switch (file) {
        case 'path':
          for (const path of text.split(/\r\n|[\r\n]/).filter((line) => line !== '')) {
            this.#written.push({ where: 'GITHUB_PATH', text: path, takenFor: 'text' });
            this.#prepend(path);
          }
          return;
        case 'step_summary':
          this.#written.push({ where: 'GITHUB_STEP_SUMMARY', text, takenFor: 'text' });
          this.#summary = text
            .split(/\r\n|[\r\n]/)
            .map((line) => this.#masker.mask(line))
            .join('\n');
          if (text !== '') this.log.add({ kind: 'summary', text: this.#summary });
          return;
        case 'env':
          for (const { name, value } of this.#entries('GITHUB_ENV', text, 'variable')) {
            this.#export(
              name,
              value,
              'file',
              "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.",
            );
          }
          return;
        case 'state':
          for (const { name, value } of this.#entries('GITHUB_STATE', text, 'text'))
            this.#save(name, value, 'file');
          return;
        case 'output':
          for (const { name, value } of this.#entries('GITHUB_OUTPUT', text, 'output')) {
            this.#output(name, value, 'file');
          }
          return;
      }
    } catch (error) {
      this.#commandFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#written.push({ where: `GITHUB_${file.toUpperCase()}`, text, takenFor: 'text' });
      this.log.add({ kind: 'refused', what: `GITHUB_${file.toUpperCase()}`, reason });
      this.#annotate('error', `Unable to process file command '${file}' successfully.`);
      this.#annotate('error', reason);
    }
  }

  *#entries(where: string, text: string, takenForValue: Written['takenFor']) {
    for (const entry of readFileEntries(text)) {
      this.#written.push({ where, text: entry.value, takenFor: takenForValue, name: entry.name });
      this.#written.push({ where: `${where} (name)`, text: entry.name, takenFor: 'text' });
      yield entry;
    }
  }

  #mask(data: string): void {
    if (data.trim() === '') {
      this.#annotate('warning', "Can't add secret mask for empty string in ##[add-mask] command.");
      return;
    }
    if (this.#echo) this.#show('::add-mask::***');
    this.#masker.add(data);
    for (const line of data.split(/[\r\n]/)) this.#masker.add(line.trim());
    this.log.add({ kind: 'mask', value: data });
  }

  #annotate(level: AnnotationLevel, text: string, properties: Readonly<Record<string, string>> = {}): void {
    const message = this.#masker.mask(text).slice(0, longestAnnotation);
    if (this.#annotations.filter((one) => one.level === level).length < mostAnnotations) {
      this.#annotations.push({ level, message, properties });
    }
    if (message !== '') this.#show(`##[${level}]${message}`);
    this.log.add({ kind: 'annotation', level, message, properties });
  }

  #export(name: string, value: string, by: 'file' | 'command', whenBlocked: string): void {
    if (name.toUpperCase() === 'NODE_OPTIONS') {
      this.log.add({ kind: 'refused', what: name, reason: whenBlocked });
      this.#annotate('error', whenBlocked);
      return;
    }
    this.#exported[name] = value;
    this.#debugLine(`${name}='${value}'`);
    this.log.add({ kind: 'environment', name, value, by });
  }

  #prepend(path: string): void {
    this.#paths.push(path);
    this.log.add({ kind: 'path', value: path });
  }

  #output(name: string, value: string, by: 'file' | 'command'): void {
    this.#outputs[name] = value;
    this.#debugLine(`Set output ${name} = ${value}`);
    this.log.add({ kind: 'output', name, value, by });
  }

  #save(name: string, value: string, by: 'file' | 'command'): void {
    this.#state[name] = value;
    this.#debugLine(`Save intra-action state ${name} = ${value}`);
    this.log.add({ kind: 'state', name, value, by });
  }

  #debugLine(text: string): void {
    if (!this.#debug) return;
    for (const line of text.replaceAll('\r\n', '\n').split('\n')) this.#show(`##[debug]${line}`);
  }

  #show(text: string): void {
    this.#shown.push(this.#masker.mask(text));
  }
}

/** What a leak check may take a command's line for; legacy commands hand over like the files. */
function takenFor({ name, properties }: RunnerCommand): Pick<Written, 'takenFor' | 'name'> {
  if (name === 'add-mask') return { takenFor: 'mask' };
  const key = nameProperty(properties);
  if (key === undefined) return { takenFor: 'text' };
  if (name === 'set-output') return { takenFor: 'output', name: key };
  if (name === 'set-env') return { takenFor: 'variable', name: key };
  return { takenFor: 'text' };
}

function required(properties: Readonly<Record<string, string>>, command: string): string {
  const name = nameProperty(properties);
  if (name === undefined || name === '')
    throw new Error(`Required field 'name' is missing in ##[${command}] command.`);
  return name;
}

/** Property names have no letter case. */
function nameProperty(properties: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(properties).find(([key]) => key.toLowerCase() === 'name')?.[1];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The step removed it: the runner reads nothing and goes on.
    return '';
  }
}

/** How GitHub's page words the log file's tags. */
function asOnThePage(line: string): string {
  return line
    .replace(
      /^##\[(error|warning|notice)\]/,
      (_, level: string) => `${level[0]?.toUpperCase()}${level.slice(1)}: `,
    )
    .replace(/^##\[group\]/, '▼ ')
    .replace(/^##\[endgroup\]$/, '');
}
