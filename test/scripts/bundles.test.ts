import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'acorn';
import { type Bundle, bundles, moduleListFile } from '../../scripts/bundles.ts';
import { noticeTitle, packageFolders } from '../../scripts/license-notices.ts';

/** What is in the built bundles, as the bundler itself lists it. Needs `npm run build`. */

const root = process.cwd();
const modulesOf = (bundle: Bundle): string[] => JSON.parse(readFileSync(moduleListFile(bundle), 'utf8'));

describe.each(bundles)('the bundle of $entry', (bundle) => {
  const modules = modulesOf(bundle);
  const notices = readFileSync(join(bundle.folder, bundle.licenses), 'utf8').split(`\n${'-'.repeat(80)}\n\n`);

  test('has a license notice for this project and every package in it, and for no other', () => {
    const titles = notices.map((notice) => notice.split('\n')[0]);
    expect(titles).toEqual(['.', ...packageFolders(modules)].map((folder) => noticeTitle(root, folder)));
  });

  test('has the text of every license', () => {
    const withoutText = notices.filter(
      (notice) => !/permission|redistribution|terms and conditions|licensed under/iu.test(notice),
    );
    expect(withoutText).toEqual([]);
  });

  test('has no package that a stub replaces', () => {
    // Some code imports other files of the HTTP client, so only its entry points are looked for.
    const replaced = modules.filter((path) =>
      /node_modules\/(?:(?:open|undici)\/|@actions\/http-client\/lib\/(?:index|auth)\.js$)/u.test(path),
    );
    expect(replaced).toEqual([]);
  });
});

test.each(bundles.filter(({ firstFile }) => firstFile === 'es2018'))(
  '$folder/$file can be parsed by an old Node, so that it can say that it is too old',
  ({ folder, file }) => {
    const code = readFileSync(join(folder, file), 'utf8');
    expect(() => parse(code, { ecmaVersion: 2018 })).not.toThrow();
  },
);

test.each([
  ['dist/main', ['@actions/core', '@actions/exec', '@actions/http-client', '@actions/io', '@azure/identity']],
  ['dist/post', ['@actions/core', '@actions/exec', '@actions/io']],
  ['ado-task/EntraAppToken', ['@azure/identity', 'azure-pipelines-task-lib', 'minimatch', 'q']],
])('the notices in %s name packages that were joined with others into one module', (folder, packages) => {
  const text = readFileSync(join(folder, 'licenses.txt'), 'utf8');
  for (const name of packages)
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+, license: `, 'mu'));
});

test('the GitHub bundle imports a stubbed package, and has the stub', () => {
  const [main] = bundles;
  expect(main && modulesOf(main)).toContain('build/scripts/package-stub.js');
});
