import {
  type AgentCommand,
  escapeAgent,
  looksLikeCommand,
  parseAgentCommand,
  unescapeAgent,
} from './agent-command.ts';
import { commandAllowed, restrictionsOf, type StepTarget, variableSettable } from './agent-restrictions.ts';
import {
  type AgentEvent,
  type AgentResult,
  type Interruption,
  parseTaskResult,
  type TaskResult,
  worse,
} from './agent-result.ts';
import type { Variables } from './agent-variables.ts';
import { dotnetExitCode, type ProcessEnd, type Stream } from './host-process.ts';
import type { SecretMasker } from './secret-masker.ts';
import { StepLog } from './step-log.ts';
import type { TaskManifest } from './task-manifest.ts';
import type { Written } from './transcript.ts';

export interface TaskSetting {
  readonly masker: SecretMasker;
  readonly debug: boolean;
  readonly manifest: TaskManifest;
  readonly stepName: string;
  readonly target: StepTarget | undefined;
  readonly variables: Variables;
  readonly taskVariables: Variables;
  /** Called at `done=true`: the agent soon stops listening to the task. */
  readonly doneSoon: () => void;
}

export interface StartedNode {
  readonly handler: string;
  readonly nodeMajor: number;
  readonly nodePath: string;
  readonly script: string;
}

/** Source: azure-pipelines-agent `JobServerQueue.cs`. */
const longestConsoleEntry = 1024;

const help = 'http://go.microsoft.com/fwlink/?LinkId=817296';
const readOnlyHelp =
  'See https://github.com/microsoft/azure-pipelines-yaml/blob/master/design/readonly-variables.md for details.';
/** Areas of commands that this agent reads and does not play. */
const otherAreas: ReadonlySet<string> = new Set([
  'artifact',
  'build',
  'codecoverage',
  'release',
  'results',
  'telemetry',
]);
/** Commands of the area `task` that have no effect here. */
const idleTaskCommands: ReadonlySet<string> = new Set([
  'logdetail',
  'setprogress',
  'addattachment',
  'uploadsummary',
  'uploadfile',
  'setendpoint',
]);

/** What the agent does with one step: its lines and commands. */
export class AgentStep {
  readonly log: StepLog<AgentEvent>;
  readonly #setting: TaskSetting;
  readonly #set: Record<string, { readonly value: string; readonly secret: boolean }> = {};
  readonly #sentToServer: Record<string, string> = {};
  readonly #paths: string[] = [];
  #result: TaskResult | undefined;
  #commandFailed = false;
  #forceCompleted = false;

  constructor(setting: TaskSetting) {
    this.#setting = setting;
    this.log = new StepLog(setting);
  }

  /** Source: `StepsRunner.cs`, `TaskRunner.cs` (`PrintTaskMetaData`). */
  header(): void {
    const { friendlyName, description, version, author, helpMarkDown } = this.#setting.manifest;
    const rule = '='.repeat(78);
    this.log.show(`##[section]Starting: ${friendlyName}`);
    for (const line of [
      rule,
      `Task         : ${friendlyName}`,
      `Description  : ${description}`,
      `Version      : ${version.Major}.${version.Minor}.${version.Patch}`,
      `Author       : ${author}`,
      `Help         : ${helpMarkDown ?? ''}`,
      rule,
    ]) {
      this.log.show(line);
    }
  }

  warn(message: string): void {
    this.#issue('warning', message);
  }

  interrupting(why: Interruption): void {
    if (why === 'timed-out') return;
    this.#issue('error', 'The Operation will be canceled. The next steps may not contain expected logs.');
  }

  signal(signal: NodeJS.Signals): void {
    this.log.events.add({ kind: 'signal', signal });
  }

  line(stream: Stream, line: string): void {
    const command = parseAgentCommand(line);
    this.log.written.push({ where: stream, text: line, ...takenFor(command) });
    if (this.#forceCompleted) return;
    if (command !== undefined) {
      this.#process(command, line);
      return;
    }
    if (looksLikeCommand(line)) {
      this.#issue(
        'warning',
        `'${line}' contains logging command keyword '##vso', but it's not a legal command. Please see the list of accepted commands: https://go.microsoft.com/fwlink/?LinkId=817296`,
      );
    }
    const text = this.log.mask(line);
    this.log.show(text);
    this.log.events.add({ kind: 'log', stream, text });
  }

  /** What the process writes from now on is dropped. Source: `NodeHandler.cs`, `OnDataReceived`. */
  forceComplete(): void {
    this.#forceCompleted = true;
    this.log.debug(
      'The task was marked as "done", but the process has not closed after 5 seconds. Treating the task as complete.',
    );
  }

