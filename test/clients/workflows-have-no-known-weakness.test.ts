import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { zizmor } from './installed.ts';

/** Our workflows and those of the examples against zizmor, which finds weaknesses of GitHub workflows. */

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weak-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The names of the weaknesses that were found, with their places. */
function weaknesses(...words: readonly string[]): readonly string[] {
  const options = ['--offline', '--no-progress', '--strict-collection', '--format', 'json'];
  const { stdout, stderr, error } = spawnSync(zizmor.path, [...options, ...words], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (!stdout.startsWith('[')) throw new Error(stderr);
  const findings = JSON.parse(stdout) as {
    ident: string;
    locations: { concrete: unknown; symbolic: unknown }[];
  }[];
  return findings.map(({ ident, locations }) => `${ident}: ${JSON.stringify(locations[0]?.concrete)}`);
}

test('our workflows and Dependabot’s configuration have none, not even a small one', () => {
  expect(weaknesses('--pedantic', '.github')).toEqual([]);
});

test('the examples’ workflows have none', () => {
  const workflows = readdirSync('examples', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('github.yml'))
    .map((path) => join('examples', path));
  expect(workflows.length).toBeGreaterThan(5);
  expect(weaknesses('--config', 'test/clients/zizmor-of-examples.yml', ...workflows)).toEqual([]);
});

test('a weak workflow is found', () => {
  mkdirSync(join(folder, '.github/workflows'), { recursive: true });
  const script = 'echo $' + '{{ github.event.issue.title }}';
  writeFileSync(
    join(folder, '.github/workflows/weak.yml'),
    `on: issues\njobs:\n  x:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ${script}\n`,
  );
  expect(weaknesses(folder).join('\n')).toContain('template-injection');
});
