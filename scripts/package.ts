/** `npm run package`, after the build: the Azure DevOps extension as `build/entra-app-token-<version>.vsix`. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packVsix } from './vsix.ts';
import { readZip } from './zip.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { path } = await packVsix(root, join(root, 'build'));

// What was written is read again: an archive that does not open must not be published.
const parts = readZip(readFileSync(path));
const width = Math.max(...parts.map(({ content }) => String(content.length).length));
for (const { name, content } of parts) console.log(`${String(content.length).padStart(width)}  ${name}`);
console.log(`${relative(process.cwd(), path)}: ${parts.length} parts, ${readFileSync(path).length} bytes`);
