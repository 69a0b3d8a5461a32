/**
 * GitHub's language service as a program: reads `[{ "path", "text" }]` and prints what the service says about each.
 * A program, because the service imports JSON files in a way that Node and Jest do not allow.
 */
import { register } from 'node:module';
import { text } from 'node:stream/consumers';

const hooks = `
import { readFile } from 'node:fs/promises';
export async function load(url, context, next) {
  if (!url.endsWith('.json')) return next(url, context);
  return { format: 'module', shortCircuit: true, source: 'export default ' + (await readFile(new URL(url), 'utf8')) };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { validate } = await import('@actions/languageservice');
const { TextDocument } = await import('vscode-languageserver-textdocument');
const problems = [];
for (const [index, file] of JSON.parse(await text(process.stdin)).entries()) {
  // The service remembers what it read by its address, so each file has its own.
  const found = await validate(TextDocument.create(`file:///${index}/${file.path}`, 'yaml', 1, file.text));
  problems.push(found.map(({ range, message }) => `line ${range.start.line + 1}: ${message}`));
}
console.log(JSON.stringify(problems));
