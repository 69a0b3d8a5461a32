import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { ActionManifest } from './action-manifest.ts';
import { dotnetExitCode, type ProcessEnd, type Stream } from './host-process.ts';
import { parseRunnerCommand, type RunnerCommand, runnerCommands } from './runner-command.ts';
import { type CommandFile, commandFiles } from './runner-environment.ts';
import { readFileEntries } from './runner-file.ts';
import { mergeInputs } from './runner-inputs.ts';
import type { Conclusion, Interruption, RunnerEvent, RunnerResult } from './runner-result.ts';
import type { SecretMasker } from './secret-masker.ts';
import { StepLog } from './step-log.ts';
import type { AnnotationLevel, Written } from './transcript.ts';

/** Longer messages are cut, in the log too. Source: actions/runner `ExecutionContext.cs`. */
const longestAnnotation = 4096;
/** Source: `FileCommandManager.cs`, `CreateStepSummaryCommand`. */
const largestSummary = 1024 * 1024;

/** Commands that echo does not repeat. Source: `OmitEcho` in `ActionCommandManager.cs`. */
const withoutEcho: ReadonlySet<string> = new Set(['add-mask', 'debug', 'warning', 'error', 'notice']);

const disabledCommand = (name: string) =>
  `The \`${name}\` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the \`ACTIONS_ALLOW_UNSECURE_COMMANDS\` environment variable to \`true\`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/`;
const deprecatedCommand = (name: string) =>
  `The \`${name}\` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/`;
const invalidStopToken =
  "You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command. For more information see: https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions#example-stopping-and-starting-workflow-commands or opt into insecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment variable to `true`.";
const emptyName = (parameter: string) => `Value cannot be null. (Parameter '${parameter}')`;

export interface StepSetting {
  readonly masker: SecretMasker;
  readonly debug: boolean;
  readonly workspace: string;
  /** Called when the runner stops listening to the step, which keeps running. */
  readonly abandon: () => void;
}

/** What the runner does with one step: its lines, commands, and command files. */
export class RunnerStep {
  readonly log: StepLog<RunnerEvent>;
  allowsUnsecureCommands = false;
  readonly #setting: StepSetting;
  readonly #outputs: Record<string, string> = {};
  readonly #exported: Record<string, string> = {};
  readonly #state: Record<string, string> = {};
  readonly #paths: string[] = [];
  #summary = '';
  #failed = false;
  #abandoned = false;
  #echo: boolean;
  #stopToken: string | undefined;

  constructor(setting: StepSetting) {
    this.#setting = setting;
    this.log = new StepLog({ ...setting, longestIssue: longestAnnotation });
    // Source: ExecutionContext.cs, `EchoOnActionCommand = Global.Variables.Step_Debug`.
    this.#echo = setting.debug;
  }

  /** The step's inputs, with the runner's warnings about them in the log. */
  inputs(manifest: ActionManifest, given: Readonly<Record<string, string>>): Record<string, string> {
    this.log.debug('Loading inputs');
    const { inputs, warnings } = mergeInputs(manifest, given);
    for (const warning of warnings) this.#issue('warning', warning);
    this.log.debug('Loading env');
    return inputs;
  }

  /** Source: `Handlers/Handler.cs`, `PrintActionDetails`. */
  header(
    stage: 'main' | 'post',
    group: string,
    inputs: Readonly<Record<string, string>>,
    environment: Readonly<Record<string, string>>,
  ): void {
    if (stage === 'post') {
      this.log.show('Post job cleanup.');
      return;
    }
    this.log.show(`##[group]Run ${group}`);
    const given = Object.entries(inputs).filter(([, value]) => value !== '');
    if (Object.keys(inputs).length > 0) this.log.show('with:');
    for (const [name, value] of given) this.log.show(`  ${name}: ${value}`);
    if (Object.keys(environment).length > 0) this.log.show('env:');
    for (const [name, value] of Object.entries(environment)) this.log.show(`  ${name}: ${value}`);
    this.log.show('##[endgroup]');
  }

