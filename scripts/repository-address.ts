import { spawnSync } from 'node:child_process';

/**
 * The repository's web address on GitHub, from the remote `origin` of this clone, so that a copy of the project links to
 * itself. `undefined` for a clone of something else.
 */
export function repositoryAddress(root: string): string | undefined {
  const { stdout } = spawnSync('git', ['remote', 'get-url', 'origin'], { cwd: root, encoding: 'utf8' });
  const pattern =
    /^(?:https:\/\/(?:[^@/\s]+@)?github\.com\/|(?:ssh:\/\/)?git@github\.com[:/])([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/u;
  const [, repository] = pattern.exec((stdout ?? '').trim()) ?? [];
  return repository === undefined ? undefined : `https://github.com/${repository}`;
}
