import { constants, type KeyObject, verify } from 'node:crypto';
import { cloudNames, clouds, v1Issuer, v2Issuer } from './clouds.ts';
import type { EntraError, MessageValues } from './entra-error-response.ts';
import type { IssuerKeys, SigningKeys } from './signing-keys.ts';
import { agentSubject } from './tokens.ts';
import type { AgentIdentity, Application, FederatedIdentityCredential, World } from './world.ts';

interface Assertion {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const fail = (code: number, values: MessageValues = {}): EntraError => ({ code, values });

/** Entra allows clocks to differ by five minutes: https://learn.microsoft.com/entra/identity-platform/certificate-credentials */
const CLOCK_SKEW = 300;

/** `9999-12-31T23:59:59Z`, the last second of a .NET `DateTime`. */
const LAST_SECOND = 253_402_300_799;

/**
 * Checks a token as the client assertion of an application. It must match a federated identity credential by issuer,
 * subject and audience, have a valid signature, be within its lifetime, and be of a kind that Entra accepts. Returns
 * `undefined` if all checks pass.
 *
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export function checkClientAssertion(
  text: string,
  application: Application,
  world: World,
  keys: SigningKeys,
  externalIssuers: IssuerKeys,
): EntraError | undefined {
  const assertion = parse(text);
  if (assertion === undefined) return fail(50027);
  const issuer = textClaim(assertion.claims, 'iss');
  const isFromEntra = isEntraIssuer(issuer, world);
  const issuerKeys = isFromEntra ? [keys] : externalIssuers(issuer);
  return (
    checkFederatedCredential(assertion, application, world) ??
    checkSignature(assertion, issuerKeys) ??
    checkLifetime(assertion) ??
    (isFromEntra ? checkEntraToken(assertion, application, world) : undefined)
  );
}

/**
 * Checks the blueprint's token as the client assertion of an agent identity. It works like a federated credential that
 * nobody creates: the tenant's issuer, and a subject that names the tenant, the blueprint and the agent identity.
 */
export function checkBlueprintToken(
  text: string,
  agent: AgentIdentity,
  world: World,
  keys: SigningKeys,
): EntraError | undefined {
  const assertion = parse(text);
  if (assertion === undefined) return fail(50027);
  const credential: FederatedIdentityCredential = {
    name: 'blueprint',
    issuer: v2Issuer(world.cloud, agent.tenant),
    subject: agentSubject(world.cloud, agent.tenant, agent.blueprint, agent.clientId),
    audiences: [clouds[world.cloud].exchangeUri],
  };
  return (
    checkFederatedCredential(
      assertion,
      { displayName: agent.displayName, federatedCredentials: [credential] },
      world,
    ) ??
    checkSignature(assertion, [keys]) ??
    checkLifetime(assertion)
  );
}

function isEntraIssuer(issuer: string, world: World): boolean {
  return world.tenants.some(
    ({ id }) => issuer === v1Issuer(world.cloud, id) || issuer === v2Issuer(world.cloud, id),
  );
}

function parse(text: string): Assertion | undefined {
  const parts = text.split('.');
  const [header, claims, signature] = parts;
  if (parts.length !== 3 || !header || !claims || !signature) return undefined;
  if (parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  const parsedHeader = parseObject(header);
  const parsedClaims = parseObject(claims);
  if (parsedHeader === undefined || parsedClaims === undefined) return undefined;
  if (!isNumericDate(parsedClaims['nbf']) || !isNumericDate(parsedClaims['exp'])) return undefined;
  return {
    header: parsedHeader,
    claims: parsedClaims,
    signed: Buffer.from(`${header}.${claims}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function parseObject(encoded: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7519: a NumericDate is a number, not text. A date after the year 9999 cannot be represented. */
function isNumericDate(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value >= 0 && value <= LAST_SECOND);
}

/** The text of a claim. Other types read as an empty string, which matches nothing. */
function textClaim(claims: Readonly<Record<string, unknown>>, name: string): string {
  const value = claims[name];
  return typeof value === 'string' ? value : '';
}

/** The only audience. Kubernetes writes a list of one, other issuers write text. */
function audienceOf(claims: Readonly<Record<string, unknown>>): string {
  const { aud } = claims;
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return typeof audience === 'string' ? audience : '';
}

function checkFederatedCredential(
  { claims }: Assertion,
  application: Pick<Application, 'displayName' | 'federatedCredentials'>,
  world: World,
): EntraError | undefined {
  const credentials = application.federatedCredentials;
  if (credentials.length === 0) return fail(70025, { appName: application.displayName });
  const issuer = textClaim(claims, 'iss');
  const subject = textClaim(claims, 'sub');
  const audience = audienceOf(claims);

  // Issuers are compared exactly: letter case and a trailing slash count.
  const sameIssuer = credentials.filter((credential) => credential.issuer === issuer);
  if (sameIssuer.length === 0) return fail(700211, { issuer });

  const sameSubject = sameIssuer.filter((credential) => credential.subject === subject);
  if (sameSubject.length === 0) {
    const differsInCase = sameIssuer.some(
      (credential) => credential.subject.toLowerCase() === subject.toLowerCase(),
    );
    return fail(differsInCase ? 7002138 : 700213, { subject });
  }

  const { exchangeAppId, exchangeUri } = clouds[world.cloud];
  // A credential contains the URI of the token exchange. A v2.0 token contains its application ID.
  const accepted = audience === exchangeAppId ? [exchangeUri, exchangeAppId] : [audience];
  if (sameSubject.some((credential) => credential.audiences.some((one) => accepted.includes(one))))
    return undefined;
  const isOfAnotherCloud = cloudNames
    .filter((name) => name !== world.cloud)
    .some((name) => [clouds[name].exchangeAppId, clouds[name].exchangeUri].includes(audience));
  return fail(isOfAnotherCloud ? 7002206 : 7002121, { audience });
}

function checkSignature(
  { header, signed, signature }: Assertion,
  keys: ReturnType<IssuerKeys>,
): EntraError | undefined {
  if (keys === undefined) return fail(50166);
  const keyId = textClaim(header, 'kid');
  const key = header['alg'] === 'RS256' ? keys.find((one) => one.keyId === keyId) : undefined;
  if (key === undefined) return fail(700027, { reason: 'The key was not found.', keyId });
  if (isValidSignature(signed, signature, key.publicKey)) return undefined;
  return fail(700027, {
    reason: 'The provided signature value did not match the expected signature value.',
    keyId,
  });
}

function isValidSignature(signed: Buffer, signature: Buffer, publicKey: KeyObject): boolean {
  return verify('sha256', signed, { key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature);
}

function checkLifetime({ claims }: Assertion): EntraError | undefined {
  const now = Date.now() / 1000;
  const { nbf, exp } = claims;
  const from = typeof nbf === 'number' ? nbf : 0;
  const until = typeof exp === 'number' ? exp : 0;
  if (from - CLOCK_SKEW <= now && now < until + CLOCK_SKEW) return undefined;
  const format = (seconds: number): string =>
    new Date(seconds * 1000).toISOString().replace(/(\.\d{3})Z$/, '$10000Z');
  return fail(700024, { now: format(now), from: format(from), until: format(until) });
}

/** The rules for tokens that Entra itself issued. */
function checkEntraToken(
  { claims }: Assertion,
  application: Application,
  world: World,
): EntraError | undefined {
  const issuer = textClaim(claims, 'iss');
  if (world.tenants.some((tenant) => issuer === v1Issuer(world.cloud, tenant.id))) return fail(700227);
  if (issuer !== v2Issuer(world.cloud, application.homeTenant)) return fail(700236, { issuer });
  if (textClaim(claims, 'idtyp') !== 'app') return fail(700229);
  if (claims['xms_ficinfo'] !== undefined) return fail(700231);
  if (claims['xms_mirid'] === undefined) return fail(700226);
  const identity = world.identities.find((one) => one.objectId === textClaim(claims, 'oid'));
  // "Only user-assigned managed identities can be used as a credential", says the page above.
  if (identity?.kind !== 'user-assigned') return fail(700222);
  return undefined;
}
