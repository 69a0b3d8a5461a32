import type { AssertionClaims } from './request.ts';

/**
 * Reads a token's claims without judging them. Tokens are opaque by contract
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

/** The last second that a `Date` shows as a four-digit year, since 1970. */
export const endOfTime = 253_402_300_799;

/** When the token expires, by its own `exp` claim; nothing if that cannot be read. */
export function expiryClaim(token: string): Date | undefined {
  const exp = readClaims(token)?.['exp'];
  return typeof exp === 'number' && exp > 0 && exp < endOfTime ? new Date(exp * 1000) : undefined;
}

/** The one rule for what a GUID looks like. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(text);
}