  finish(
    title: string,
    started: StartedNode,
    end: ProcessEnd,
    interruption: Interruption | undefined,
  ): AgentResult {
    if (interruption === 'canceled') {
      this.#issue('error', 'The operation was canceled.');
      this.#result = 'Canceled';
    } else if (interruption === 'timed-out') {
      this.#issue('error', 'The task has timed out.');
      this.#result = 'Failed';
    } else if (!this.#forceCompleted && dotnetExitCode(end) !== 0) {
      this.#issue(
        'error',
        `Exit code ${dotnetExitCode(end)} returned from process: file name '${started.nodePath}', arguments '"${started.script}"'.`,
      );
      this.#result = 'Failed';
    }
    if (this.#commandFailed) this.#result = worse(this.#result, 'Failed');
    const result = this.#result ?? 'Succeeded';
    this.log.show(`##[section]Finishing: ${this.#setting.manifest.friendlyName}`);
    return this.#report(title, started, result, end);
  }

  /** A step whose condition is false. Source: `StepsRunner.cs`. */
  skip(title: string, condition: string): AgentResult {
    this.log.show(`Skipping step due to condition evaluation.\nEvaluating: ${condition}\nResult: False\n`);
    const nothing = {
      exitCode: undefined,
      signal: undefined,
      stdout: '',
      stderr: '',
      streamsLeftOpen: false,
    };
    return this.#report(title, { handler: '', nodeMajor: 0, nodePath: '', script: '' }, 'Skipped', nothing);
  }

  #report(title: string, started: StartedNode, result: TaskResult, end: ProcessEnd): AgentResult {
    this.log.events.add({ kind: 'end', result });
    this.log.events.close();
    return {
      title,
      result,
      handler: started.handler,
      nodeMajor: started.nodeMajor,
      exitCode: end.exitCode,
      signal: end.signal,
      streamsLeftOpen: end.streamsLeftOpen,
      raw: { stdout: end.stdout, stderr: end.stderr },
      displayed: this.log.entries.join('\n'),
      console: this.log.entries.map(asInTheConsole).join('\n'),
      debugLines: this.log.debugLines,
      annotations: this.log.annotations,
      issueCounts: this.log.issueCounts,
      written: this.log.written,
      events: this.log.events.events,
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
      this.#issue(
        'warning',
        `Cannot find command extension for ##vso[${area}.command]. Please reference documentation (${help})`,
      );
      return;
    }
    try {
      if (!this.#passes((restricted) => commandAllowed(restricted, area, event))) {
        this.#refuse(
          `${area}.${event}`,
          `##vso[${area}.${event}] is not allowed in this step due to policy restrictions. Please reference documentation (${help})`,
        );
      } else if (area === 'task') {
        this.#carryOut(command);
      } else {
        this.log.events.add({ kind: 'command', name: `${area}.${event}`, data: command.data });
      }
    } catch (error) {
      // The agent repeats the whole command. Only masks keep a secret in it out of sight.
      this.#commandFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.events.add({ kind: 'refused', what: `${area}.${event}`, reason });
      this.#issue(
        'error',
        `Unable to process command '${line}' successfully. Please reference documentation (${help})`,
      );
      this.#issue('error', reason);
    } finally {
      if (!(area === 'task' && event === 'debug')) this.log.debug(`Processed: ${unescapeAgent(line)}`);
    }
  }

  #carryOut({ event, properties, data }: AgentCommand): void {
    switch (event) {
      case 'debug':
        this.log.events.add({ kind: 'debug', message: this.log.mask(data) });
        this.log.debug(data);
        return;
      case 'setsecret':
        this.#setting.masker.add(data);
        this.log.events.add({ kind: 'mask', value: data, by: 'setsecret' });
        return;
      case 'setvariable':
        this.#setVariable(properties, data);
        return;
      case 'settaskvariable':
        this.#setTaskVariable(properties, data);
        return;
      case 'logissue':
      case 'issue':
        this.#logIssue(properties, data);
        return;
      case 'complete':
        this.#complete(properties, data);
        return;
      case 'prependpath':
        if (!this.#settable('PATH')) return;
        if (data === '') throw new Error(missingField('path', 'prependpath'));
        this.#paths.push(data);
        this.log.events.add({ kind: 'path', value: data });
        return;
      default:
        if (!idleTaskCommands.has(event)) {
          throw new Error(
            `##vso[task.${event}] is not a recognized command for task command extension. Please reference documentation (${help}).`,
          );
        }
        this.log.events.add({ kind: 'command', name: `task.${event}`, data });
    }
  }

  #setVariable(properties: Readonly<Record<string, string>>, value: string): void {
    const { variables, masker, manifest, stepName } = this.#setting;
    const name = properties['variable'];
    if (name === undefined || name === '') throw new Error(missingField('variable', 'setvariable'));
    const secret = isTrue(properties['issecret']);
    const declared = (manifest.outputVariables ?? []).some(
      (one) => one.name.toLowerCase() === name.toLowerCase(),
    );
    const output = isTrue(properties['isoutput']) || declared;
    if (variables.get(name)?.readOnly === true) {
      if (isTrue(variables.get('agent.readOnlyVariables')?.value)) {
        throw new Error(`Overwriting readonly variable '${name}' is not permitted. ${readOnlyHelp}`);
      }
      this.#issue(
        'warning',
        `Overwriting readonly variable '${name}'. This behavior will be disabled in the future. ${readOnlyHelp}`,
      );
    }
    if (secret) {
      refuseLineBreak(value, variables);
      masker.add(escapeAgent(value));
      this.log.events.add({ kind: 'mask', value, by: 'setvariable' });
    }
    if (!this.#settable(name)) return;
    const known = output ? `${stepName}.${name}` : name;
    variables.set(known, value, {
      secret,
      preserveCase: isTrue(properties['preservecase']),
      readOnly: isTrue(properties['isoutput']) || isTrue(properties['isreadonly']),
    });
    if (output) this.#sentToServer[name] = value;
    this.#set[known] = { value, secret: variables.get(known)?.secret === true };
    this.log.events.add({ kind: 'variable', name: known, value, secret, output });
  }

  #setTaskVariable(properties: Readonly<Record<string, string>>, value: string): void {
    const { taskVariables, variables } = this.#setting;
    const name = properties['variable'];
    if (name === undefined || name === '') throw new Error(missingField('variable', 'settaskvariable'));
    const secret = isTrue(properties['issecret']);
    if (secret) refuseLineBreak(value, variables);
    if (taskVariables.get(name)?.readOnly === true) {
      this.#issue(
        'warning',
        `Overwriting readonly task variable '${name}'. This behavior will be disabled in the future. ${readOnlyHelp}`,
      );
    }
    taskVariables.set(name, value, {
      secret,
      readOnly: isTrue(properties['isreadonly']),
      preserveCase: isTrue(properties['preservecase']),
    });
    this.log.events.add({ kind: 'task-variable', name, value, secret });
  }

  #logIssue(properties: Readonly<Record<string, string>>, message: string): void {
    const type = properties['type'];
    if (type === undefined) {
      this.#issue('warning', "Can't create TaskIssue from logging event.");
      return;
    }
    const level = type.toLowerCase();
    if (level !== 'error' && level !== 'warning') {
      throw new Error(`issue type ${type} is not an expected issue type.`);
    }
    this.#issue(level, message, properties);
  }

  #complete(properties: Readonly<Record<string, string>>, message: string): void {
    const result = parseTaskResult(properties['result']);
    if (result === undefined) throw new Error("Command doesn't have valid result value.");
    this.#result = worse(this.#result, result);
    this.log.events.add({ kind: 'complete', result, message: this.log.mask(message) });
    if (isTrue(properties['done'])) this.#setting.doneSoon();
  }

  #passes(rule: (restricted: Pick<TaskManifest, 'restrictions'>) => boolean): boolean {
    return restrictionsOf(this.#setting.manifest, this.#setting.target).every(rule);
  }

  #settable(name: string): boolean {
    if (this.#passes((restricted) => variableSettable(restricted, name))) return true;
    this.#refuse(name, `Setting variable '${name}' has been disabled by the task or build definition.`);
    return false;
  }

  #refuse(what: string, reason: string): void {
    this.log.events.add({ kind: 'refused', what, reason });
    this.#issue('warning', reason);
  }

  #issue(level: 'error' | 'warning', text: string, properties: Readonly<Record<string, string>> = {}): void {
    const message = this.log.issue(level, text, properties);
    this.log.events.add({ kind: 'annotation', level, message });
  }
}

