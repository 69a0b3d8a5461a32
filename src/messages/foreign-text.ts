/**
 * The one place that text from outside passes on its way into a message: a server's words, a header, a tool's output.
 * Secrets are hidden before the text is cut, because a host does not recognize a part of a secret. (Commands and
 * control characters are the host's part: `hosts/sanitize.ts`.)
 */
export function foreignText(text: string, secrets: ReadonlySet<string>, most: number): string {
  const hidden = hideSecrets(text, secrets);
  return hidden.length <= most ? hidden : `${hidden.slice(0, most - 1)}…`;
}

/** The same, but keeps the end, from the start of a line on. */
export function foreignEnd(text: string, secrets: ReadonlySet<string>, most: number): string {
  const hidden = hideSecrets(text, secrets);
  if (hidden.length <= most) return hidden;
  const end = hidden.slice(-most);
  const line = end.indexOf('\n');
  return line === -1 ? `…${end.slice(1)}` : end.slice(line + 1);
}

const mark = '***';
/** No regular expression sees more than this. */
const longestRead = 64 * 1024;

function hideSecrets(text: string, secrets: ReadonlySet<string>): string {
  let hidden = text.slice(0, longestRead);
  for (const secret of secrets) if (secret.length >= 8) hidden = hidden.replaceAll(secret, mark);
  return (
    hidden
      // A JSON web token, whole or cut off.
      .replace(/eyJ[\w.~+/=-]{16,}/gu, mark)
      // Any other run of the alphabets of base64 that is longer than an ID, a host name or a path usually is.
      .replace(/[\w+/=~-]{100,}/gu, mark)
  );
}
