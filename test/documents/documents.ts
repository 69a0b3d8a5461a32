import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file: its path from the repository's root, and its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
}

const folders = ['.github', 'ado-task', 'docs', 'emulator', 'examples', 'infra', 'test'];

/** The documents and configuration files that people read and copy: files whose names end in `ending`. */
export function documents(ending: string): readonly TextFile[] {
  const nested = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return [...readdirSync('.'), ...nested]
    .filter((path) => path.endsWith(ending))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The fenced code blocks of a document. The indentation of a block is removed. */
export function codeBlocks(markdown: string): readonly CodeBlock[] {
  return [...markdown.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gmu)].map((match) => {
    const [, indentation = '', language = '', code = ''] = match;
    return { language, code: code.replaceAll(new RegExp(`^${indentation}`, 'gmu'), '') };
  });
}

/** The rows of the table with these column titles. Each row is a list of its cells. */
export function tableRows(markdown: string, ...titles: readonly string[]): readonly (readonly string[])[] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => cells(line).join('|') === titles.join('|'));
  if (start === -1) throw new Error(`no table has the columns ${titles.join(', ')}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end === -1 ? undefined : end).map(cells);
}

function cells(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The targets of a document's links and pictures. Code is ignored. */
export function linkTargets(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^( *)```[\s\S]*?^ *```$/gmu, '').replaceAll(/`[^`\n]*`/gu, 'code');
  return [...prose.matchAll(/\]\(([^()\s]+)\)/gu)].map(([, target = '']) => target);
}

/** The anchors of a document's headings, formed as GitHub does. */
export function anchors(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^( *)```[\s\S]*?^ *```$/gmu, '');
  return [...prose.matchAll(/^#+ (.+)$/gmu)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