function asInTheConsole(entry: string): string {
  return entry.length > longestConsoleEntry ? `${entry.slice(0, longestConsoleEntry)}...` : entry;
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'true';
}

/** .NET's `ArgumentNullException` makes a parameter of the sentence. */
function missingField(field: string, command: string): string {
  return `Value cannot be null. (Parameter 'Required field '${field}' is missing in ##vso[task.${command}] command.')`;
}

/** The agent looks for the line break of its own system; this is Linux's. */
function refuseLineBreak(value: string, variables: Variables): void {
  const allowed = isTrue(variables.get('SYSTEM_UNSAFEALLOWMULTILINESECRET')?.value);
  if (value.includes('\n') && !allowed) throw new Error('Secrets cannot contain multiple lines');
}

/** What a leak check may take a line for. An output variable hands nothing over: its value goes to the server. */
function takenFor(command: AgentCommand | undefined): Pick<Written, 'takenFor' | 'name'> {
  if (command?.area !== 'task') return { takenFor: 'text' };
  if (command.event === 'setsecret') return { takenFor: 'mask' };
  const name = command.properties['variable'];
  const { issecret, isoutput } = command.properties;
  if (command.event !== 'setvariable' || name === undefined) return { takenFor: 'text' };
  return isTrue(issecret) && !isTrue(isoutput) ? { takenFor: 'secret-variable', name } : { takenFor: 'text' };
}
