import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { troubleshooting, troubleshootingFile } from '../scripts/troubleshooting.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';

test('the troubleshooting page is up to date with the tables (npm run docs writes it)', () => {
  expect(readFileSync(troubleshootingFile, 'utf8')).toBe(troubleshooting());
});

test('every code has its own heading', () => {
  const page = troubleshooting();
  for (const code of entraCodes.flatMap((row) => row.codes)) {
    expect(page).toMatch(new RegExp(`^### AADSTS${code}(:|$)`, 'mu'));
  }
});

test('headings fit into a table of contents, and each is there once', () => {
  const headings = [...troubleshooting().matchAll(/^#+ (.+)$/gmu)].map(([, heading = '']) => heading);
  expect(headings.filter((heading) => heading.length > 100)).toEqual([]);
  expect(headings.filter((heading, index) => headings.indexOf(heading) !== index)).toEqual([]);
});

test('the commands that create the credential are there once', () => {
  expect(troubleshooting().split('az ad app federated-credential create')).toHaveLength(2);
});
