import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { extensionPage, extensionPageFile } from '../scripts/extension-page.ts';
import { exportTargets, loginTargets } from '../src/azure/tools.ts';
import { camelCase, inputNames, outputNames } from '../src/contract.ts';
import { tableRows } from './documents/documents.ts';

const page = readFileSync(extensionPageFile, 'utf8');
const names = (...titles: readonly string[]): readonly (string | undefined)[] =>
  tableRows(page, ...titles).map(([name]) => name);

test('the extension’s page has the tables of the manifests: npm run docs writes them', () => {
  expect(page).toBe(extensionPage(page));
});

test('it has every input, output and tool', () => {
  expect(names('input', 'required', 'default', 'meaning')).toEqual(
    inputNames.map((name) => `\`${camelCase(name)}\``),
  );
  expect(names('variable', 'meaning')).toEqual(outputNames.map((name) => `\`$(${camelCase(name)})\``));
  expect(names('`export`', 'sets')).toEqual(exportTargets.map((tool) => `\`${tool}\``));
  for (const target of loginTargets) expect(page).toContain(`\`login: ${target}\``);
});

test('a table that was edited by hand is replaced, and the text around it stays', () => {
  const edited = page.replaceAll(/^\| `\$\(expiresOn\)`.*\n/gmu, '');
  expect(edited).not.toBe(page);
  expect(extensionPage(edited)).toBe(page);
});
