import type { AssertionClaims } from './request.ts';

/**
 * Reads a token's claims without judging them: tokens are opaque by contract
 * (https://learn.microsoft.com/entra/identity-platform/access-tokens), so what cannot be read is simply unknown.
 */
export function readClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The first of the named claims that is a non-empty string. */
export function textClaim(
  claims: Readonly<Record<string, unknown>> | undefined,
  ...names: string[]
): string | undefined {
  for (const name of names) {
    const value = claims?.[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

export function assertionClaims(token: string): AssertionClaims {
  const claims = readClaims(token);
  const entries = Object.entries({
    issuer: textClaim(claims, 'iss'),
    subject: textClaim(claims, 'sub'),
    audience: textClaim(claims, 'aud'),
    tenantId: textClaim(claims, 'tid'),
    clientId: textClaim(claims, 'azp', 'appid'),
    resourceId: textClaim(claims, 'xms_mirid'),
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** When the token ends, in its own words; nothing when they cannot be read. */
export function expiryClaim(token: string): Date | undefined {
  const exp = readClaims(token)?.['exp'];
  return typeof exp === 'number' && Number.isFinite(exp) ? new Date(exp * 1000) : undefined;
}
