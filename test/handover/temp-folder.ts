import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is removed after the test. */
export interface TempFolder extends Disposable {
  readonly folder: string;
}

export function tempFolder(): TempFolder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'handover-')));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Writes an executable `az` into `folder`. Its body is the given JavaScript. */
export function standInAz(folder: string, body: string): string {
  const path = join(folder, 'az');
  // The full path of Node, because the PATH of a step under test may have nothing else.
  writeFileSync(path, `#!${process.execPath}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** JavaScript that leaves what az leaves after a sign-in: the app in its list of subscriptions. */
export const keepSession = `
  const user = process.argv.find((_, index, all) => all[index - 1] === '--username');
  if (user) require('node:fs').writeFileSync(
    require('node:path').join(process.env.AZURE_CONFIG_DIR, 'azureProfile.json'),
    JSON.stringify({ subscriptions: [{ user: { name: user, type: 'servicePrincipal' } }] }),
  );
`;

/** JavaScript that appends each call as one line of JSON to the file `calls` in the same folder, and signs in. */
export const recordCall = `${keepSession}
  const fs = require('node:fs'), path = require('node:path');
  const words = process.argv.slice(2);
  const given = words.find((word) => word.startsWith('@'));
  fs.appendFileSync(path.join(__dirname, 'calls'), JSON.stringify({
    words, environment: process.env, directory: process.cwd(),
    token: given && fs.readFileSync(given.slice(1), 'utf8'),
  }) + '\\n');
`;

export interface AzCall {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  /** The content of the file after `@`. */
  readonly token?: string;
}
