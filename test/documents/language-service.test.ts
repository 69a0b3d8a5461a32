import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import type { TextFile } from './documents.ts';
import { isWorkflow, yamlTexts } from './steps.ts';

/** What GitHub's own language service, which editors use, says about the action and about workflows. */

const action = readFileSync('action.yml', 'utf8');
const workflows = yamlTexts().filter(isWorkflow);

const ofAWorkflow = '.github/workflows/workflow.yml';
const changed = (good: RegExp, bad: string): TextFile => ({
  path: 'action.yml',
  text: action.replace(good, bad),
});

/** A file with a mistake, and what the service must say about it. */
const mistakes: readonly (readonly [title: string, file: TextFile, words: string])[] = [
  ['an icon that the Marketplace does not have', changed(/icon: .*/u, 'icon: key'), "'key'"],
  ['a color that the Marketplace does not have', changed(/color: .*/u, 'color: pink'), "'pink'"],
  ['a runtime that does not exist', changed(/using: .*/u, 'using: node23'), 'node23'],
  ['a workflow with an unknown key', { path: ofAWorkflow, text: 'on: push\njobz: {}\n' }, "'jobz'"],
];

let ofAction: readonly string[] = [];
let ofMistakes: readonly (readonly string[])[] = [];
let ofWorkflows: readonly (readonly string[])[] = [];

/** One process for all texts, because the service takes a second to load. */
beforeAll(() => {
  const texts: readonly TextFile[] = [
    { path: 'action.yml', text: action },
    ...mistakes.map(([, file]) => file),
    ...workflows.map(({ text }) => ({ path: ofAWorkflow, text })),
  ];
  const program = ['test/documents/language-service.mjs'];
  const output = execFileSync(process.execPath, program, { input: JSON.stringify(texts), encoding: 'utf8' });
  const [first = [], ...others] = JSON.parse(output) as string[][];
  ofAction = first;
  ofMistakes = others.slice(0, mistakes.length);
  ofWorkflows = others.slice(mistakes.length);
});

test('action.yml is valid', () => {
  expect(ofAction).toEqual([]);
});

test.each(mistakes.map(([title, , words], index) => [title, index, words] as const))(
  'it rejects %s',
  (_, index, words) => {
    expect(ofMistakes[index]?.join()).toContain(words);
  },
);

test('every workflow is valid, in files and in documents', () => {
  expect(ofWorkflows.length).toBeGreaterThan(10);
  const found = workflows.map(({ path }, index) => [path, ofWorkflows[index]]);
  expect(found.filter(([, problems]) => problems?.length !== 0)).toEqual([]);
});
