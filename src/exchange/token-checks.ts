import { isGuid } from './claims.ts';
import type { UnusableAnswer } from './errors.ts';
import type { ExchangeRequest, IdentitySelector } from './request.ts';

/**
 * What a token says of itself, compared with what was asked for. Nobody but the resource verifies its signature, and
 * Microsoft calls tokens opaque to clients: what cannot be read or is not there is not judged.
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export interface Mismatch {
  readonly reason: UnusableAnswer;
  readonly found: string;
}

type Claims = Readonly<Record<string, unknown>> | undefined;

/** Milliseconds. Entra's own tolerance for clocks. */
const clockTolerance = 5 * 60_000;

/** @param now the server's own time, if it is known: the machine's clock may be wrong */
export function appTokenMismatch(
  { clientId, tenantId, isOtherResource }: ExchangeRequest,
  scope: string,
  claims: Claims,
  now: number,
): Mismatch | undefined {
  const app = differing(claims, ['appid', 'azp'], clientId);
  if (app !== undefined) return { reason: 'other-app', found: app };
  const tenant = tenantMismatch(tenantId, claims);
  if (tenant !== undefined) return { reason: 'other-tenant', found: tenant };
  const audience = claims?.['aud'];
  if (typeof audience === 'string' && isOtherResource?.(scope, audience)) {
    return { reason: 'other-resource', found: audience };
  }
  return expiryMismatch(claims, now);
}

/** A domain name says nothing about the GUID of its tenant; `exchange.ts` then compares the tokens with each other. */
function tenantMismatch(tenantId: string, claims: Claims): string | undefined {
  const tenant = claims?.['tid'];
  if (tenant !== undefined && typeof tenant !== 'string') return shown(tenant);
  if (!isGuid(tenantId)) return undefined;
  const named = tenant ?? tenantClaim(claims);
  return named === undefined || sameText(named, tenantId) ? undefined : named;
}

/** The GUID of the tenant in `tid`, otherwise the one in the issuer. */
export function tenantClaim(claims: Claims): string | undefined {
  const tenant = claims?.['tid'];
  if (typeof tenant === 'string' && isGuid(tenant)) return tenant;
  const issuer = claims?.['iss'];
  return typeof issuer === 'string' ? issuer.split('/').find(isGuid) : undefined;
}

/** The token of another identity than the selected one, or one that is over. */
export function assertionMismatch(
  { kind, value }: IdentitySelector,
  claims: Claims,
  now: number,
): Mismatch | undefined {
  const names = { 'client-id': ['azp', 'appid'], 'object-id': ['oid', 'sub'], 'resource-id': ['xms_mirid'] };
  const other = differing(claims, names[kind], value);
  return other === undefined ? expiryMismatch(claims, now) : { reason: 'other-identity', found: other };
}

function expiryMismatch(claims: Claims, now: number): Mismatch | undefined {
  const expiry = claims?.['exp'];
  if (typeof expiry !== 'number' || !(expiry * 1000 < now - clockTolerance)) return undefined;
  const date = new Date(expiry * 1000);
  return { reason: 'expired', found: Number.isNaN(date.getTime()) ? shown(expiry) : date.toISOString() };
}

/** The first of these claims that is there and is not this text. */
function differing(claims: Claims, names: readonly string[], wanted: string): string | undefined {
  for (const name of names) {
    const value = claims?.[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') return shown(value);
    if (!sameText(value, wanted)) return value;
  }
  return undefined;
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 200);
}
