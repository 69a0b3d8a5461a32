/**
 * How the Azure Pipelines agent finds a command in a line of output: `##vso[area.event key=value;…]data`, anywhere.
 * Source: azure-pipelines-agent `Microsoft.VisualStudio.Services.Agent/Command.cs`,
 * `Agent.Sdk/CommandStringConvertor.cs`.
 */
export interface AgentCommand {
  readonly area: string;
  readonly event: string;
  /** Keys in lower case. */
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The same escapes in data and properties. The percent sign is last; agents decode it unless `DECODE_PERCENTS=false`. */
const escapes = [
  ['%3B', ';'],
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%5D', ']'],
  ['%AZP25', '%'],
] as const;

export function unescapeAgent(text: string): string {
  return escapes.reduce((result, [escaped, character]) => result.replaceAll(escaped, character), text);
}

export function escapeAgent(text: string): string {
  return [...escapes]
    .reverse()
    .reduce((result, [escaped, character]) => result.replaceAll(character, escaped), text);
}

const prefix = '##vso[';

export function parseAgentCommand(line: string): AgentCommand | undefined {
  const start = cultureIndexOf(line, prefix);
  if (start < 0) return undefined;
  const end = line.indexOf(']', start);
  if (end < 0) return undefined;
  // The agent skips as many characters as the prefix has, also when ignorable ones stand in it: the area then begins too early.
  const info = line.slice(start + prefix.length, end);
  const space = info.indexOf(' ');
  const names = (space < 0 ? info : info.slice(0, space)).split('.').filter((name) => name !== '');
  const [area, event] = names;
  if (area === undefined || event === undefined || names.length !== 2) return undefined;
  const properties: Record<string, string> = {};
  for (const property of (space > 0 ? info.slice(space + 1) : '').split(';')) {
    const [, key, value] = /^=*([^=]+)=+([\s\S]+)$/.exec(property) ?? [];
    if (key !== undefined && value !== undefined) properties[key.toLowerCase()] = unescapeAgent(value);
  }
  return {
    area: area.toLowerCase(),
    event: event.toLowerCase(),
    properties,
    data: unescapeAgent(line.slice(end + 1)),
  };
}

/** Whether the agent warns about the line that is no command. Source: `WorkerCommandManager.cs`. */
export function looksLikeCommand(line: string): boolean {
  return cultureIndexOf(line, '##vso') >= 0;
}

const collator = new Intl.Collator('en');
const ignorable = new Map<string, boolean>();

/** Whether ICU's collation gives the character no weight at all, such as a soft hyphen or a variation selector. */
export function isIgnorable(character: string): boolean {
  let known = ignorable.get(character);
  if (known === undefined) {
    known = collator.compare(character, '') === 0;
    ignorable.set(character, known);
  }
  return known;
}

/**
 * .NET's `string.IndexOf(string)`, which compares by culture: with ICU, ignorable characters do not count. The agent
 * calls it without `StringComparison.Ordinal`, so such a character does not hide a command.
 */
function cultureIndexOf(text: string, sought: string): number {
  const exact = text.indexOf(sought);
  if (/^[ -~]*$/.test(text)) return exact;
  const places: number[] = [];
  let significant = '';
  let at = 0;
  for (const character of text) {
    if (!isIgnorable(character)) {
      significant += character;
      for (let unit = 0; unit < character.length; unit += 1) places.push(at + unit);
    }
    at += character.length;
  }
  const found = places[significant.indexOf(sought)];
  if (found === undefined) return exact;
  return exact < 0 ? found : Math.min(exact, found);
}
