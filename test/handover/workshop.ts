import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone after the test. */
export interface Workshop extends Disposable {
  readonly folder: string;
}

export function workshop(): Workshop {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'handover-')));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** An `az` whose body is the given JavaScript, in a folder for the PATH. */
export function standInAz(folder: string, body: string): string {
  const path = join(folder, 'az');
  // By its full path: the PATH of a step under test may hold nothing else.
  writeFileSync(path, `#!${process.execPath}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Writes down how it was called, a JSON line each, into the file `calls` beside it. */
export const recordCall = `
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
  /** What the file after `@` held. */
  readonly token?: string;
}
