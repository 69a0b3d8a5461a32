import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a step may cost in things that can be counted: the benchmark reports them, a test holds to them. */

/** One for the machine's identity, one to Entra for each scope. */
export function requestsFor(scopes: number): number {
  return 1 + scopes;
}

/** The action's folders below the repository's, and how many bytes of code each may carry. */
export const codeLimits = [
  { folder: 'dist/main', bytes: 1_100_000 },
  { folder: 'dist/post', bytes: 60_000 },
] as const;

/** Bytes of all code in a folder, what is loaded late and seldom included; licence texts are no code. */
export function codeSize(folder: string): number {
  return codeFiles(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

export function codeFiles(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /\.[cm]?js$/u.test(name));
}
