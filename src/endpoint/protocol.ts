import type { IncomingMessage } from 'node:http';
import { cloudAudiences } from '../azure/clouds.ts';
import { isGuid } from '../exchange/claims.ts';
import type { AppToken } from '../exchange/request.ts';

/**
 * App Service's managed identity protocol, as clients really use it (docs/identity-endpoint.md).
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */

/** The path in `IDENTITY_ENDPOINT`, by which our own step and command recognize this endpoint. */
export const tokenPath = '/entra-app-token/msi/token';
/** Our own step and command find the machine's real endpoint here. */
export const machinePath = '/entra-app-token/machine';

export const secretHeader = 'x-identity-header';

/** What an authenticated client asks for. */
export interface TokenQuestion {
  /** As the client wrote it: a slash at the end is part of the token's audience. */
  readonly resource: string;
  readonly scope: string;
}

/** Why a request gets no token. `messages/endpoint.ts` has the sentences. */
export type Refusal =
  | { readonly kind: 'wrong-host' }
  | { readonly kind: 'wrong-header' }
  | { readonly kind: 'unknown-path' }
  | { readonly kind: 'has-body' }
  | { readonly kind: 'malformed'; readonly problem: MalformedQuestion }
  /** The client wants to make an exchange of its own. */
  | { readonly kind: 'exchange-audience'; readonly resource: string }
  | { readonly kind: 'not-allowed'; readonly resource: string; readonly allowed: readonly string[] }
  | { readonly kind: 'too-many-exchanges'; readonly resource: string; readonly mostPerMinute: number }
  | { readonly kind: 'exchange-failed'; readonly resource: string; readonly error: unknown };

export type MalformedQuestion =
  | 'api-version'
  | 'repeated-parameter'
  | 'no-resource'
  | 'two-resources'
  | 'unusable-resource';

/**
 * Clients repeat a request for half a minute after 404, 429 and 5xx, and not at all after 400 and 403. Nothing here
 * gets better by asking again: an exchange that failed was already tried for as long as it may take.
 */
const statuses: Readonly<Record<Refusal['kind'], number>> = {
  'wrong-host': 403,
  'wrong-header': 403,
  'unknown-path': 404,
  'has-body': 400,
  malformed: 400,
  'exchange-audience': 400,
  'not-allowed': 403,
  'too-many-exchanges': 400,
  'exchange-failed': 400,
};

export interface Reply {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
}

export function refusalReply({ kind }: Refusal, message: string): Reply {
  const statusCode = statuses[kind];
  return { status: statusCode, body: { statusCode, message } };
}

/** Clients need `token_type` in exactly this form, and `expires_on` as seconds since 1970. */
export function tokenReply(
  { resource }: TokenQuestion,
  { token, expiresOn }: AppToken,
  clientId: string,
): Reply {
  return {
    status: 200,
    body: {
      access_token: token,
      expires_on: String(Math.floor(expiresOn.getTime() / 1000)),
      resource,
      token_type: 'Bearer',
      client_id: clientId,
    },
  };
}

/** The path as it was sent, and the parameters. Not `URL`, which takes `//name/…` for a host. */
export function addressOf({ url = '' }: IncomingMessage): {
  readonly path: string;
  readonly query: URLSearchParams;
} {
  const start = url.indexOf('?');
  return start === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, start), query: new URLSearchParams(url.slice(start + 1)) };
}

const oldestVersion = '2019-08-01';
const suffix = '/.default';
/** What can be the name of an API, as one word of a scope: printable ASCII without quotes and white space. */
const resourcePattern = /^[!#-&(-;=?-[\]-_a-z~]{1,500}$/iu;

/**
 * Reads a request for a token. `client_id`, `principal_id`, `object_id`, `mi_res_id` and `msi_res_id` select an
 * identity of the machine; here they all mean the app, so their values do not matter.
 */
export function readQuestion(query: URLSearchParams): TokenQuestion | Refusal {
  const malformed = (problem: MalformedQuestion): Refusal => ({ kind: 'malformed', problem });
  const names = [...query.keys()];
  if (new Set(names).size < names.length) return malformed('repeated-parameter');
  const version = query.get('api-version') ?? '';
  if (!/^\d{4}-\d{2}-\d{2}$/u.test(version) || version < oldestVersion) return malformed('api-version');
  const asked = ['resource', 'scope'].flatMap((name) => query.get(name) || []);
  if (asked.length > 1) return malformed('two-resources');
  const [resource] = asked;
  if (resource === undefined) return malformed('no-resource');
  if (!resourcePattern.test(resource)) return malformed('unusable-resource');
  if (isExchangeAudience(resource)) return { kind: 'exchange-audience', resource };
  const scope = resource.endsWith(suffix) ? resource : resource + suffix;
  return { resource, scope };
}

/** The resource without what makes no difference to whom a token is for: letter case, and slashes at the end. */
export function comparable(resource: string): string {
  const bare = resource.endsWith(suffix) ? resource.slice(0, -suffix.length) : resource;
  return bare.replace(/\/+$/u, '').toLowerCase();
}

/** The application ID of the token-exchange resource, which the assertion's `aud` names in the public cloud. */
const exchangeResourceId = 'fb60f99c-7a34-4190-8149-302f77469936';

function isExchangeAudience(resource: string): boolean {
  const wanted = comparable(resource).replace(/^api:\/\//u, '');
  if (isGuid(wanted)) return wanted === exchangeResourceId;
  return cloudAudiences.some((audience) => comparable(audience).replace(/^api:\/\//u, '') === wanted);
}
