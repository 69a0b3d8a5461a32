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

/** The same escapes in data and properties; the percent sign last (agents decode it unless `DECODE_PERCENTS=false`). */
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

export function parseAgentCommand(line: string): AgentCommand | undefined {
  const start = line.indexOf('##vso[');
  if (start < 0) return undefined;
  const end = line.indexOf(']', start);
  if (end < 0) return undefined;
  const info = line.slice(start + '##vso['.length, end);
  const space = info.indexOf(' ');
  const names = (space < 0 ? info : info.slice(0, space)).split('.').filter((name) => name !== '');
  const [area, event] = names;
  if (area === undefined || event === undefined || names.length !== 2) return undefined;
  const properties: Record<string, string> = {};
  for (const pair of (space > 0 ? info.slice(space + 1) : '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals <= 0 || equals === pair.length - 1) continue;
    properties[pair.slice(0, equals).toLowerCase()] = unescapeAgent(pair.slice(equals + 1));
  }
  return {
    area: area.toLowerCase(),
    event: event.toLowerCase(),
    properties,
    data: unescapeAgent(line.slice(end + 1)),
  };
}