  line(stream: Stream, line: string): void {
    if (this.#abandoned) return;
    const registered =
      this.#stopToken === undefined
        ? runnerCommands
        : new Set([...runnerCommands, this.#stopToken.toLowerCase()]);
    const command = parseRunnerCommand(line, registered);
    const carriedOut = command !== undefined && this.#process(command, line);
    this.log.written.push({
      where: stream,
      text: line,
      ...(carriedOut ? takenFor(command) : { takenFor: 'text' }),
    });
    if (carriedOut) return;
    const text = this.log.mask(line.replace(/##\[(start-action|end-action)/g, '##[\\$1'));
    this.log.show(text);
    this.log.events.add({ kind: 'log', stream, text });
  }

  signal(signal: NodeJS.Signals): void {
    this.log.events.add({ kind: 'signal', signal });
  }

  finish(
    title: string,
    end: ProcessEnd,
    paths: Readonly<Record<CommandFile, string>>,
    interruption: Interruption | undefined,
  ): RunnerResult {
    // Source: NodeScriptActionHandler.cs: printed for exit code 0 too, and not after a cancel.
    if (interruption === undefined && !this.#abandoned) {
      this.log.debug(`Node Action run completed with exit code ${dotnetExitCode(end)}`);
    }
    const files = Object.fromEntries(commandFiles.map((file) => [file, textOf(paths[file]) ?? ''])) as Record<
      CommandFile,
      string
    >;
    for (const file of commandFiles) this.#readFile(file, files[file]);
    for (const path of Object.values(paths)) rmSync(path, { force: true });
    if (interruption === 'cancelled') this.#issue('error', 'The operation was canceled.');
    if (interruption === 'timed-out') {
      // Source: StepsRunner.cs; this runner's steps all have the same limit.
      this.#issue('error', `The action '${title}' has timed out after 1 minutes.`);
    }
    const ranToItsEnd = interruption === undefined && !this.#abandoned;
    const failed = this.#failed || interruption === 'timed-out' || (ranToItsEnd && end.exitCode !== 0);
    const conclusion = interruption === 'cancelled' ? 'cancelled' : failed ? 'failure' : 'success';
    return this.#result(title, conclusion, end, files);
  }

  /** A step whose condition is false. Source: `StepsRunner.cs`. */
  skip(title: string): RunnerResult {
    const nothing = {
      exitCode: undefined,
      signal: undefined,
      stdout: '',
      stderr: '',
      streamsLeftOpen: false,
    };
    const files = Object.fromEntries(commandFiles.map((file) => [file, ''])) as Record<CommandFile, string>;
    return this.#result(title, 'skipped', nothing, files);
  }

  #result(
    title: string,
    conclusion: Conclusion,
    end: ProcessEnd,
    files: Readonly<Record<CommandFile, string>>,
  ): RunnerResult {
    this.log.debug(`Finishing: ${title}`);
    this.log.events.add({ kind: 'end', conclusion });
    this.log.events.close();
    return {
      title,
      conclusion,
      exitCode: end.exitCode,
      signal: end.signal,
      streamsLeftOpen: end.streamsLeftOpen,
      raw: { stdout: end.stdout, stderr: end.stderr },
      displayed: this.log.entries.map(asOnThePage).join('\n'),
      debugLines: this.log.debugLines,
      annotations: this.log.annotations,
      written: this.log.written,
      events: this.log.events.events,
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
      if (command.name !== this.#stopToken.toLowerCase()) {
        this.log.debug(
          `Process commands has been stopped and waiting for '##[${this.#stopToken}]' to resume.`,
        );
        return false;
      }
      this.log.show(line);
      this.log.debug('Resume processing commands');
      this.#stopToken = undefined;
      return true;
    }
    if (command.name === 'stop-commands') {
      this.#stopCommands(command.data, line);
      return true;
    }
    if (this.#echo && !withoutEcho.has(command.name)) this.log.show(line);
    try {
      this.#carryOut(command);
    } catch (error) {
      this.#failed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.events.add({ kind: 'refused', what: command.name, reason });
      this.#issue(
        'error',
        `Unable to process command '${withoutEcho.has(command.name) ? command.name : line}' successfully.`,
      );
      this.#issue('error', reason);
    }
    return true;
  }

  /** A bad token ends the step at once; what it writes later is lost. Source: `ActionCommandManager.cs`, `ValidateStopToken`. */
  #stopCommands(token: string, line: string): void {
    if (token === '' || runnerCommands.has(token.toLowerCase()) || token.toLowerCase() === 'pause-logging') {
      this.#failed = true;
      this.log.events.add({ kind: 'refused', what: 'stop-commands', reason: invalidStopToken });
      this.#issue('error', invalidStopToken);
      this.#abandoned = true;
      this.#setting.abandon();
      return;
    }
    this.#stopToken = token;
    if (token.length > 6) this.#setting.masker.add(token);
    this.log.show(line);
    this.log.debug('Paused processing commands until the token you called ::stopCommands:: with is received');
  }

  #carryOut({ name, properties, data }: RunnerCommand): void {
    switch (name) {
      case 'add-mask':
        this.#mask(data);
        return;
      case 'error':
      case 'warning':
      case 'notice':
        this.#issue(name, data, properties);
        return;
      case 'debug':
        this.log.events.add({ kind: 'debug', message: this.log.mask(data) });
        this.#debugLines(data);
        return;
      case 'group':
      case 'endgroup':
        this.log.show(`##[${name}]${name === 'group' ? data : ''}`);
        this.log.events.add({ kind: name, title: this.log.mask(data) });
        return;
      case 'echo':
        if (!/^\s*(?:on|off)\s*$/i.test(data)) {
          throw new Error(
            `Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '${data}'.`,
          );
        }
        this.#echo = /on/i.test(data);
        this.log.debug(`Setting echo command value to '${this.#echo ? 'on' : 'off'}'`);
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
        if (data === '') throw new Error(emptyName('path'));
        this.#prepend(data);
        return;
      case 'set-output':
        this.#issue('warning', deprecatedCommand(name));
        this.#output(required(properties, name), data, 'command');
        return;
      case 'save-state':
        this.#issue('warning', deprecatedCommand(name));
        this.#save(required(properties, name), data, 'command');
        return;
      case 'add-matcher': {
        // What a matcher then does to the log is not played: nothing here depends on it.
        if (data === '') {
          this.#issue('warning', 'File path must be specified.');
          return;
        }
        const file = isAbsolute(data) ? data : join(this.#setting.workspace, data);
        if (!existsSync(file)) throw new Error(`Could not find file '${file}'.`);
        return;
      }
      default:
        return;
    }
  }

  /** Source: `FileCommandManager.cs`, `ProcessFiles`: an error stops that file, and the others are still read. */
  #readFile(file: CommandFile, text: string): void {
    try {
      switch (file) {
        case 'path':
          for (const path of text.split(/\r\n|[\r\n]/).filter((line) => line !== '')) {
            this.log.written.push({ where: 'GITHUB_PATH', text: path, takenFor: 'text' });
            this.#prepend(path);
          }
          return;
        case 'step_summary':
          this.#summarize(text);
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
        default:
          // Artifacts are not played.
          this.log.written.push({ where: `GITHUB_${file.toUpperCase()}`, text, takenFor: 'text' });
          return;
      }
    } catch (error) {
      this.#failed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.written.push({ where: `GITHUB_${file.toUpperCase()}`, text, takenFor: 'text' });
      this.log.events.add({ kind: 'refused', what: `GITHUB_${file.toUpperCase()}`, reason });
      this.#issue('error', `Unable to process file command '${file}' successfully.`);
      this.#issue('error', reason);
    }
  }

  *#entries(where: string, text: string, takenForValue: Written['takenFor']) {
    for (const entry of readFileEntries(text)) {
      this.log.written.push({ where, text: entry.value, takenFor: takenForValue, name: entry.name });
      this.log.written.push({ where: `${where} (name)`, text: entry.name, takenFor: 'text' });
      yield entry;
    }
  }

  #summarize(text: string): void {
    this.log.written.push({ where: 'GITHUB_STEP_SUMMARY', text, takenFor: 'text' });
    const size = Buffer.byteLength(text);
    if (size === 0) return;
    if (size > largestSummary) {
      this.#issue(
        'error',
        `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ${largestSummary / 1024}k, got ${Math.trunc(size / 1024)}k. For more information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary`,
      );
      return;
    }
    this.#summary = text
      .split(/\r\n|[\r\n]/)
      .map((line) => this.log.mask(line))
      .join('\n');
    this.log.events.add({ kind: 'summary', text: this.#summary });
  }

  #mask(data: string): void {
    if (data.trim() === '') {
      this.#issue('warning', "Can't add secret mask for empty string in ##[add-mask] command.");
      return;
    }
    if (this.#echo) this.log.show('::add-mask::***');
    this.#setting.masker.add(data);
    for (const line of data.split(/[\r\n]/)) this.#setting.masker.add(line.trim());
    this.log.events.add({ kind: 'mask', value: data });
  }

  /** GitHub makes no annotation of an empty message. Properties such as the title are not masked. Source: `IssueExtensions.cs`. */
  #issue(level: AnnotationLevel, text: string, properties: Readonly<Record<string, string>> = {}): void {
    if (text === '') return;
    const message = this.log.issue(level, text, properties);
    this.log.events.add({ kind: 'annotation', level, message, properties });
  }

