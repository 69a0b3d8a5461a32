/**
 * `npm run pictures`: runs the built action against the embedded Azure with a wrong credential, and draws its log as
 * docs/failure.svg. A test holds the picture to what the action prints.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

export const failurePictureFile = 'docs/failure.svg';
const runArguments = ['--run', 'client-id=wrong-subject'];

/** The lines of the log that the picture shows, in this order. The rest differs from run to run, or is a detail. */
const shownLines: readonly {
  readonly start: string;
  readonly style: 'error' | 'plain' | 'command';
  /** Where a continuation begins, in columns. */
  readonly indent: number;
  /** The line ends here, with an ellipsis. */
  readonly until?: string;
  readonly gapBefore?: true;
}[] = [
  { start: 'Could not get a token for', style: 'error', indent: 0 },
  { start: '  login.microsoftonline.com answered', style: 'plain', indent: 2, until: ' Check your' },
  { start: 'Cause:', style: 'plain', indent: 0, gapBefore: true },
  { start: 'Fix:', style: 'plain', indent: 0, gapBefore: true },
  { start: 'The app’s federated identity credential must', style: 'plain', indent: 0 },
  { start: '  issuer ', style: 'plain', indent: 12 },
  { start: '  subject ', style: 'plain', indent: 12 },
  { start: '  audience ', style: 'plain', indent: 12 },
  { start: 'Sign in to tenant', style: 'plain', indent: 0, gapBefore: true },
  { start: '  az ad app federated-credential create', style: 'command', indent: 4 },
];

// Large letters on few columns: a phone shows the picture at half of this width.
const width = 640;
const columns = 60;
const left = 24;
const lineHeight = 23;
const top = 86;

/** @throws if the log does not have every line that the picture shows */
export function failurePicture(log: string): string {
  const lines = log.split('\n');
  let y = top;
  const body = shownLines.flatMap(({ start, style, indent, until, gapBefore }) => {
    const line = lines.find((one) => one.startsWith(start));
    if (line === undefined) throw new Error(`The log has no line that starts with "${start}".`);
    if (gapBefore) y += lineHeight / 2;
    const cut = until === undefined ? -1 : line.indexOf(until);
    return wrap(cut === -1 ? line : `${line.slice(0, cut)} …`, indent).map((part) => {
      // A run of spaces would be drawn as one.
      const words = escapeXml(part).replaceAll(/^ +| {2,}/gu, (spaces) => '\u00a0'.repeat(spaces.length));
      const text = `<text class="${style}" x="${left}" y="${y}">${markLabel(words)}</text>`;
      y += lineHeight;
      return text;
    });
  });
  const height = Math.ceil(y - lineHeight + 28);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<style>${style}</style>
<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10"/>
<path class="bar" d="M1 52V10.5a9.5 9.5 0 0 1 9.5 -9.5H${width - 10.5}a9.5 9.5 0 0 1 9.5 9.5V52z"/>
<text class="title" x="${left}" y="32"><tspan class="prompt">$</tspan> npm run emulator -- ${runArguments.join(' ')}</text>
${body.join('\n')}
</svg>
`;
}

const label =
  'The log of a failed step: what failed, what Entra answered, the cause, the fix, the values of the federated credential, and the command that creates it';

const style = `
text { font: 16px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; fill: #1f2328; }
.ground { fill: #ffffff; stroke: #d1d9e0; }
.bar { fill: #f6f8fa; }
.title, .prompt { fill: #59636e; }
.error { fill: #cf222e; }
.command { fill: #0550ae; }
.label { font-weight: 700; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .ground { fill: #0d1117; stroke: #3d444d; }
  .bar { fill: #151b23; }
  .title, .prompt { fill: #9198a1; }
  .error { fill: #ff7b72; }
  .command { fill: #79c0ff; }
}
`;

/** Breaks a line at a space. A word that is longer than a line breaks after a comma, or else after a slash. */
function wrap(line: string, indent: number): readonly string[] {
  if (line.length <= columns) return [line];
  const start = line.search(/\S/u);
  const space = line.lastIndexOf(' ', columns);
  const wordEnd = line.indexOf(' ', space + 1);
  const wordLength = (wordEnd === -1 ? line.length : wordEnd) - space - 1;
  const inWord = [',', '/']
    .map((mark) => line.lastIndexOf(mark, columns - 1) + 1)
    .find((at) => at > Math.max(space + 1, start));
  const atSpace = space > start ? space : columns;
  const at = wordLength > columns - indent ? (inWord ?? atSpace) : atSpace;
  return [line.slice(0, at), ...wrap(' '.repeat(indent) + line.slice(at).trimStart(), indent)];
}

function markLabel(text: string): string {
  return text.replace(/^(?:Cause|Fix):/u, (name) => `<tspan class="label">${name}</tspan>`);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const emulator = fileURLToPath(new URL('../emulator/cli.js', import.meta.url));
  // The step fails, and so does the command.
  const { stdout } = await promisify(execFile)(process.execPath, [emulator, ...runArguments]).catch(
    (error: { stdout: string }) => error,
  );
  writeFileSync(failurePictureFile, failurePicture(stdout));
}
