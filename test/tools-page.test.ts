import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { lastTested, mergeProofs, readProofs, toolsFile, toolsPage } from '../scripts/tools-page.ts';
import { toolPageRows } from '../scripts/tools-rows.ts';
import { exportTargets, loginTargets } from '../src/azure/tools.ts';

test('the page of tools is what its rows and proofs say: npm run docs writes it', () => {
  expect(readFileSync(toolsFile, 'utf8')).toBe(toolsPage(readProofs()));
});

test('a row that the tests claim to run has a proof, and at least ten rows have one', () => {
  const here = toolPageRows.filter(({ tested }) => tested.kind === 'here');
  expect(here.map((row) => lastTested(row, readProofs())).filter((cell) => cell === 'not run yet')).toEqual(
    [],
  );
  expect(here.length).toBeGreaterThanOrEqual(10);
});

test('every value of export and login has a row', () => {
  const inputs = toolPageRows.map(({ input }) => input).join('\n');
  for (const target of exportTargets) expect(inputs).toContain(`\`export: ${target}\``);
  for (const target of loginTargets) expect(inputs).toContain(`\`login: ${target}\``);
});

test('a new proof replaces an older one of the same tool and leaves the others', () => {
  const kept = [
    { tool: 'b', versions: 'b 1', hosts: 'GitHub Actions' },
    { tool: 'c', versions: 'c 1', hosts: 'GitHub Actions' },
  ];
  const files = [
    { tool: 'b 2.0', versions: { b: 'v2.0' }, host: 'Azure Pipelines on Node 20' },
    { tool: 'b 2.1', versions: { b: '2.1' }, host: 'GitHub Actions' },
  ];
  expect(mergeProofs(kept, files)).toEqual([
    { tool: 'b', versions: 'b 2.0, b 2.1', hosts: 'Azure Pipelines, GitHub Actions' },
    { tool: 'c', versions: 'c 1', hosts: 'GitHub Actions' },
  ]);
});
