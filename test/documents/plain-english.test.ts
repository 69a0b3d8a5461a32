import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { expect, test } from '@jest/globals';

/** Rejects old words and phrases in every text that people read: documents, configuration, comments, messages, names of files. */

interface Word {
  readonly avoid: string;
  readonly write: string;
}

const listOfWords = 'test/documents/words-to-avoid.json';
const words = JSON.parse(readFileSync(listOfWords, 'utf8')) as readonly Word[];

/** Files and folders that still contain these words. `npm run bench` rewrites this page from its template. */
const notRewrittenYet: readonly string[] = ['docs/benchmarks.md'];

const notOurs = ['node_modules', 'dist', 'build', '.git', 'package-lock.json', listOfWords];
const endings = ['.md', '.yml', '.yaml', '.json', '.ts', '.mjs', '.sh', '.bicep', '.tf', '.py'];

function texts(folder = '.'): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (notOurs.includes(path)) return [];
    if (entry.isDirectory()) return texts(path);
    return entry.isFile() && endings.includes(extname(path)) ? [path] : [];
  });
}

/** A phrase may be broken over two lines, also inside a comment. */
const betweenWords = String.raw`(?:[^\S\n]|\n[^\S\n]*(?:\*|\/\/|#|>)?[^\S\n]*)+`;
const patterns = words.map(({ avoid, write }) => ({
  write,
  pattern: new RegExp(String.raw`(?<![\w-])${avoid.split(' ').join(betweenWords)}(?![\w-])`, 'giu'),
}));

/** The words in a text, each with its place and with what to write instead. */
function wordsToAvoid(path: string, text: string): readonly string[] {
  return patterns.flatMap(({ pattern, write }) =>
    [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      return `${path}:${line}: "${match[0].replaceAll(/\s+/gu, ' ')}". Write: ${write}`;
    }),
  );
}

test('a word is found alone, in any letter case, and over a line break', () => {
  const [word = ''] = words.map(({ avoid }) => avoid).filter((avoid) => !avoid.includes(' '));
  const [phrase = ''] = words.map(({ avoid }) => avoid).filter((avoid) => avoid.includes(' '));
  const found = (text: string): number => wordsToAvoid('text', text).length;
  expect(found(`It is ${word.toUpperCase()}, is it?`)).toBe(1);
  expect(found(`a comment: ${phrase.replace(' ', '\n * ')} this`)).toBe(1);
  expect(found(`a${word}ed ${word}Failures() ${word}-a-file`)).toBe(0);
});

test('no text contains words to avoid', () => {
  const files = texts().filter((path) => !notRewrittenYet.some((start) => path.startsWith(start)));
  expect(files).toContain('README.md');
  const found = files.flatMap((path) => [
    ...wordsToAvoid(path, path.replaceAll(/[-/.]/gu, ' ')),
    ...wordsToAvoid(path, readFileSync(path, 'utf8')),
  ]);
  expect(found).toEqual([]);
});
