/**
 * Makes text harmless for both hosts' logs: nothing in it can be taken for a command, forge a line or control a
 * terminal. What a reader needs stays readable.
 *
 * GitHub's runner takes a line that starts with `::`, and `##[` anywhere in it, for a command (actions/runner,
 * `ActionCommand.cs`). The Azure Pipelines agent takes `##vso[` anywhere (azure-pipelines-agent, `Command.cs`), finds
 * it even if invisible characters stand inside it, formats `##[`, and warns about `##vso` without a bracket
 * (`WorkerCommandManager.cs`).
 */
export function sanitizeForLog(text: string): string {
  return text
    .split(/\r\n|[\n\r\u000b\f\u0085\u2028\u2029]/u)
    .map(sanitizeLine)
    .join('\n');
}

function sanitizeLine(line: string): string {
  return (
    line
      .replaceAll('\t', ' ')
      // Control characters, and invisible ones that hide or reorder text. Replaced, because removing one could join
      // its neighbors into a command.
      .replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '\ufffd')
      // Between the letters of a command the agent's search (ICU) ignores those characters and many marks too, so
      // everything that is not printable ASCII counts as ignored here.
      .replace(/#([^ -~]*)#(?=[^ -~]*(?:\[|v[^ -~]*s[^ -~]*o))/giu, '# $1#')
      .replace(/^(\s*):(?=:)/u, '$1: ')
  );
}

const registered = new Set<string>();

/**
 * The forms in which a secret can be printed, each once in a process: itself, its parts, and base64 text with it inside.
 * A token arrives, is handed over and stands in a list of tokens, and each form is a line of the log.
 */
export function newSecretForms(value: string): readonly string[] {
  const forms = [value, ...tokenParts(value), ...base64Forms(value)].filter((form) => !registered.has(form));
  for (const form of forms) registered.add(form);
  return forms;
}

/** Base64 text of this many characters at least is specific enough to be masked. */
const shortest = 16;

/** The payload and the signature of a token: a token that is printed in parts stays hidden. */
export function tokenParts(value: string): readonly string[] {
  const parts = value.split('.');
  return parts.length === 3 ? parts.slice(1).filter((part) => part.length >= shortest) : [];
}

/**
 * The value inside base64 text: one form for each place at which it can start in a group of three bytes. GitHub's
 * runner makes the same three by itself (actions/runner, `ValueEncoders.cs`); the agent does not.
 */
export function base64Forms(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  return [0, 1, 2]
    .map((skipped) => {
      const rest = bytes.subarray(skipped);
      // Only whole groups: what follows the value would change the last one.
      return rest.subarray(0, rest.length - (rest.length % 3)).toString('base64');
    })
    .filter((form) => form.length >= shortest);
}
