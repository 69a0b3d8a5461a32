/**
 * The two forms in which GitHub's runner finds a command in a line of output.
 * Source: actions/runner `Runner.Common/ActionCommand.cs` and `Runner.Worker/ActionCommandManager.cs`.
 */
export interface RunnerCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** Every command that the runner registers, except `internal-set-repo-path`, which is for its own plugins. */
export const runnerCommands: ReadonlySet<string> = new Set([
  'stop-commands',
  'set-env',
  'set-output',
  'save-state',
  'add-path',
  'add-mask',
  'add-matcher',
  'remove-matcher',
  'warning',
  'error',
  'notice',
  'debug',
  'group',
  'endgroup',
  'echo',
]);

type Escapes = readonly (readonly [escaped: string, character: string])[];

/** `%25` is last, so that its result is not unescaped again. */
const dataEscapes: Escapes = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%25', '%'],
];
const propertyEscapes: Escapes = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%3A', ':'],
  ['%2C', ','],
  ['%25', '%'],
];
const oldFormEscapes: Escapes = [
  ['%3B', ';'],
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%5D', ']'],
  ['%25', '%'],
];

function unescaped(text: string, escapes: Escapes): string {
  return escapes.reduce((result, [escaped, character]) => result.replaceAll(escaped, character), text);
}

/** The command of the line, if it is among `registered` (lower case). The new form is tried first. */
export function parseRunnerCommand(line: string, registered: ReadonlySet<string>): RunnerCommand | undefined {
  return newForm(line, registered) ?? oldForm(line, registered);
}

/** `::name key=value,key=value::data`, first in the line after leading white space. */
function newForm(line: string, registered: ReadonlySet<string>): RunnerCommand | undefined {
  const text = line.trimStart();
  if (!text.startsWith('::')) return undefined;
  const end = text.indexOf('::', 2);
  if (end < 0) return undefined;
  return command(text.slice(2, end), text.slice(end + 2), ',', registered, propertyEscapes, dataEscapes);
}

/** `##[name key=value;key=value]data`, anywhere in the line. */
function oldForm(line: string, registered: ReadonlySet<string>): RunnerCommand | undefined {
  const start = line.indexOf('##[');
  if (start < 0) return undefined;
  const end = line.indexOf(']', start);
  if (end < 0) return undefined;
  return command(
    line.slice(start + 3, end),
    line.slice(end + 1),
    ';',
    registered,
    oldFormEscapes,
    oldFormEscapes,
  );
}

function command(
  info: string,
  data: string,
  separator: string,
  registered: ReadonlySet<string>,
  forProperties: Escapes,
  forData: Escapes,
): RunnerCommand | undefined {
  const space = info.indexOf(' ');
  const name = (space < 0 ? info : info.slice(0, space)).toLowerCase();
  if (!registered.has(name)) return undefined;
  const properties: Record<string, string> = {};
  const list = space > 0 ? info.slice(space + 1) : '';
  for (const pair of (separator === ',' ? list.trim() : list).split(separator)) {
    const equals = pair.indexOf('=');
    if (equals <= 0 || equals === pair.length - 1) continue;
    properties[pair.slice(0, equals)] = unescaped(pair.slice(equals + 1), forProperties);
  }
  return { name, properties, data: unescaped(data, forData) };
}
