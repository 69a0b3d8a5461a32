import { randomBytes, randomInt } from 'node:crypto';
import { v1Issuer, v2Issuer } from './clouds.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Application, ManagedIdentity, Resource, World } from './world.ts';

export interface IssuedToken {
  readonly accessToken: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly expiresOn: number;
}

export const secondsNow = (): number => Math.floor(Date.now() / 1000);

/** Entra dates tokens five minutes back, for clocks that are late. */
const BACKDATED = 300;
/** A managed identity's token lives for a day: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations */
const IDENTITY_TOKEN_LIFETIME = 86_400;

interface Principal {
  readonly clientId: string;
  readonly objectId: string;
  readonly tenant: string;
}

/**
 * The claims of an app-only token; v1.0 and v2.0 differ in issuer, audience and the names for the client.
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
function claims(
  world: World,
  principal: Principal,
  resource: Resource,
  requested: string,
  notBefore: number,
  expiresOn: number,
): Record<string, unknown> {
  const { clientId, objectId, tenant } = principal;
  const roles = resource.roles === undefined ? {} : { roles: [...resource.roles] };
  const opaque = {
    aio: randomBytes(36).toString('base64'),
    rh: `1.${randomBytes(33).toString('base64url')}.`,
    uti: randomBytes(16).toString('base64url'),
  };
  const times = { iat: notBefore, nbf: notBefore, exp: expiresOn };
  const who = { idtyp: 'app', oid: objectId, sub: objectId, tid: tenant };
  if (resource.accessTokenVersion === 2) {
    return {
      aud: resource.appId,
      iss: v2Issuer(world.cloud, tenant),
      ...times,
      ...opaque,
      azp: clientId,
      azpacr: '2',
      ...who,
      ...roles,
      ver: '2.0',
    };
  }
  return {
    aud: requested,
    iss: v1Issuer(world.cloud, tenant),
    ...times,
    ...opaque,
    appid: clientId,
    appidacr: '2',
    idp: v1Issuer(world.cloud, tenant),
    ...who,
    ...roles,
    ver: '1.0',
  };
}

/**
 * The token that an application gets in a tenant: 60 to 90 minutes, at random.
 * https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes#access-tokens
 */
export async function applicationToken(
  keys: SigningKeys,
  world: World,
  application: Application,
  tenant: string,
  objectId: string,
  resource: Resource,
  requested: string,
): Promise<IssuedToken> {
  const now = secondsNow();
  const expiresOn = now + randomInt(3600, 5401);
  const principal = { clientId: application.clientId, objectId, tenant };
  const accessToken = await keys.sign({
    ...claims(world, principal, resource, requested, now - BACKDATED, expiresOn),
    // By this claim Entra knows a token that came through a federated credential (AADSTS700231).
    xms_ficinfo: 'CAAQABgAIAAoAjAA',
  });
  return { accessToken, notBefore: now - BACKDATED, expiresOn };
}

/** The token that a machine gets for one of its identities, with `tokenLifetime` of its 24 hours left. */
export async function identityToken(
  keys: SigningKeys,
  world: World,
  identity: ManagedIdentity,
  resource: Resource,
  requested: string,
): Promise<IssuedToken> {
  const expiresOn = secondsNow() + identity.tokenLifetime;
  const notBefore = expiresOn - IDENTITY_TOKEN_LIFETIME - BACKDATED;
  const accessToken = await keys.sign({
    ...claims(world, identity, resource, requested, notBefore, expiresOn),
    xms_mirid: identity.resourceId,
  });
  return { accessToken, notBefore, expiresOn };
}
