import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostUnderTest, Inputs, JobUnderTest } from '../scenarios/hosts-under-test.ts';
import { type LaterStepOptions, laterStep } from './later-step.ts';

/** What one test proved about one client. `build/clients/proof/` has a file for each; pages are generated from them. */
export interface Proof {
  /** As users call it. */
  readonly tool: string;
  /** Of each program or package that took part, by its own name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly host: HostUnderTest['title'];
  /** The inputs that connect the tool; the app and the identity go without saying. */
  readonly inputs: Inputs;
  /** The variables that the tool found, and whether it reads them. */
  readonly variables: Readonly<Record<string, VariableUse>>;
  readonly renewal: Renewal;
  /** Whole sentences, as a table's cell shows them. */
  readonly did: readonly string[];
}

export type VariableUse =
  /** With a wrong value the tool fails. */
  | 'read'
  /** With a wrong value the tool works as before. */
  | 'ignored'
  | 'not tested';

export type Renewal =
  /** When a token ends, the tool asks Entra for a new one: in a running program, or in the session that it keeps. */
  | 'by itself'
  /** Each run of the tool asks Entra for a new token. */
  | 'at each start'
  /** The tool works only as long as the token that it was given. */
  | 'never'
  | 'not tested';

const folder = join('build', 'clients', 'proof');

/** Keeps a proof. A later run of the same test replaces it. */
export function keepProof(proof: Proof): void {
  mkdirSync(folder, { recursive: true });
  const name = `${proof.tool} ${proof.host}`.toLowerCase().replaceAll(/[^a-z0-9]+/gu, '-');
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(proof, null, 2)}\n`);
}

/** Which of these variables a command reads: it is run once for each, with a wrong value in it. */
export async function variablesRead(
  job: JobUnderTest,
  names: readonly string[],
  command: readonly [string, ...string[]],
  options: LaterStepOptions = {},
): Promise<Record<string, VariableUse>> {
  const uses: Record<string, VariableUse> = {};
  for (const name of names) {
    const environment = { ...options.environment, [name]: 'wrong-value' };
    const { code } = await laterStep(job, command, { ...options, environment });
    uses[name] = code === 0 ? 'ignored' : 'read';
  }
  return uses;
}

export const notTested = (names: readonly string[]): Record<string, VariableUse> =>
  Object.fromEntries(names.map((name) => [name, 'not tested']));
