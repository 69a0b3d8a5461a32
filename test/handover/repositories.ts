import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Emulator } from '../../emulator/emulator.ts';

/** Git without the configuration of whoever runs the tests. */
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

export function gitHere(folder: string, ...words: string[]): string {
  return execFileSync('git', words, { cwd: folder, env: environment, encoding: 'utf8', stdio: 'pipe' });
}

/**
 * Two repositories in Contoso's project `Platform`: `shared`, also a Terraform module, and `infra`, which has it as its
 * submodule `shared`.
 */
export function serveRepositories(azure: Emulator, folder: string): void {
  const create = (name: string, fill: (work: string) => void): void => {
    const bare = join(folder, `${name}.git`);
    const work = join(folder, name);
    mkdirSync(work);
    gitHere(work, 'init', '--quiet', '--initial-branch=main');
    fill(work);
    gitHere(work, 'add', '--all');
    gitHere(work, 'commit', '--quiet', '--message', name);
    gitHere(folder, 'clone', '--quiet', '--bare', work, bare);
    azure.azureRepos.serve(`contoso/Platform/_git/${name}`, bare);
  };
  create('shared', (work) => {
    writeFileSync(join(work, 'main.tf'), 'output "greeting" {\n  value = "hello"\n}\n');
  });
  create('infra', (work) => {
    writeFileSync(join(work, 'readme.txt'), 'infra\n');
    const commit = gitHere(join(folder, 'shared.git'), 'rev-parse', 'main').trim();
    writeFileSync(
      join(work, '.gitmodules'),
      '[submodule "shared"]\n\tpath = shared\n\turl = https://dev.azure.com/contoso/Platform/_git/shared\n',
    );
    gitHere(work, 'update-index', '--add', '--cacheinfo', `160000,${commit},shared`);
    mkdirSync(join(work, 'shared'));
  });
}

export const repository = 'https://dev.azure.com/contoso/Platform/_git/infra';
export const oldAddress = 'https://contoso.visualstudio.com/Platform/_git/infra';

/** The source of a later step that runs these commands in its folder, until one fails. */
export function runs(...commands: readonly (readonly string[])[]): string {
  return `
    const { spawnSync } = await import('node:child_process');
    for (const [program, ...words] of ${JSON.stringify(commands)}) {
      const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
      console.log(stdout + stderr + (error ?? ''));
      if (status !== 0) { process.exitCode = 1; break; }
    }`;
}

/** What the user of a machine would set for git and this emulator. Git's own configuration is in `home`. */
export function gitEnvironment(azure: Emulator, home: string): Record<string, string> {
  return {
    ...azure.environment('ca', 'proxy'),
    GIT_SSL_CAINFO: azure.ca.file,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    HOME: home,
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
}
