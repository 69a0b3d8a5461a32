import type { OutputName } from '../contract.ts';
import type { AppToken } from '../exchange/request.ts';
import type { Host, Secrecy } from '../hosts/host.ts';
import { HandoverError, systemWords } from './errors.ts';

/** A token to publish, under the key and (if it has one) the variable name that the user gave it. */
export interface PublishedToken extends AppToken {
  readonly written: string;
  readonly name?: string;
}

/** One value for the job's later steps. */
export type Publication =
  | { readonly kind: 'output'; readonly name: OutputName; readonly value: string; readonly secrecy: Secrecy }
  | { readonly kind: 'variable'; readonly name: string; readonly value: string; readonly secrecy: Secrecy };

/** What the job receives for its tokens: a variable for each that has a name, and the outputs. */
export function tokenPublications(tokens: readonly PublishedToken[]): readonly Publication[] {
  const [first] = tokens;
  if (first === undefined) return [];
  const all = JSON.stringify(
    Object.fromEntries(tokens.map(({ name, written, token }) => [name ?? written, token])),
  );
  const named = tokens.flatMap(({ name, token }): readonly Publication[] =>
    name === undefined ? [] : [{ kind: 'variable', name, value: token, secrecy: 'secret' }],
  );
  return [
    ...named,
    { kind: 'output', name: 'access-token', value: first.token, secrecy: 'secret' },
    { kind: 'output', name: 'access-tokens', value: all, secrecy: 'secret' },
    { kind: 'output', name: 'expires-on', value: isoSeconds(earliestExpiry(tokens)), secrecy: 'plain' },
  ];
}

function earliestExpiry(tokens: readonly AppToken[]): Date {
  return new Date(Math.min(...tokens.map(({ expiresOn }) => expiresOn.getTime())));
}

/** ISO 8601 in UTC, to the second. */
export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/**
 * Gives the values to the job's later steps. Variables come first: on GitHub their file is the one that a job most
 * often breaks, and a step that fails there has published no output yet.
 *
 * @throws HandoverError naming what a later step can already see
 */
export function publish(
  host: Pick<Host, 'registerSecret' | 'setOutput' | 'setVariable'>,
  publications: readonly Publication[],
): void {
  // Everything secret is registered before the first value is written.
  for (const { value, secrecy } of publications) if (secrecy === 'secret') host.registerSecret(value);
  const visible: string[] = [];
  const variablesFirst = [...publications].sort((a, b) => order[a.kind] - order[b.kind]);
  for (const publication of variablesFirst) {
    const { name, value, secrecy } = publication;
    try {
      if (publication.kind === 'variable') host.setVariable(name, value, secrecy);
      else host.setOutput(publication.name, value, secrecy);
    } catch (error) {
      const detail = systemWords(error);
      throw new HandoverError({ kind: 'not-published', visible, detail }, { cause: error });
    }
    visible.push(name);
  }
}

const order = { variable: 0, output: 1 } as const;
