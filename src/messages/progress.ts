import { agentIdentityIn, parentClaim } from '../exchange/agent-identity.ts';
import { textClaim } from '../exchange/claims.ts';
import type { Machine } from '../exchange/machine.ts';
import { retryTable } from '../exchange/retries.ts';
import type { AcceptedToken, Retrying, TryEnded } from '../exchange/transport.ts';
import { duration } from './durations.ts';
import { shortCode } from './exchange-failures.ts';
import type { MessageContext } from './explanation.ts';
import { foreignAddress, foreignText } from './foreign-text.ts';

/** What the log shows while the step runs, and what it adds if the host's debug switch is on. */

/** One line for a try that failed and will be repeated. */
export function describeRetry({ failure, tries, wait, scope }: Retrying): string {
  const party = {
    identity: 'The machine’s identity endpoint',
    entra: 'Entra',
    registry: `Registry ${failure.host}`,
  }[failure.leg];
  // A registry's scope is its own name.
  const request = scope === undefined || failure.leg === 'registry' ? '' : ` for ${scope}`;
  const result =
    shortCode(failure) ?? (failure.kind === 'unusable-answer' ? failure.reason : 'connection failed');
  return `${party}${request}: ${result}. Try ${tries + 1} starts in ${duration(wait)}.`;
}

/** One line at the first failure that waiting rarely fixes. The full diagnosis comes once, at the end. */
export function describeTrustRetry({ failure, reason, actor }: Retrying): string {
  const window = retryTable[failure.leg][reason]?.window ?? 0;
  const missing = {
    app: 'the app has no matching federated identity credential. A new one',
    blueprint: 'the blueprint has no matching federated identity credential. A new one',
    'agent-identity': 'the agent identity does not accept the blueprint’s token. A new agent identity',
  }[actor ?? 'app'];
  return `Entra answered ${shortCode(failure)}: ${missing} can take minutes to propagate. Retrying for up to ${duration(window)}.`;
}

export function debugMachine(
  { kind, endpoint, because }: Machine,
  secrets: MessageContext['secrets'],
): string {
  const name = kind === 'imds' ? 'IMDS' : 'App Service or Container Apps';
  return `Machine: ${name}, identity endpoint ${foreignAddress(endpoint, secrets)} (${because}), asked directly, without a proxy.`;
}

export function debugTokenFile(path: string): string {
  return `Assertion: the token in ${path}, read again at each try. The machine’s identity endpoint is not asked.`;
}

export function debugTry(
  { leg, host, proxy, number, result, duration: took, requestId }: TryEnded,
  secrets: MessageContext['secrets'],
): string {
  const party = { identity: 'identity endpoint', entra: 'Entra', registry: 'registry' }[leg];
  const way = proxy === undefined ? 'direct' : `through proxy ${proxy.host}`;
  const id = requestId === undefined ? '' : `, request ID ${foreignText(requestId, secrets, 80)}`;
  return `Try ${number}: ${party} ${host}, ${way}: ${result} after ${Math.round(took)} ms${id}.`;
}

/** Claims that identify and limit a token. None of them is secret, and none signs anybody in. */
const shownClaims = [
  'iss',
  'sub',
  'aud',
  'tid',
  'oid',
  'appid',
  'azp',
  'idtyp',
  'xms_mirid',
  // Of an agent identity's token: its blueprint, and what kind of client it is for.
  parentClaim,
  'xms_act_fct',
  'xms_sub_fct',
  'roles',
  // What a registry's token allows.
  'permissions',
  'iat',
  'nbf',
  'exp',
  'uti',
  'ver',
];

export function debugClaims(
  token: AcceptedToken,
  claims: Readonly<Record<string, unknown>> | undefined,
  secrets: MessageContext['secrets'],
): string {
  const what = {
    identity: 'assertion',
    entra: 'app token',
    blueprint: 'blueprint’s token',
    'agent-identity': 'agent identity’s token',
    registry: 'registry token',
  }[token];
  const unchecked = uncheckedClaims(token, claims);
  if (claims === undefined)
    return [`Claims of the ${what}: not readable`, ...unchecked, ''].join('. ').trim();
  const shown = shownClaims.flatMap((name) =>
    claims[name] === undefined ? [] : [`${name}=${foreignText(JSON.stringify(claims[name]), secrets, 300)}`],
  );
  return [`Claims of the ${what}: ${shown.join(', ')}`, ...unchecked].join('. ');
}

/** What could not be compared with the inputs. Microsoft asks clients to treat these tokens as opaque. */
function uncheckedClaims(
  token: AcceptedToken,
  claims: Readonly<Record<string, unknown>> | undefined,
): readonly string[] {
  if (token === 'blueprint') {
    return agentIdentityIn(textClaim(claims, 'sub')) === undefined
      ? ['Its subject has no known form, so the agent identity in it was not checked']
      : [];
  }
  if (token !== 'agent-identity') return [];
  const missing = [
    ...(textClaim(claims, 'azp', 'appid') === undefined ? ['the agent identity'] : []),
    ...(textClaim(claims, parentClaim) === undefined ? ['the blueprint'] : []),
  ];
  return missing.length === 0 ? [] : [`It does not name ${missing.join(' and ')}, so this was not checked`];
}

/** The stack of an error nobody expected, and of its causes. */
export function debugError(error: unknown, secrets: MessageContext['secrets']): string {
  const stacks: string[] = [];
  for (let current = error; current instanceof Error && stacks.length < 5; current = current.cause) {
    stacks.push(foreignText(current.stack ?? current.message, secrets, 4_000));
  }
  return stacks.join('\nCaused by: ');
}
