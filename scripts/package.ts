/** `npm run package`, after the build: the Azure DevOps extension as `build/entra-app-token-<version>.vsix`. */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packVsix, readVsix } from './vsix.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { path, size } = await packVsix(root, join(root, 'build'));

// Reads the file from disk: a package that cannot be opened must not be published.
const parts = readVsix(path);
const width = Math.max(...parts.map(({ content }) => String(content.length).length));
for (const { name, content } of parts) console.log(`${String(content.length).padStart(width)}  ${name}`);
console.log(`${relative(process.cwd(), path)}: ${parts.length} parts, ${size} bytes`);
