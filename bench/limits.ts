import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Limits for what can be counted. The benchmark reports them, and a test checks them. */

/** One request for the machine's identity, and one to Entra for each scope. */
export function requestsFor(scopes: number): number {
  return 1 + scopes;
}

/** How many bytes of code each folder of the action may have. */
export const codeLimits = [
  { folder: 'dist/main', bytes: 1_100_000 },
  { folder: 'dist/post', bytes: 60_000 },
] as const;

/** The bytes of all code in a folder, with the code that is rarely loaded and without license texts. */
export function codeSize(folder: string): number {
  return codeFiles(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

export function codeFiles(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /\.[cm]?js$/u.test(name));
}
