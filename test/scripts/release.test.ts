import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { canHaveVersion, releaseNotes } from '../../scripts/release-version.ts';
import { repositoryAddress } from '../../scripts/repository-address.ts';
import { readVsix } from '../../scripts/vsix.ts';

/** `npm run release` in a copy of this repository. Its build is only noted: other tests build. */

const trackedFiles = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((path) => existsSync(path));
const changelog = `# Changelog

## [Unreleased]

### Added

- Something new.

## [0.1.0]

- The first version.
`;

let original: string;
let folder: string;
const git = (...words: readonly string[]): string =>
  execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const readVersion = (path: string): string => (JSON.parse(read(path)) as { version: string }).version;

function script(name: string, ...words: readonly string[]) {
  return spawnSync(process.execPath, [join(folder, 'build/scripts', name), ...words], {
    encoding: 'utf8',
    // A release must not depend on who makes it.
    env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...identity },
  });
}
const identity = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'Maintainer'],
    [`GIT_${who}_EMAIL`, 'maintainer@example.com'],
  ]),
);

/** A commit of this repository's files at version 0.1.0, with what a build leaves beside them. */
beforeAll(() => {
  original = mkdtempSync(join(tmpdir(), 'release-'));
  folder = original;
  const copied = trackedFiles.filter(canHaveVersion);
  for (const path of [...copied, '.gitignore', 'LICENSE', 'ado-task', 'build/scripts']) {
    cpSync(path, join(folder, path), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const build = `node -e "fs.writeFileSync('dist.js', 'built')"`;
  write(
    'package.json',
    read('package.json').replace(/(?<="build": )"(?:[^"\\]|\\.)*"/u, JSON.stringify(build)),
  );
  write('CHANGELOG.md', changelog);
  git('init', '--quiet', '--initial-branch=main');
  commit('Everything');
});
afterAll(() => rmSync(original, { recursive: true, force: true }));

beforeEach(() => {
  git('reset', '--quiet', '--hard', git('rev-list', '--max-parents=0', 'HEAD'));
  git('clean', '--quiet', '--force', '-d');
  for (const remote of git('remote').split('\n').filter(Boolean)) git('remote', 'remove', remote);
  for (const tag of git('tag', '--list').split('\n').filter(Boolean)) git('tag', '--delete', tag);
});

/** The manifest in the extension that a release packed. */
function vsixManifest(version: string): string {
  const parts = readVsix(join(folder, `build/entra-app-token-${version}.vsix`));
  const manifest = parts.find(({ name }) => name === 'extension.vsixmanifest');
  return Buffer.from(manifest?.content ?? []).toString();
}

function commit(message: string): void {
  git('add', '--all');
  execFileSync('git', ['commit', '--quiet', '--message', message], {
    cwd: folder,
    env: { ...process.env, ...identity },
  });
}

describe('a new major version', () => {
  test('is in every manifest, in what people copy and in the changelog; it is committed, tagged and packed', () => {
    const first = git('rev-parse', 'HEAD');
    const { status, stdout, stderr } = script('release.js', '1.0.0');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

    for (const path of ['package.json', 'package-lock.json', 'ado-task/vss-extension.json']) {
      expect([path, readVersion(path)]).toEqual([path, '1.0.0']);
    }
    const task = JSON.parse(read('ado-task/EntraAppToken/task.json')) as {
      version: unknown;
      preview?: boolean;
    };
    expect(task.version).toEqual({ Major: 1, Minor: 0, Patch: 0 });
    expect(task.preview).toBeUndefined();
    expect(JSON.parse(read('ado-task/vss-extension.json'))).not.toHaveProperty('galleryFlags');
    expect(JSON.parse(read('package-lock.json'))).toHaveProperty(['packages', '', 'version'], '1.0.0');

    const copied = trackedFiles.filter(canHaveVersion).map(read).join('\n');
    const pins = [...copied.matchAll(/\/entra-app-token@(v\d+)|EntraAppToken@(\d+)/gu)];
    expect(pins.length).toBeGreaterThan(20);
    expect(new Set(pins.map(([, action, inPipelines]) => action ?? `v${inPipelines}`))).toEqual(
      new Set(['v1']),
    );

    expect(read('CHANGELOG.md')).toMatch(
      /^## \[Unreleased\]\n\n## \[1\.0\.0\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- Something new\.$/mu,
    );
    expect(git('log', '--format=%s', `${first}..v1.0.0`)).toBe('Release 1.0.0');
    expect(git('show', 'v1.0.0:dist.js')).toBe('built');
    expect(git('status', '--porcelain')).toBe('');
    expect(vsixManifest('1.0.0')).not.toContain('Preview');
    expect(stdout).toContain('git push --atomic origin HEAD v1.0.0');
    expect(stdout).toContain('--vsix build/entra-app-token-1.0.0.vsix');
  });
});

test('a new minor version before version 1 keeps what people copy, and stays a preview', () => {
  const copied = trackedFiles.filter((path) => path.startsWith('examples/') && canHaveVersion(path));
  const before = copied.map(read);
  expect(script('release.js', '0.2.0')).toMatchObject({ status: 0 });
  expect(copied.map(read)).toEqual(before);
  expect(JSON.parse(read('ado-task/vss-extension.json'))).toMatchObject({
    version: '0.2.0',
    galleryFlags: ['Preview'],
  });
  expect(vsixManifest('0.2.0')).toContain('<GalleryFlags>Preview</GalleryFlags>');
});

describe('the extension’s page leads to the repository that it is built from', () => {
  test.each([
    'https://github.com/contoso/entra-app-token',
    'https://github.com/contoso/entra-app-token.git',
    'git@github.com:contoso/entra-app-token.git',
    'ssh://git@github.com/contoso/entra-app-token.git',
  ])('%s', (origin) => {
    git('remote', 'add', 'origin', origin);
    expect(repositoryAddress(folder)).toBe('https://github.com/contoso/entra-app-token');
  });

  test('without a token that the address may contain', () => {
    git('remote', 'add', 'origin', 'https://user:secret@github.com/contoso/entra-app-token');
    expect(repositoryAddress(folder)).toBe('https://github.com/contoso/entra-app-token');
  });

  test('and to nothing if that is not on GitHub', () => {
    expect(repositoryAddress(folder)).toBeUndefined();
    git('remote', 'add', 'origin', 'https://github.com.example/contoso/entra-app-token');
    expect(repositoryAddress(folder)).toBeUndefined();
  });

  test('with links that the Marketplace shows', () => {
    git('remote', 'add', 'origin', 'https://github.com/contoso/entra-app-token');
    expect(script('release.js', '0.2.0')).toMatchObject({ status: 0 });
    const links = [...vsixManifest('0.2.0').matchAll(/Services\.Links\.(\w+)" Value="([^"]+)"/gu)];
    expect(Object.fromEntries(links.map(([, name, address]) => [name, address]))).toEqual({
      Home: 'https://github.com/contoso/entra-app-token',
      GitHub: 'https://github.com/contoso/entra-app-token',
      Getstarted: 'https://github.com/contoso/entra-app-token#readme',
      Learn: 'https://github.com/contoso/entra-app-token/blob/HEAD/docs/inputs.md',
      Support: 'https://github.com/contoso/entra-app-token/blob/HEAD/docs/troubleshooting.md',
      Issues: 'https://github.com/contoso/entra-app-token/issues',
      License: 'https://github.com/contoso/entra-app-token/blob/HEAD/LICENSE',
    });
  });
});

describe('a release is refused, and nothing changes', () => {
  test.each([
    ['', 'Usage: npm run release'],
    ['v1.0.0', 'Usage: npm run release'],
    ['1.0', 'Usage: npm run release'],
    ['1.0.0-beta.1', 'Usage: npm run release'],
    ['0.1.0', 'Possible: 0.1.1, 0.2.0, 1.0.0.'],
    ['0.0.9', 'Possible: 0.1.1, 0.2.0, 1.0.0.'],
    ['2.0.0', 'Possible: 0.1.1, 0.2.0, 1.0.0.'],
  ])('for the version "%s"', (version, message) => {
    expectRefusal(version, message);
  });

  test('if a file was changed or added', () => {
    write('CHANGELOG.md', `${changelog}- One more.\n`);
    expectRefusal('0.2.0', 'working tree has changes');
    write('CHANGELOG.md', changelog);
    write('notes.txt', 'new');
    expectRefusal('0.2.0', 'working tree has changes');
  });

  test('if the tag exists', () => {
    git('tag', 'v0.2.0');
    expectRefusal('0.2.0', 'The tag v0.2.0 already exists.');
  });

  test('if the changelog says nothing new', () => {
    write('CHANGELOG.md', changelog.replace('### Added\n\n- Something new.\n\n', ''));
    commit('Nothing new');
    expectRefusal('0.2.0', 'CHANGELOG.md has no unreleased changes.');
  });

  test('if a manifest has lost its version', () => {
    write('ado-task/EntraAppToken/task.json', '{}\n');
    commit('Lose it');
    expectRefusal('0.2.0', 'task.json has its version in 0 places');
  });

  function expectRefusal(version: string, message: string): void {
    const before = [
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain'),
      git('tag', '--list'),
      readVersion('package.json'),
    ];
    const { status, stderr } = script('release.js', version);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(message) });
    expect([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain'),
      git('tag', '--list'),
      readVersion('package.json'),
    ]).toEqual(before);
  }
});

test('if the build fails, the way back is printed, and no tag is left', () => {
  write('package.json', read('package.json').replace(/(?<="build": )"(?:[^"\\]|\\.)*"/u, '"exit 3"'));
  commit('Break the build');
  const { status, stderr } = script('release.js', '0.2.0');
  expect(status).toBe(1);
  expect(stderr).toContain('git reset --hard');
  expect(git('tag', '--list')).toBe('');
});

describe('the notes of a release', () => {
  test('are the changelog’s text about that version', () => {
    expect(script('release-notes.js', 'v0.1.0')).toMatchObject({
      status: 0,
      stdout: '- The first version.\n',
    });
    expect(script('release-notes.js', 'v0.3.0')).toMatchObject({ status: 1, stdout: '' });
  });

  test('exist for the version of this repository', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), version)).not.toBe('');
  });
});
