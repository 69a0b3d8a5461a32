/** `npm run release:notes -- VERSION`: what CHANGELOG.md says about a version. A tag's leading `v` is allowed. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { releaseNotes } from './release-version.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const version = (process.argv[2] ?? '').replace(/^v/u, '');
const notes = releaseNotes(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
if (notes === '') {
  console.error(`CHANGELOG.md has no changes for version "${version}".`);
  process.exitCode = 1;
} else {
  console.log(notes);
}
