import { endOfTime } from './claims.ts';
import { entraCodeRow } from './entra-codes.ts';
import type { ErrorResponse, Leg, RequestFailure, UnusableAnswer } from './errors.ts';
import type { RetryReason } from './retries.ts';

/** An HTTP answer as it came: nothing in it is trusted. */
export interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly body: string;
  /** The body is larger than `largestBody`, and the rest was not read. */
  readonly cut?: boolean;
  /** The declared encoding of the body, although none was asked for. */
  readonly encoding?: string;
}

/** Bytes of a body that are read at most. Real answers have a few thousand. */
export const largestBody = 1024 * 1024;

/**
 * Characters of any one text of an answer that are looked at. Entra's longest descriptions have about 1,000. No text is
 * cut shorter here: `messages/foreign-text.ts` cuts it, after it has hidden the secrets in it.
 */
const longestText = 4_000;

export type AnswerClass =
  | { readonly kind: 'token' }
  | { readonly kind: 'failure'; readonly failure: RequestFailure; readonly reason?: RetryReason };

/** Characters of a token. Entra's have 1,000 to 4,000; a shorter mask than the least would ruin the log, and a variable of the most is still usable. */
const shortestToken = 16;
const longestToken = 16 * 1024;
/** Below this, a mask hides more than it protects. */
const shortestMask = 8;

/** The field of a success that has the token. A registry gives a refresh token, which clients use as a password. */
const tokenField = { identity: 'access_token', entra: 'access_token', registry: 'refresh_token' } as const;

/** Whether an answer carries a token, and if not, why not and whether to try again. */
export function classifyAnswer(leg: Leg, host: string, answer: Answer): AnswerClass {
  const { status, body } = answer;
  const unusable = (reason: UnusableAnswer, found: string): AnswerClass => ({
    kind: 'failure',
    failure: { kind: 'unusable-answer', leg, host, status, reason, found },
  });
  // The assertion is for this host, and for no other host that this one may name.
  if (status >= 300 && status < 400) return unusable('redirect', text(answer.location) ?? '');
  if (answer.cut) return unusable('too-large', '');

  const json = parseObject(body);
  if (status < 300) {
    if (status !== 200) return unusable(looksLikeHtml(body) ? 'html' : 'status', '');
    if (json === undefined) return unusable(...notJson(answer));
    // The libraries take these fields for a failure, whatever the status.
    if (leg !== 'registry' && (json['error'] || json['error_description'] || json['suberror'])) {
      return {
        kind: 'failure',
        failure: { kind: 'error-response', leg, host, response: readErrorResponse(status, json, body) },
      };
    }
    const token = json[tokenField[leg]];
    if (!isToken(token)) return unusable('no-token', keysOf(json));
    if (token.length < shortestToken || token.length > longestToken) {
      return unusable('token-size', `${token.length} characters`);
    }
    const type = json['token_type'];
    if (typeof type === 'string' && type !== '' && type.toLowerCase() !== 'bearer') {
      return unusable('not-bearer', type.slice(0, longestText));
    }
    if (!hasExpiry(leg, json)) return unusable('no-expiry', keysOf(json));
    return { kind: 'token' };
  }

  const response = readErrorResponse(status, json, body);
  const reason = retryReason(leg, response);
  // A registry's status says enough by itself; a web page is from something else on the way.
  const wordless = leg === 'registry' && !looksLikeHtml(body);
  if (json === undefined && reason === undefined && !wordless) {
    return unusable(...notJson(answer));
  }
  return {
    kind: 'failure',
    failure: { kind: 'error-response', leg, host, response },
    ...(reason && { reason }),
  };
}

function notJson({ body, encoding = 'identity' }: Answer): [reason: UnusableAnswer, found: string] {
  if (looksLikeHtml(body)) return ['html', ''];
  return /^identity$/iu.test(encoding) ? ['not-json', ''] : ['encoded', encoding.slice(0, longestText)];
}

/**
 * Everything in a body that may be a token, to be masked even if the answer is not used. A mask of a few characters would
 * ruin the log, and nothing prints a text longer than the longest token.
 */