  #export(name: string, value: string, by: 'file' | 'command', whenBlocked: string): void {
    if (name.toUpperCase() === 'NODE_OPTIONS') {
      this.log.events.add({ kind: 'refused', what: name, reason: whenBlocked });
      this.#issue('error', whenBlocked);
      return;
    }
    // Source: ExecutionContext.cs, `SetEnvContext`.
    if (name === '') throw new Error(emptyName('name'));
    this.#exported[name] = value;
    this.#debugLines(`${name}='${value}'`);
    this.log.events.add({ kind: 'environment', name, value, by });
  }

  #prepend(path: string): void {
    this.#paths.push(path);
    this.log.events.add({ kind: 'path', value: path });
  }

  #output(name: string, value: string, by: 'file' | 'command'): void {
    // Source: ExecutionContext.cs, `SetOutput`.
    if (name === '') throw new Error(emptyName('name'));
    setIgnoringCase(this.#outputs, name, value);
    this.#debugLines(`Set output ${name} = ${value}`);
    this.log.events.add({ kind: 'output', name, value, by });
  }

  #save(name: string, value: string, by: 'file' | 'command'): void {
    setIgnoringCase(this.#state, name, value);
    this.#debugLines(`Save intra-action state ${name} = ${value}`);
    this.log.events.add({ kind: 'state', name, value, by });
  }

  /** Source: `ExecutionContext.cs`, the extension `Debug`: one entry per line. */
  #debugLines(text: string): void {
    for (const line of text.replaceAll('\r\n', '\n').split('\n')) this.log.debug(line);
  }
}

/** A dictionary of the runner that ignores letter case keeps the first spelling of a name. Source: `StepsContext.cs`, `ExecutionContext.cs`. */
export function setIgnoringCase(values: Record<string, string>, name: string, value: string): void {
  const known = Object.keys(values).find((one) => one.toLowerCase() === name.toLowerCase());
  values[known ?? name] = value;
}

/** What a leak check may take a command's line for. Legacy commands hand over like the files. */
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

/** Property names ignore letter case. */
function nameProperty(properties: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(properties).find(([key]) => key.toLowerCase() === 'name')?.[1];
}

/** Nothing when the step removed the file: the runner then goes on without it. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** How GitHub's page shows the tags of the log file. */
function asOnThePage(line: string): string {
  return line
    .replace(
      /^##\[(error|warning|notice)\]/,
      (_, level: string) => `${level[0]?.toUpperCase()}${level.slice(1)}: `,
    )
    .replace(/^##\[group\]/, '▼ ')
    .replace(/^##\[endgroup\]$/, '');
}
