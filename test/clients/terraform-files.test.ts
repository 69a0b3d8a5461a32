import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

/**
 * The Terraform files of `infra/` and `examples/`. No package registry of this project has Terraform or its providers,
 * so only their syntax is checked, where the machine has Terraform.
 */

const terraform = (...words: readonly string[]) => spawnSync('terraform', words, { encoding: 'utf8' });
const testWithTerraform = terraform('version').status === 0 ? test : test.skip;

const folders = ['infra/terraform', 'examples'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tf(?:test\.hcl)?$/u.test(path))
    .map((path) => dirname(join(folder, path))),
);

testWithTerraform.each([...new Set(folders)])(
  '%s has no syntax error and Terraform’s own format',
  (folder) => {
    const { status, stdout, stderr } = terraform('fmt', '-check', '-diff', folder);
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: '' });
  },
);