export function possibleTokens(body: string): readonly string[] {
  const json = parseObject(body);
  return ['access_token', 'refresh_token', 'id_token'].flatMap((name) => {
    const token = json?.[name];
    return typeof token === 'string' && token.length >= shortestMask && token.length <= longestToken
      ? [token]
      : [];
  });
}

function retryReason(leg: Leg, { status, codes }: ErrorResponse): RetryReason | undefined {
  if (status === 429) return 'throttled';
  if (leg === 'identity') {
    if (status === 404) return 'not-found';
    if (status === 410) return 'gone';
  } else if (leg === 'entra') {
    const retry = entraCodeRow(codes)?.retry;
    if (retry) return retry;
  }
  return status >= 500 ? 'server-error' : undefined;
}

/**
 * Error bodies: Entra's and IMDS's `{error, error_description}`, App Service's `{statusCode, message}`, ARM's nested one,
 * a registry's `{errors: [{code, message}]}`.
 */
function readErrorResponse(
  status: number,
  json: Record<string, unknown> | undefined,
  body: string,
): ErrorResponse {
  const list = json?.['errors'];
  const nested = asObject(json?.['error']) ?? asObject(Array.isArray(list) ? list[0] : undefined);
  const description =
    text(json?.['error_description']) ??
    text(json?.['message']) ??
    text(json?.['Message']) ??
    text(nested?.['message']) ??
    (json === undefined && !looksLikeHtml(body) ? body.slice(0, longestText) : '');
  const listed = Array.isArray(json?.['error_codes'])
    ? json['error_codes'].slice(0, 10).flatMap((code) => (isCode(code) ? [String(code)] : []))
    : [];
  // Gateways and look-alikes send lists that do not match their text; the text is right.
  const named = /AADSTS(\d{1,12})/u.exec(description)?.[1];
  const optional = {
    traceId: text(json?.['trace_id']),
    correlationId: text(json?.['correlation_id']) ?? text(json?.['correlationId']),
    timestamp: text(json?.['timestamp']),
  };
  return {
    status,
    error: text(json?.['error']) ?? text(nested?.['code']) ?? '',
    description,
    codes: named === undefined ? listed : [named, ...listed.filter((code) => code !== named)],
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function isCode(value: unknown): value is number | string {
  return /^\d{1,12}$/u.test(typeof value === 'number' || typeof value === 'string' ? String(value) : '');
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/u.test(value);
}

/** Entra sends `expires_in` in seconds; identity endpoints send `expires_on`, as text, a number or (rarely) a date. */
function hasExpiry(leg: Leg, json: Record<string, unknown>): boolean {
  if (leg === 'entra') return isSeconds(json['expires_in'], longestLifetime);
  // A registry states the expiry only in the token itself.
  if (leg === 'registry') return true;
  const value = json['expires_on'];
  return isSeconds(value, endOfTime) || (typeof value === 'string' && datePattern.test(value));
}

/** The start of a date, ISO or as older App Service endpoints write it; `Date.parse` takes `-1` for a year. */
const datePattern = /^(\d{4}-\d\d-\d\dT|\d{1,2}\/\d{1,2}\/\d{4} )\d\d:\d\d/u;

/** Seconds. No token lives longer; a larger number is no lifetime. */
const longestLifetime = 366 * 24 * 3600;

/** A whole number of seconds, or digits. A list, a boolean or a fraction is not what a token service sends. */
function isSeconds(value: unknown, most: number): boolean {
  const seconds =
    typeof value === 'number' || (typeof value === 'string' && /^\d{1,15}$/u.test(value)) ? Number(value) : 0;
  return Number.isInteger(seconds) && seconds > 0 && seconds < most;
}

function keysOf(json: Record<string, unknown>): string {
  return Object.keys(json).slice(0, 20).join(', ').slice(0, longestText);
}

function looksLikeHtml(body: string): boolean {
  return /^(<!doctype|<html|<\?xml|<head|<body)/iu.test(body.slice(0, 1_000).trimStart());
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, longestText) : undefined;
}
