import { constants, type KeyObject, verify } from 'node:crypto';
import { cloudNames, clouds, v1Issuer, v2Issuer } from './clouds.ts';
import type { About } from './entra-failure.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Application, World } from './world.ts';

/** Why an assertion is refused: the AADSTS number and what its message is about. */
export interface Refusal {
  readonly code: number;
  readonly about: About;
}

interface Assertion {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const refuse = (code: number, about: About = {}): Refusal => ({ code, about });

/** Entra allows clocks to differ by five minutes: https://learn.microsoft.com/entra/identity-platform/certificate-credentials */
const SKEW = 300;

/**
 * Judges a managed identity's token as the client assertion of an application: is there a federated identity
 * credential for its issuer, then its subject, then its audience, is it really Entra's, is it in time, and is it
 * of a kind that may be used at all. `undefined` means yes.
 *
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export function refusalOf(
  text: string,
  application: Application,
  world: World,
  keys: SigningKeys,
): Refusal | undefined {
  const assertion = parse(text);
  if (assertion === undefined) return refuse(50027);
  return (
    unmatched(assertion, application, world) ??
    forged(assertion, keys) ??
    untimely(assertion) ??
    ineligible(assertion, application, world)
  );
}

function parse(text: string): Assertion | undefined {
  const parts = text.split('.');
  const [header, claims, signature] = parts;
  if (parts.length !== 3 || !header || !claims || !signature) return undefined;
  if (parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  const readHeader = object(header);
  const readClaims = object(claims);
  if (readHeader === undefined || readClaims === undefined) return undefined;
  return {
    header: readHeader,
    claims: readClaims,
    signed: Buffer.from(`${header}.${claims}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function object(encoded: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Text that a claim holds; anything else reads as empty, which nothing matches. */
function text(claims: Readonly<Record<string, unknown>>, name: string): string {
  const value = claims[name];
  return typeof value === 'string' ? value : '';
}

function unmatched({ claims }: Assertion, application: Application, world: World): Refusal | undefined {
  const credentials = application.federatedCredentials;
  if (credentials.length === 0) return refuse(70025, { appName: application.displayName });
  const issuer = text(claims, 'iss');
  const subject = text(claims, 'sub');
  const audience = text(claims, 'aud');

  const ofIssuer = credentials.filter((credential) => credential.issuer === issuer);
  if (ofIssuer.length === 0) return refuse(700211, { issuer });

  const ofSubject = ofIssuer.filter((credential) => credential.subject === subject);
  if (ofSubject.length === 0) {
    const likely = ofIssuer.some((credential) => credential.subject.toLowerCase() === subject.toLowerCase());
    return refuse(likely ? 7002138 : 700213, { subject });
  }

  const { exchangeAppId, exchangeUri } = clouds[world.cloud];
  // The credential names the exchange by its URI, a v2.0 token by its application ID.
  const names = audience === exchangeAppId ? [exchangeUri, exchangeAppId] : [audience];
  if (ofSubject.some((credential) => credential.audiences.some((one) => names.includes(one))))
    return undefined;
  const othersExchange = cloudNames
    .filter((name) => name !== world.cloud)
    .some((name) => [clouds[name].exchangeAppId, clouds[name].exchangeUri].includes(audience));
  return refuse(othersExchange ? 7002206 : 7002121, { audience });
}

function forged({ header, signed, signature }: Assertion, keys: SigningKeys): Refusal | undefined {
  const keyId = text(header, 'kid');
  if (header['alg'] !== 'RS256' || keyId !== keys.keyId)
    return refuse(700027, { reason: 'The key was not found.', keyId });
  if (signatureHolds(signed, signature, keys.publicKey)) return undefined;
  return refuse(700027, {
    reason: 'The provided signature value did not match the expected signature value.',
    keyId,
  });
}

function signatureHolds(signed: Buffer, signature: Buffer, publicKey: KeyObject): boolean {
  return verify('sha256', signed, { key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature);
}

function untimely({ claims }: Assertion): Refusal | undefined {
  const now = Date.now() / 1000;
  const { nbf, exp } = claims;
  const from = typeof nbf === 'number' ? nbf : 0;
  const until = typeof exp === 'number' ? exp : 0;
  if (from - SKEW <= now && now < until + SKEW) return undefined;
  const written = (seconds: number): string =>
    new Date(seconds * 1000).toISOString().replace(/(\.\d{3})Z$/, '$10000Z');
  return refuse(700024, { now: written(now), from: written(from), until: written(until) });
}

/** What Entra demands of tokens that it issued itself. */
function ineligible({ claims }: Assertion, application: Application, world: World): Refusal | undefined {
  const issuer = text(claims, 'iss');
  if (world.tenants.some((tenant) => issuer === v1Issuer(world.cloud, tenant.id))) return refuse(700227);
  if (issuer !== v2Issuer(world.cloud, application.homeTenant)) return refuse(700236, { issuer });
  if (text(claims, 'idtyp') !== 'app') return refuse(700229);
  if (claims['xms_ficinfo'] !== undefined) return refuse(700231);
  if (claims['xms_mirid'] === undefined) return refuse(700226);
  const identity = world.identities.find((one) => one.objectId === text(claims, 'oid'));
  // "Only user-assigned managed identities can be used as a credential": the documentation named above.
  if (identity?.kind !== 'user-assigned') return refuse(700222);
  return undefined;
}
