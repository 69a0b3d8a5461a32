import type { AppToken } from '../exchange/request.ts';
import type { Host } from '../hosts/host.ts';

/** A token to publish, under the key and (if any) the variable's name the user gave it. */
export interface PublishedToken extends AppToken {
  readonly written: string;
  readonly name?: string;
}

/**
 * Hands the tokens to the job: outputs, and a variable for each that has a name. Every token is a registered secret
 * already; the object that holds them all becomes one here, before it is written.
 */
export function publishTokens(host: Host, tokens: readonly PublishedToken[]): void {
  const [first] = tokens;
  if (first === undefined) return;
  const all = JSON.stringify(
    Object.fromEntries(tokens.map(({ name, written, token }) => [name ?? written, token])),
  );
  const expiresOn = isoSeconds(earliest(tokens));
  host.registerSecret(all);
  host.setOutput('access-token', first.token, 'secret');
  host.setOutput('access-tokens', all, 'secret');
  host.setOutput('expires-on', expiresOn, 'plain');
  for (const { name, token } of tokens) {
    if (name !== undefined) host.setVariable(name, token, 'secret');
  }
}

function earliest(tokens: readonly AppToken[]): Date {
  return new Date(Math.min(...tokens.map(({ expiresOn }) => expiresOn.getTime())));
}

/** ISO 8601 in UTC, to the second. */
export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
