import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type AgentCommand, escapeAgent, parseAgentCommand, unescapeAgent } from './agent-command.ts';
import { commandAllowed, variableSettable } from './agent-restrictions.ts';
import { environmentName, Variables, type VariableTraits } from './agent-variables.ts';
import { closedPort, closedWorld } from './closed-world.ts';
import {
  type HostProcess,
  type Patience,
  type ProcessEnd,
  type Stream,
  startProcess,
} from './host-process.ts';
import { nodeOrOwn } from './nodes.ts';
import { SecretMasker } from './secret-masker.ts';
import { readTaskManifest, type TaskHandlers, type TaskManifest } from './task-manifest.ts';
import { type Annotation, EventLog, type Transcript, type Written } from './transcript.ts';
import { agentEncoders } from './value-encoders.ts';

/**
 * A small Azure Pipelines agent: runs a task as a child process under the agent's own rules. Written after
 * azure-pipelines-agent (`Agent.Worker`: `TaskRunner.cs`, `Handlers/Handler.cs`, `Handlers/NodeHandler.cs`,
 * `WorkerCommandManager.cs`, `TaskCommandExtension.cs`, `ExecutionContext.cs`, `Variables.cs`), as on Linux, for a
 * build job without a container.
 */

export interface AgentJobOptions {
  /** The folder with `task.json`. */
  readonly taskDirectory: string;
  /** Path of the `node` binary; by default the one of the handler. */
  readonly node?: string;
  /** The agent machine's environment: all of it, besides PATH, HOME and what the agent sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The pipeline's variables, and further system ones such as `System.PullRequest.IsFork`. */
  readonly variables?: Readonly<Record<string, string | ({ readonly value: string } & VariableTraits)>>;
  /** The agent's own proxy settings (`config.sh --proxyurl …`). */
  readonly proxy?: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
    /** Regular expressions. */
    readonly bypass?: readonly string[];
  };
  /** The agent's own CA certificate file (`config.sh --sslcacert`). */
  readonly caFile?: string;
  /** `Agent.TempDirectory`: emptied when the job starts and when it ends. */
  readonly temp?: string;
  readonly workspace?: string;
  /** `System.Debug`: debug lines are shown. */
  readonly debug?: boolean;
  /** How long a cancelled task's process is given; the agent's own times by default. */
  readonly patience?: Patience;
}

export interface TaskStepOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  /** `env:` of the step; `$(name)` is replaced, which is how a step gets to see a secret. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another task than the job's. */
  readonly taskDirectory?: string;
  /** `name:` of the step, by which output variables are known. */
  readonly name?: string;
}

/** In the order of the agent's own enumeration: a later one is worse. */
const taskResults = [
  'Succeeded',
  'SucceededWithIssues',
  'Failed',
  'Canceled',
  'Skipped',
  'Abandoned',
] as const;
export type TaskResult = (typeof taskResults)[number];

export type AgentEvent =
  | { readonly kind: 'log'; readonly stream: Stream; readonly text: string }
  | { readonly kind: 'mask'; readonly value: string; readonly by: 'setsecret' | 'setvariable' }
  | { readonly kind: 'annotation'; readonly level: 'error' | 'warning'; readonly message: string }
  | { readonly kind: 'debug'; readonly message: string }
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly value: string;
      readonly secret: boolean;
      /** Sent to the server with the run's timeline. */
      readonly output: boolean;
    }
  | {
      readonly kind: 'task-variable';
      readonly name: string;
      readonly value: string;
      readonly secret: boolean;
    }
  | { readonly kind: 'path'; readonly value: string }
  | { readonly kind: 'complete'; readonly result: TaskResult; readonly message: string }
  /** A command that the manifest's restrictions or the agent's own rules stopped. */
  | { readonly kind: 'refused'; readonly what: string; readonly reason: string }
  /** A command that this agent reads and does not play: uploads, build tags, progress. */
  | { readonly kind: 'command'; readonly name: string; readonly data: string }
  | { readonly kind: 'end'; readonly result: TaskResult };

