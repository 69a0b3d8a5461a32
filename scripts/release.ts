/**
 * `npm run release -- X.Y.Z`: sets the version, builds, packages, commits and tags. Never pushes.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  canHaveVersion,
  nextVersions,
  parseVersion,
  withReleaseHeading,
  withVersion,
} from './release-version.ts';
import { packVsix } from './vsix.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const wanted = process.argv[2] ?? '';

try {
  await release();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function release(): Promise<void> {
  const version = parseVersion(wanted);
  if (version === undefined) throw new Error('Usage: npm run release -- X.Y.Z, three numbers.');
  const current = parseVersion((JSON.parse(read('package.json')) as { version: string }).version);
  const possible = current === undefined ? [] : nextVersions(current);
  if (!possible.includes(wanted)) {
    throw new Error(`${wanted} cannot follow the version in package.json. Possible: ${possible.join(', ')}.`);
  }
  if (git('status', '--porcelain') !== '') {
    throw new Error('The working tree has changes. Commit or remove them first: git status');
  }
  const tag = `v${wanted}`;
  if (git('tag', '--list', tag) !== '') throw new Error(`The tag ${tag} already exists.`);

  // Everything is computed before the first file is written.
  const changed = git('ls-files')
    .split('\n')
    .filter(canHaveVersion)
    .map((path) => ({ path, text: read(path) }))
    .map(({ path, text }) => ({ path, text, next: withVersion(path, text, version) }))
    .filter(({ text, next }) => next !== text);
  const changelog = withReleaseHeading(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10));
  for (const { path, next } of changed) writeFileSync(join(root, path), next);
  writeFileSync(join(root, 'CHANGELOG.md'), changelog);
  console.log(['Version set in:', ...changed.map(({ path }) => path), 'CHANGELOG.md'].join('\n  '));

  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
    const { path } = await packVsix(root, join(root, 'build'));
    git('add', '--all');
    git('commit', '--quiet', '--message', `Release ${wanted}`);
    git('tag', '--annotate', '--message', `Version ${wanted}`, tag);
    console.log(nextSteps(tag, relative(root, path)));
  } catch (error) {
    console.error('The release is not complete. Undo what it changed: git reset --hard');
    throw error;
  }
}

function nextSteps(tag: string, vsix: string): string {
  return [
    '',
    `${tag} is committed and tagged in this clone. Nothing is pushed. The next steps:`,
    `  1. Test it:               .ci/run`,
    `     If it fails, undo it:  git tag --delete ${tag} && git reset --hard HEAD~1`,
    `  2. Push it:               git push --atomic origin HEAD ${tag}`,
    `     The workflow release.yml then publishes ${tag} on GitHub and moves the tag of its major version.`,
    `  3. Publish the extension: npx tfx extension publish --vsix ${vsix}`,
  ].join('\n');
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function git(...words: readonly string[]): string {
  return execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trimEnd();
}
