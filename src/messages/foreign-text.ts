/**
 * The one place that text from outside passes on its way into a message: a server's words, a header, a tool's output.
 * Secrets are hidden before the text is cut, because a host does not recognize a part of a secret. (Commands and
 * control characters are the host's part: `hosts/sanitize.ts`.)
 */
export function foreignText(text: string, secrets: ReadonlySet<string>, most: number): string {
  const hidden = hideSecrets(text, secrets);
  return hidden.length <= most ? hidden : `${hidden.slice(0, most - 1)}…`;
}

/** An address from outside, without the parts that can be secret: user, password, query and fragment. */
export function foreignAddress(text: string, secrets: ReadonlySet<string>): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.host === '')
    return `a text of ${text.length} characters that is not an address`;
  const { protocol, host, pathname, username, password } = url;
  const address = foreignText(`${protocol}//${host}${pathname === '/' ? '' : pathname}`, secrets, 200);
  return username === '' && password === '' ? address : `${address} (with a user name or password)`;
}

/** The same as `foreignText`, but keeps the end, from the start of a line on. */
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
    hidePieces(hidden, secrets)
      // A JSON web token, whole or cut off.
      .replace(/eyJ[\w.~+/=-]{16,}/gu, mark)
      // Any other run of the alphabets of base64 that is longer than an ID, a host name or a path usually is.
      .replace(/[\w+/=~-]{100,}/gu, mark)
  );
}

/** This many letters and digits of a secret in a row are a piece of it. No word that a reader needs is hidden by chance. */
const pieceLength = 12;

/**
 * Hides every piece of a secret, also one that was wrapped, spaced out, escaped or changed in letter case on its way: only
 * letters and digits are compared. Linear in the length of the text and of the secrets.
 */
function hidePieces(text: string, secrets: ReadonlySet<string>): string {
  const { bare, starts, ends } = lettersAndDigits(text);
  if (bare.length < pieceLength) return text;
  const inText = new Set<string>();
  for (let at = 0; at + pieceLength <= bare.length; at += 1) inText.add(bare.slice(at, at + pieceLength));
  const found = new Set<string>();
  for (const secret of secrets) {
    const letters = secret.replace(/[^A-Za-z0-9]/gu, '').toLowerCase();
    for (let at = 0; at + pieceLength <= letters.length; at += 1) {
      const piece = letters.slice(at, at + pieceLength);
      if (inText.has(piece)) found.add(piece);
    }
  }
  if (found.size === 0) return text;

  let result = '';
  let shown = 0;
  let hiddenUntil = -1;
  for (let at = 0; at + pieceLength <= bare.length; at += 1) {
    if (!found.has(bare.slice(at, at + pieceLength))) continue;
    // A piece that begins inside or right after the last one continues it, with everything that stands between.
    if (at > hiddenUntil) result += text.slice(shown, starts[at]) + mark;
    hiddenUntil = at + pieceLength;
    shown = ends[hiddenUntil - 1] ?? text.length;
  }
  return result + text.slice(shown);
}

/** A percent escape (also one that was escaped again), an escape of JavaScript or HTML, or a letter or digit itself. */
const letter =
  /%(?:25)*([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\u[0-9a-f]{4}|&#x0{0,6}([0-9a-f]{2,6});|&#0{0,6}([0-9]{2,7});|[A-Za-z0-9]/giu;

/** The letters and digits of a text in lower case, and where each begins and ends in it. */
function lettersAndDigits(text: string): {
  readonly bare: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
} {
  const letters: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (const match of text.matchAll(letter)) {
    const [whole, percent, javascript, hexadecimal, decimal] = match;
    const hex = percent ?? javascript ?? hexadecimal;
    const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
    const character = whole.length === 1 ? whole : code < 128 ? String.fromCharCode(code) : '';
    if (!/^[A-Za-z0-9]$/u.test(character)) continue;
    letters.push(character.toLowerCase());
    starts.push(match.index);
    ends.push(match.index + whole.length);
  }
  return { bare: letters.join(''), starts, ends };
}