export interface AgentResult extends Transcript {
  readonly result: TaskResult;
  readonly handler: string;
  readonly events: readonly AgentEvent[];
  /** What this step set, as later steps of the job know it. */
  readonly variables: Readonly<Record<string, { readonly value: string; readonly secret: boolean }>>;
  /** What went to the server with the timeline, secret or not. */
  readonly sentToServer: Readonly<Record<string, string>>;
  readonly taskVariables: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
}

export interface RunningTask {
  readonly pid: number | undefined;
  /** The first event that matches, past or to come; rejects when the step ends without one. */
  seen(matches: (event: AgentEvent) => boolean): Promise<AgentEvent>;
  /** Cancels the job: this step is stopped. */
  cancel(): Promise<AgentResult>;
  readonly finished: Promise<AgentResult>;
}

/** The handlers by priority, newest first (`TaskManager.cs`), and the Node each asks for. */
const nodeHandlers = [
  ['Node24', 24],
  ['Node20_1', 20],
] as const;

interface LoadedTask {
  readonly directory: string;
  readonly manifest: TaskManifest;
}

interface ScheduledPostJob {
  readonly task: LoadedTask;
  readonly step: TaskStepOptions;
  readonly taskVariables: Variables;
}

/** A job on the agent: variables, masks and post-job steps live as long as it does. */
export class AgentJob {
  readonly workspace: string;
  readonly temp: string;
  readonly variables: Variables;
  readonly results: AgentResult[] = [];
  result: TaskResult = 'Succeeded';
  readonly #options: AgentJobOptions;
  readonly #root: string;
  readonly #masker = new SecretMasker(agentEncoders);
  readonly #paths: string[] = [];
  readonly #postJobs: ScheduledPostJob[] = [];

