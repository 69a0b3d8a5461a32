/**
 * Makes text from outside inert for both hosts' logs: nothing in it can be taken for a command, forge a line or
 * steer a terminal. What a reader needs stays readable.
 *
 * GitHub's runner takes a line that starts with `::`, and `##[` anywhere in it, for a command (actions/runner,
 * `ActionCommand.cs`); the Azure Pipelines agent takes `##vso[` anywhere (azure-pipelines-agent, `Command.cs`) and
 * formats `##[`.
 */
export function inertText(text: string): string {
  return text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/u)
    .map(inertLine)
    .join('\n');
}

function inertLine(line: string): string {
  return (
    line
      .replaceAll('\t', ' ')
      // Control characters, and the invisible ones that reorder or hide text (the "Trojan Source" set).
      .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, '\ufffd')
      .replace(/##(?=\[|vso\[)/giu, '# #')
      .replace(/^(\s*):(?=:)/u, '$1: ')
  );
}
