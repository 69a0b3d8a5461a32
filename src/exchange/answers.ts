import { endOfTime } from './claims.ts';
import { entraCodeRow } from './entra-codes.ts';
import type { Leg, LegProblem, Refusal } from './failure.ts';
import type { Hindrance } from './retries.ts';

/** An HTTP answer as it came: nothing in it is trusted. */
export interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly body: string;
}

export type Verdict =
  | { readonly kind: 'token' }
  | { readonly kind: 'problem'; readonly problem: LegProblem; readonly hindrance?: Hindrance };

/** Whether an answer carries a token, and if not, why and whether asking again may help. */
export function judge(leg: Leg, host: string, answer: Answer): Verdict {
  const unusable = (flaw: Extract<LegProblem, { kind: 'unusable' }>['flaw'], found: string): Verdict => ({
    kind: 'problem',
    problem: { kind: 'unusable', leg, host, status: answer.status, flaw, found },
  });
  // The assertion is for the host it was meant for, and for no other that this one may name.
  if (answer.status >= 300 && answer.status < 400) return unusable('redirect', answer.location ?? '');

  if (answer.status === 407) return unusable('proxy-credentials', '');

  const json = parseObject(answer.body);
  if (answer.status < 300) {
    if (json === undefined) {
      return unusable(looksLikeHtml(answer.body) ? 'html' : 'not-json', excerpt(answer.body, 80));
    }
    if (!isToken(json['access_token'])) return unusable('no-token', Object.keys(json).join(', '));
    if (!hasExpiry(leg, json)) return unusable('no-expiry', Object.keys(json).join(', '));
    return { kind: 'token' };
  }

  const refusal = readRefusal(answer.status, json, answer.body);
  const hindrance = hindranceOf(leg, refusal);
  if (json === undefined && hindrance === undefined) {
    return unusable(looksLikeHtml(answer.body) ? 'html' : 'not-json', excerpt(answer.body, 80));
  }
  return {
    kind: 'problem',
    problem: { kind: 'refused', leg, host, refusal },
    ...(hindrance && { hindrance }),
  };
}

function hindranceOf(leg: Leg, { status, codes }: Refusal): Hindrance | undefined {
  if (status === 429) return 'throttled';
  if (leg === 'identity') {
    if (status === 404) return 'not-found';
    if (status === 410) return 'gone';
  } else {
    const retry = entraCodeRow(codes)?.retry;
    if (retry) return retry;
  }
  return status >= 500 ? 'server-error' : undefined;
}

/** Error bodies: Entra's and IMDS's `{error, error_description}`, App Service's `{statusCode, message}`, ARM's nested one. */
function readRefusal(status: number, json: Record<string, unknown> | undefined, body: string): Refusal {
  const nested = asObject(json?.['error']);
  const description =
    text(json?.['error_description']) ??
    text(json?.['message']) ??
    text(json?.['Message']) ??
    text(nested?.['message']) ??
    (looksLikeHtml(body) ? '' : excerpt(body, 300));
  const codes = Array.isArray(json?.['error_codes'])
    ? json['error_codes'].filter((code) => typeof code === 'number' || typeof code === 'string').map(String)
    : [];
  const named = /AADSTS(\d+)/u.exec(description)?.[1];
  const optional = {
    traceId: text(json?.['trace_id']),
    correlationId: text(json?.['correlation_id']) ?? text(json?.['correlationId']),
    timestamp: text(json?.['timestamp']),
  };
  return {
    status,
    error: text(json?.['error']) ?? text(nested?.['code']) ?? '',
    description,
    codes: codes.length > 0 || named === undefined ? codes : [named],
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function isToken(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x7e]+$/u.test(value);
}

/** Entra says `expires_in` in seconds; identity endpoints say `expires_on`, as text, a number or (rarely) a date. */
function hasExpiry(leg: Leg, json: Record<string, unknown>): boolean {
  if (leg === 'entra') return isTime(json['expires_in'], longestLife);
  const value = json['expires_on'];
  return isTime(value, endOfTime) || (typeof value === 'string' && Date.parse(value) > 0);
}

/** Seconds. No token lives longer; a number out of all bounds is no time. */
const longestLife = 366 * 24 * 3600;

function isTime(value: unknown, most: number): boolean {
  const seconds = Number(value);
  return seconds > 0 && seconds < most;
}

/** The start of a body, for a message: without anything that could be a token, whole or cut off. */
function excerpt(body: string, length: number): string {
  return body
    .replace(/[\w.~+/=-]{20,}/gu, '…')
    .slice(0, length)
    .trim();
}

function looksLikeHtml(body: string): boolean {
  return /^\s*(<!doctype|<html|<\?xml|<head|<body)/iu.test(body);
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
  return typeof value === 'string' && value !== '' ? value : undefined;
}