  constructor(options: AgentJobOptions) {
    this.#options = options;
    this.#root = mkdtempSync(join(tmpdir(), 'agent-'));
    this.workspace = options.workspace ?? join(this.#root, '_work', '1', 's');
    this.temp = options.temp ?? join(this.#root, '_work', '_temp');
    rmSync(this.temp, { recursive: true, force: true });
    for (const folder of [this.workspace, this.temp, join(this.#root, 'home')]) {
      mkdirSync(folder, { recursive: true });
    }
    this.variables = new Variables(this.#masker);
    this.#setSystemVariables();
    for (const [name, given] of Object.entries(options.variables ?? {})) {
      const { value, ...traits } = typeof given === 'string' ? { value: given } : given;
      this.variables.set(name, value, traits);
    }
  }

  /** Everything the job's steps have shown so far. */
  get displayed(): string {
    return this.results.map((result) => result.displayed).join('\n');
  }

  start(step: TaskStepOptions = {}): RunningTask {
    const task = this.#install(step.taskDirectory ?? this.#options.taskDirectory);
    const taskVariables = new Variables(this.#masker);
    if (task.manifest.postjobexecution !== undefined) this.#postJobs.push({ task, step, taskVariables });
    return this.#run(task.manifest.execution, task, step, taskVariables, task.manifest.friendlyName);
  }

  step(step: TaskStepOptions = {}): Promise<AgentResult> {
    return this.start(step).finished;
  }

  /** Runs a script (an ES module's source) as a later step would run: with the job's variables, secrets only by `env:`. */
  async script(source: string, environment: Readonly<Record<string, string>> = {}): Promise<AgentResult> {
    const directory = mkdtempSync(join(this.#root, 'script-'));
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
    return this.#run(
      execution,
      { directory, manifest },
      { environment },
      new Variables(this.#masker),
      'Script',
    ).finished;
  }

  /** The post-job execution of every task that ran, last first; it runs whatever happened to the job. */
  async post(): Promise<AgentResult[]> {
    const results: AgentResult[] = [];
    for (let post = this.#postJobs.pop(); post !== undefined; post = this.#postJobs.pop()) {
      const { task, step, taskVariables } = post;
      const title = `Post-job: ${task.manifest.friendlyName}`;
      results.push(
        await this.#run(task.manifest.postjobexecution, task, step, taskVariables, title).finished,
      );
    }
    return results;
  }

  /** Ends the job: the temporary folder is emptied, and what the harness made is removed. */
  close(): void {
    rmSync(this.temp, { recursive: true, force: true });
    rmSync(this.#root, { recursive: true, force: true });
  }

  /**
   * A task runs from the agent's own folder of tasks, so it finds nothing of the project it was built in: no
   * `package.json` above it, no `node_modules`. Source: azure-pipelines-agent `TaskManager.cs`.
   */
  #install(source: string): LoadedTask {
    const manifest = readTaskManifest(source);
    const { Major, Minor, Patch } = manifest.version;
    const directory = join(
      this.#root,
      '_work',
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
    const [handler, major] = nodeHandlers.find(([name]) => handlers?.[name] !== undefined) ?? [];
    const target = handler === undefined ? undefined : handlers?.[handler]?.target;
    if (handler === undefined || target === undefined) {
      throw new Error('A supported task execution handler was not found.');
    }
    const run = new TaskRun({
      masker: this.#masker,
      debug: this.#options.debug ?? false,
      manifest: task.manifest,
      stepName: step.name ?? task.manifest.name,
      variables: this.variables,
      taskVariables,
    });
    run.header(title);
    const script = join(task.directory, target);
    const child: HostProcess = startProcess({
      node: this.#options.node ?? nodeOrOwn(major ?? 20).path,
      script,
      workingDirectory: this.workspace,
      environment: this.#environment(task.manifest, step, taskVariables),
      onLine: (stream, line) => run.line(stream, line),
      ...(this.#options.patience === undefined ? {} : { patience: this.#options.patience }),
    });
    let cancelled = false;
    const finished = child.end.then((end) => {
      const result = run.finish(title, handler, script, end, cancelled);
      for (const path of result.paths) {
        if (this.#paths.includes(path)) this.#paths.splice(this.#paths.indexOf(path), 1);
        this.#paths.push(path);
      }
      this.result = worse(this.result, result.result);
      this.variables.set('agent.jobstatus', this.result);
      this.results.push(result);
      return result;
    });
    return {
      pid: child.pid,
      seen: (matches) => run.log.seen(matches),
      cancel: async () => {
        cancelled = true;
        run.cancelling();
        await child.cancel();
        return finished;
      },
      finished,
    };
  }

  /** Step's own first, then variables, then inputs: the later wins (`NodeHandler.cs`, `RunAsync`). */
  #environment(
    manifest: TaskManifest,
    step: TaskStepOptions,
    taskVariables: Variables,
  ): Record<string, string> {
    const machine: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      HOME: join(this.#root, 'home'),
      ...closedWorld(this.#options.environment ?? {}),
    };
    const expanded = (text: string) =>
      this.variables.expand(text).replace(/\$\(([^)]+)\)/g, (macro, name: string) => machine[name] ?? macro);
    const environment = { ...machine };
    for (const [name, value] of Object.entries(step.environment ?? {}))
      environment[name] = expanded(value.trim());

    const known = this.variables.all;
    for (const { name, value, secret, preserveCase } of known) {
      environment[`${secret ? 'SECRET_' : ''}${environmentName(name, preserveCase)}`] = value;
      if (name.toLowerCase() === 'agent.jobstatus') environment[name] = value;
    }
    environment['VSTS_PUBLIC_VARIABLES'] = JSON.stringify(
      known.filter((one) => !one.secret).map((one) => one.name),
    );
    environment['VSTS_SECRET_VARIABLES'] = JSON.stringify(
      known.filter((one) => one.secret).map((one) => one.name),
    );

    for (const [name, value] of Object.entries(mergedInputs(manifest, step.inputs ?? {}))) {
      environment[`INPUT_${environmentName(name)}`] = expanded(value);
    }
    const accessToken = this.variables.get('System.AccessToken')?.value ?? '';
    const endpoint = 'SYSTEMVSSCONNECTION';
    environment[`ENDPOINT_URL_${endpoint}`] = `${closedPort}/`;
    environment[`ENDPOINT_AUTH_SCHEME_${endpoint}`] = 'OAuth';
    environment[`ENDPOINT_AUTH_PARAMETER_${endpoint}_ACCESSTOKEN`] = accessToken;
    environment[`ENDPOINT_AUTH_${endpoint}`] = JSON.stringify({
      parameters: { AccessToken: accessToken },
      scheme: 'OAuth',
    });
    for (const { name, value, preserveCase } of taskVariables.all) {
      environment[`VSTS_TASKVARIABLE_${environmentName(name, preserveCase)}`] = value;
    }
    if (this.#paths.length > 0) {
      environment['PATH'] = [...this.#paths]
        .reverse()
        .concat(environment['PATH'] ?? '')
        .join(delimiter);
    }
    environment['TF_BUILD'] = 'True';
    return environment;
  }

  #setSystemVariables(): void {
    const { proxy, caFile, debug } = this.#options;
    const system: Record<string, string | undefined> = {
      'Agent.BuildDirectory': join(this.workspace, '..'),
      'Agent.HomeDirectory': join(this.#root, 'agent'),
      'Agent.Id': '8',
      'Agent.IsSelfHosted': '1',
      'Agent.JobName': 'Job',
      'Agent.JobStatus': 'Succeeded',
      'Agent.MachineName': 'machine',
      'Agent.Name': 'agent',
      'Agent.OS': 'Linux',
      'Agent.OSArchitecture': 'X64',
      'Agent.RootDirectory': join(this.#root, '_work'),
      'Agent.TempDirectory': this.temp,
      'Agent.ToolsDirectory': join(this.#root, '_work', '_tool'),
      'Agent.Version': '4.266.2',
      'Agent.WorkFolder': join(this.#root, '_work'),
      'Agent.ProxyUrl': proxy?.url,
      'Agent.ProxyUsername': proxy?.username,
      'Agent.ProxyBypassList': proxy?.bypass === undefined ? undefined : JSON.stringify(proxy.bypass),
      'Agent.CAInfo': caFile,
      'Build.BuildId': '1234',
      'Build.BuildNumber': '20250102.3',
      'Build.DefinitionName': 'pipeline',
      'Build.Reason': 'Manual',
      'Build.Repository.Name': 'repository',
      'Build.Repository.Provider': 'TfsGit',
      'Build.SourceBranch': 'refs/heads/main',
      'Build.SourceBranchName': 'main',
      'Build.SourcesDirectory': this.workspace,
      'Build.SourceVersion': 'ffac537e6cbbf934b08745a378932722df287a53',
      'System.CollectionUri': `${closedPort}/`,
      'System.Culture': 'en-US',
      'System.Debug': debug === true ? 'true' : undefined,
      'System.DefaultWorkingDirectory': this.workspace,
      'System.DefinitionId': '12',
      'System.HostType': 'build',
      'System.JobDisplayName': 'Job',
      'System.JobId': '12f1170f-54f2-53f3-20dd-22fc7dff55f9',
      'System.PlanId': 'd0ab8b63-6ab2-4ddd-a6e2-9d6bb0d0a0d5',
      'System.TeamFoundationCollectionUri': `${closedPort}/`,
      'System.TeamProject': 'project',
      'System.TeamProjectId': '6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c',
    };
    for (const [name, value] of Object.entries(system)) {
      if (value !== undefined) this.variables.set(name, value, { readOnly: true });
    }
    const secret = { secret: true, readOnly: true };
    this.variables.set('System.AccessToken', 'access-token-of-the-job', secret);
    if (proxy?.password !== undefined) this.variables.set('Agent.ProxyPassword', proxy.password, secret);
  }
}

/** Defaults from the manifest, then what the step gives; each without surrounding white space, names without letter case. */
function mergedInputs(
  manifest: TaskManifest,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const merged = new Map<string, readonly [name: string, value: string]>();
  const put = (name: string, value: string) =>
    merged.set(name.trim().toLowerCase(), [name.trim(), value.trim()]);
  for (const { name, defaultValue = '' } of manifest.inputs ?? []) put(name, String(defaultValue));
  for (const [name, value] of Object.entries(given)) put(name, value);
  return Object.fromEntries(merged.values());
}

/** Source: azure-pipelines-agent `Util/TaskResultUtil.cs`: what is worse than failed is not replaced. */
function worse(current: TaskResult, coming: TaskResult): TaskResult {
  if (taskResults.indexOf(current) > taskResults.indexOf('Failed')) return current;
  return taskResults.indexOf(coming) >= taskResults.indexOf(current) ? coming : current;
}

interface TaskRunSetting {
  readonly masker: SecretMasker;
  readonly debug: boolean;
  readonly manifest: TaskManifest;
  readonly stepName: string;
  readonly variables: Variables;
  readonly taskVariables: Variables;
}

const help = 'http://go.microsoft.com/fwlink/?LinkId=817296';
/** Areas of commands that this agent reads and does not play. */
const otherAreas = new Set(['artifact', 'build', 'codecoverage', 'release', 'results', 'telemetry']);
/** Commands of the area `task` that have no effect here. */
const idleTaskCommands = new Set([
  'logdetail',
  'setprogress',
  'addattachment',
  'uploadsummary',
  'uploadfile',
  'setendpoint',
]);

/** One step's way through the agent: its lines and commands. */
class TaskRun {
  readonly log = new EventLog<AgentEvent>();
  readonly #setting: TaskRunSetting;
  readonly #shown: string[] = [];
  readonly #annotations: Annotation[] = [];
  readonly #written: Written[] = [];
  readonly #set: Record<string, { readonly value: string; readonly secret: boolean }> = {};
  readonly #sentToServer: Record<string, string> = {};
  readonly #paths: string[] = [];
  #result: TaskResult | undefined;
  #commandFailed = false;
  #forceCompleted = false;

  constructor(setting: TaskRunSetting) {
    this.#setting = setting;
  }

  header(title: string): void {
    const { friendlyName, description, version, author, helpMarkDown } = this.#setting.manifest;
    const rule = '='.repeat(78);
    this.#show(`##[section]Starting: ${title}`);
    for (const line of [
      rule,
      `Task         : ${friendlyName}`,
      `Description  : ${description}`,
      `Version      : ${version.Major}.${version.Minor}.${version.Patch}`,
      `Author       : ${author}`,
      `Help         : ${helpMarkDown ?? ''}`,
      rule,
    ]) {
      this.#show(line);
    }
  }

  cancelling(): void {
    this.#annotate('error', 'The Operation will be canceled. The next steps may not contain expected logs.');
  }

  line(stream: Stream, line: string): void {
    const command = parseAgentCommand(line);
    this.#written.push({ where: stream, text: line, ...takenFor(command) });
    if (this.#forceCompleted) return;
    if (command !== undefined) {
      this.#process(command, line);
      return;
    }
    if (line.includes('##vso')) {
      this.#annotate(
        'warning',
        `'${line}' contains logging command keyword '##vso', but it's not a legal command. Please see the list of accepted commands: https://go.microsoft.com/fwlink/?LinkId=817296`,
      );
    }
    const text = this.#setting.masker.mask(line);
    this.#shown.push(text);
    this.log.add({ kind: 'log', stream, text });
  }

  finish(title: string, handler: string, script: string, end: ProcessEnd, cancelled: boolean): AgentResult {
    if (cancelled) {
      this.#annotate('error', 'The operation was canceled.');
      this.#result = 'Canceled';
    } else if (end.exitCode !== 0 && !this.#forceCompleted) {
      this.#annotate(
        'error',
        `Exit code ${end.exitCode ?? `of signal ${end.signal}`} returned from process: file name 'node', arguments '"${script}"'.`,
      );
      this.#result = 'Failed';
    }
    if (this.#commandFailed) this.#result = worse(this.#result ?? 'Failed', 'Failed');
    const result = this.#result ?? 'Succeeded';
    this.#show(`##[section]Finishing: ${title}`);
    this.log.add({ kind: 'end', result });
    this.log.close();
    return {
      title,
      result,
      handler,
      exitCode: end.exitCode,
      signal: end.signal,
      raw: { stdout: end.stdout, stderr: end.stderr },
      displayed: this.#shown.join('\n'),
      annotations: this.#annotations,
      written: this.#written,
      events: this.log.events,
      variables: this.#set,
      sentToServer: this.#sentToServer,
      taskVariables: Object.fromEntries(
        this.#setting.taskVariables.all.map(({ name, value }) => [name, value]),
      ),
      paths: this.#paths,
    };
  }

  #process(command: AgentCommand, line: string): void {
    const { area, event } = command;
    if (area !== 'task' && !otherAreas.has(area)) {
      this.#annotate(
        'warning',
        `Cannot find command extension for ##vso[${area}.command]. Please reference documentation (${help})`,
      );
      return;
    }
    try {
      if (!commandAllowed(this.#setting.manifest, area, event)) {
        this.#refuse(
          `${area}.${event}`,
          `##vso[${area}.${event}] is not allowed in this step due to policy restrictions. Please reference documentation (${help})`,
        );
      } else if (area === 'task') {
        this.#carryOut(command);
      } else {
        this.log.add({ kind: 'command', name: `${area}.${event}`, data: command.data });
      }
    } catch (error) {
      // The agent words the whole command again; only the masks keep a secret in it from being seen.
      this.#commandFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.add({ kind: 'refused', what: `${area}.${event}`, reason });
      this.#annotate(
        'error',
        `Unable to process command '${line}' successfully. Please reference documentation (${help})`,
      );
      this.#annotate('error', reason);
    } finally {
      if (!(area === 'task' && event === 'debug')) this.#debugLine(`Processed: ${unescapeAgent(line)}`);
    }
  }

  #carryOut({ event, properties, data }: AgentCommand): void {
    switch (event) {
      case 'debug':
        this.log.add({ kind: 'debug', message: this.#setting.masker.mask(data) });
        this.#debugLine(data);
        return;
      case 'setsecret':
        this.#setting.masker.add(data);
        this.log.add({ kind: 'mask', value: data, by: 'setsecret' });
        return;
      case 'setvariable':
        this.#setVariable(properties, data);
        return;
      case 'settaskvariable':
        this.#setTaskVariable(properties, data);
        return;
      case 'logissue':
      case 'issue':
        this.#issue(properties, data);
        return;
      case 'complete':
        this.#complete(properties, data);
        return;
      case 'prependpath':
        if (!this.#settable('PATH')) return;
        if (data === '') throw new Error('prependpath');
        this.#paths.push(data);
        this.log.add({ kind: 'path', value: data });
        return;
      default:
        if (!idleTaskCommands.has(event)) {
          throw new Error(
            `##vso[task.${event}] is not a recognized command for task command extension. Please reference documentation (${help}).`,
          );
        }
        this.log.add({ kind: 'command', name: `task.${event}`, data });
    }
  }

  #setVariable(properties: Readonly<Record<string, string>>, value: string): void {
    const { variables, masker, manifest, stepName } = this.#setting;
    const name = properties['variable'];
    if (name === undefined || name === '') {
      throw new Error("Required field 'variable' is missing in ##vso[task.setvariable] command.");
    }
    const secret = isTrue(properties['issecret']);
    const declared = (manifest.outputVariables ?? []).some(
      (one) => one.name.toLowerCase() === name.toLowerCase(),
    );
    const output = isTrue(properties['isoutput']) || declared;
    if (variables.get(name)?.readOnly === true) {
      const warned = variables.get('agent.readOnlyVariables')?.value.toLowerCase() !== 'true';
      if (!warned) throw new Error(`Overwriting readonly variable '${name}' is not permitted.`);
      this.#annotate(
        'warning',
        `Overwriting readonly variable '${name}'. This behavior will be disabled in the future.`,
      );
    }
    if (secret) {
      refuseLineBreak(value, variables);
      masker.add(escapeAgent(value));
      this.log.add({ kind: 'mask', value, by: 'setvariable' });
    }
    if (!this.#settable(name)) return;
    const traits = { secret, preserveCase: isTrue(properties['preservecase']) };
    const known = output ? `${stepName}.${name}` : name;
    variables.set(known, value, {
      ...traits,
      readOnly: isTrue(properties['isoutput']) || isTrue(properties['isreadonly']),
    });
    if (output) this.#sentToServer[name] = value;
    this.#set[known] = { value, secret: variables.get(known)?.secret === true };
    this.log.add({ kind: 'variable', name: known, value, secret, output });
  }

  #setTaskVariable(properties: Readonly<Record<string, string>>, value: string): void {
    const { taskVariables, variables } = this.#setting;
    const name = properties['variable'];
    if (name === undefined || name === '') {
      throw new Error("Required field 'variable' is missing in ##vso[task.settaskvariable] command.");
    }
    const secret = isTrue(properties['issecret']);
    if (secret) refuseLineBreak(value, variables);
    if (taskVariables.get(name)?.readOnly === true) {
      this.#annotate(
        'warning',
        `Overwriting readonly task variable '${name}'. This behavior will be disabled in the future.`,
      );
    }
    taskVariables.set(name, value, {
      secret,
      readOnly: isTrue(properties['isreadonly']),
      preserveCase: isTrue(properties['preservecase']),
    });
    this.log.add({ kind: 'task-variable', name, value, secret });
  }

  #issue(properties: Readonly<Record<string, string>>, message: string): void {
    const type = properties['type'];
    if (type === undefined) {
      this.#annotate('warning', "Can't create TaskIssue from logging event.");
      return;
    }
    const level = type.toLowerCase();
    if (level !== 'error' && level !== 'warning') {
      throw new Error(`issue type ${type} is not an expected issue type.`);
    }
    this.#annotate(level, message, properties);
  }

  #complete(properties: Readonly<Record<string, string>>, message: string): void {
    const result = taskResults.find((one) => one === properties['result']);
    if (result === undefined) throw new Error("Command doesn't have valid result value.");
    this.#result = this.#result === undefined ? result : worse(this.#result, result);
    if (isTrue(properties['done'])) this.#forceCompleted = true;
    this.log.add({ kind: 'complete', result, message: this.#setting.masker.mask(message) });
  }

  #settable(name: string): boolean {
    if (variableSettable(this.#setting.manifest, name)) return true;
    this.#refuse(name, `Setting variable '${name}' has been disabled by the task or build definition.`);
    return false;
  }

  #refuse(what: string, reason: string): void {
    this.log.add({ kind: 'refused', what, reason });
    this.#annotate('warning', reason);
  }

  #annotate(
    level: 'error' | 'warning',
    text: string,
    properties: Readonly<Record<string, string>> = {},
  ): void {
    const message = this.#setting.masker.mask(text);
    if (message !== '') this.#show(`##[${level}]${message}`);
    this.#annotations.push({ level, message, properties });
    this.log.add({ kind: 'annotation', level, message });
  }

  #debugLine(text: string): void {
    if (this.#setting.debug) this.#show(`##[debug]${text}`);
  }

  #show(text: string): void {
    this.#shown.push(this.#setting.masker.mask(text));
  }
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true';
}

/** The agent looks for its own system's line break; this one is Linux's. */
function refuseLineBreak(value: string, variables: Variables): void {
  const allowed = isTrue(variables.get('SYSTEM_UNSAFEALLOWMULTILINESECRET')?.value);
  if (value.includes('\n') && !allowed) throw new Error('Secrets cannot contain multiple lines');
}

/** What a leak check may take a line for. An output variable is no hand-over: its value goes to the server. */
function takenFor(command: AgentCommand | undefined): Pick<Written, 'takenFor' | 'name'> {
  if (command?.area !== 'task') return { takenFor: 'text' };
  if (command.event === 'setsecret') return { takenFor: 'mask' };
  const name = command.properties['variable'];
  const { issecret, isoutput } = command.properties;
  if (command.event !== 'setvariable' || name === undefined) return { takenFor: 'text' };
  return isTrue(issecret) && !isTrue(isoutput) ? { takenFor: 'secret-variable', name } : { takenFor: 'text' };
}
