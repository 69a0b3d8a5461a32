import { randomBytes, randomInt } from 'node:crypto';
import { v1Issuer, v2Issuer } from './clouds.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { AgentIdentity, Application, CloudName, ManagedIdentity, Resource, World } from './world.ts';

export interface IssuedToken {
  readonly accessToken: string;
  /** Both in seconds since 1970. */
  readonly notBefore: number;
  readonly expiresOn: number;
}

export const secondsNow = (): number => Math.floor(Date.now() / 1000);

/** Entra sets `nbf` five minutes in the past, for clients whose clock is slow. */
const NOT_BEFORE_OFFSET = 300;
/** A managed identity's token is valid for 24 hours: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations */
const IDENTITY_TOKEN_LIFETIME = 86_400;

interface Principal {
  readonly clientId: string;
  readonly objectId: string;
  readonly tenant: string;
}

/**
 * The claims of an app-only token. Versions 1.0 and 2.0 differ in issuer, audience and the claims for the client.
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
  const opaqueClaims = {
    aio: randomBytes(36).toString('base64'),
    rh: `1.${randomBytes(33).toString('base64url')}.`,
    uti: randomBytes(16).toString('base64url'),
  };
  const timeClaims = { iat: notBefore, nbf: notBefore, exp: expiresOn };
  const principalClaims = { idtyp: 'app', oid: objectId, sub: objectId, tid: tenant };
  if (resource.accessTokenVersion === 2) {
    return {
      aud: resource.appId,
      iss: v2Issuer(world.cloud, tenant),
      ...timeClaims,
      ...opaqueClaims,
      azp: clientId,
      azpacr: '2',
      ...principalClaims,
      ...roles,
      ver: '2.0',
    };
  }
  return {
    aud: requested,
    iss: v1Issuer(world.cloud, tenant),
    ...timeClaims,
    ...opaqueClaims,
    appid: clientId,
    appidacr: '2',
    idp: v1Issuer(world.cloud, tenant),
    ...principalClaims,
    ...roles,
    ver: '1.0',
  };
}

/**
 * An application's token in a tenant. By default it is valid for a random time of 60 to 90 minutes.
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
  const expiresOn = now + (application.tokenLifetime ?? randomInt(3600, 5401));
  const principal = { clientId: application.clientId, objectId, tenant };
  const accessToken = await keys.sign({
    ...claims(world, principal, resource, requested, now - NOT_BEFORE_OFFSET, expiresOn),
    // This claim marks a token that was obtained with a federated credential (AADSTS700231).
    xms_ficinfo: 'CAAQABgAIAAoAjAA',
  });
  return { accessToken, notBefore: now - NOT_BEFORE_OFFSET, expiresOn };
}

/** https://learn.microsoft.com/entra/agent-id/agent-token-claims: `11` says that the subject or actor is an agent identity. */
const AGENT_FACETS = { xms_act_fct: '3 9 11', xms_sub_fct: '9 3 11', xms_tnt_fct: '3 9', xms_idrel: '7 10' };
/** The facets and the lifetime in the blueprint tokens that others published. */
const BLUEPRINT_FACETS = { xms_act_fct: '1 9', xms_sub_fct: '1 9', xms_idrel: '7 26' };
const BLUEPRINT_TOKEN_LIFETIME = 3900;

/**
 * The blueprint's token for one agent identity. Only that agent identity can present it.
 * https://learn.microsoft.com/entra/agent-id/agent-autonomous-app-oauth-flow
 */
export async function blueprintToken(
  keys: SigningKeys,
  world: World,
  blueprint: Application,
  tenant: string,
  objectId: string,
  resource: Resource,
  fmiPath: string,
): Promise<IssuedToken> {
  const now = secondsNow();
  const expiresOn = now + BLUEPRINT_TOKEN_LIFETIME;
  const principal = { clientId: blueprint.clientId, objectId, tenant };
  const accessToken = await keys.sign({
    ...claims(world, principal, resource, resource.appId, now, expiresOn),
    ...BLUEPRINT_FACETS,
    sub: agentSubject(world.cloud, tenant, blueprint.clientId, fmiPath),
    xms_ficinfo: 'CAAQABgAIAAoAjAA',
  });
  return { accessToken, notBefore: now, expiresOn };
}

/** An agent identity's token. Its roles are those that are assigned to it. */
export async function agentToken(
  keys: SigningKeys,
  world: World,
  agent: AgentIdentity,
  resource: Resource,
  requested: string,
): Promise<IssuedToken> {
  const now = secondsNow();
  const expiresOn = now + randomInt(3600, 5401);
  const roles = agent.roles.filter((one) => one.api === resource.appId).map((one) => one.role);
  const { roles: _ofApplications, ...withoutRoles } = resource;
  const principal = { clientId: agent.clientId, objectId: agent.clientId, tenant: agent.tenant };
  const accessToken = await keys.sign({
    ...claims(
      world,
      principal,
      roles.length > 0 ? { ...withoutRoles, roles } : withoutRoles,
      requested,
      now - NOT_BEFORE_OFFSET,
      expiresOn,
    ),
    ...AGENT_FACETS,
    xms_par_app_azp: agent.blueprint,
    xms_ficinfo: 'CAAQABgAIAAoAzAAOAE',
  });
  return { accessToken, notBefore: now - NOT_BEFORE_OFFSET, expiresOn };
}

/** The `sub` of a blueprint's token. Only the public cloud's code (`pub`) is published; the others are our names. */
export function agentSubject(cloud: CloudName, tenant: string, blueprint: string, fmiPath: string): string {
  const code = cloud === 'public' ? 'pub' : cloud;
  return `/eid1/c/${code}/t/${guidBytes(tenant)}/a/${guidBytes(blueprint)}/${fmiPath}`;
}

/** A GUID's bytes in .NET's order, in which the first three groups are little-endian. */
function guidBytes(guid: string): string {
  const [first = '', second = '', third = '', ...rest] = guid.split('-');
  const reversed = (hex: string): Buffer => Buffer.from(hex, 'hex').reverse();
  const bytes = [reversed(first), reversed(second), reversed(third), Buffer.from(rest.join(''), 'hex')];
  return Buffer.concat(bytes).toString('base64url');
}

/** The token of one of the machine's identities. `tokenLifetime` says how much of its 24 hours is left. */
export async function identityToken(
  keys: SigningKeys,
  world: World,
  identity: ManagedIdentity,
  resource: Resource,
  requested: string,
): Promise<IssuedToken> {
  const expiresOn = secondsNow() + identity.tokenLifetime;
  const notBefore = expiresOn - IDENTITY_TOKEN_LIFETIME - NOT_BEFORE_OFFSET;
  const accessToken = await keys.sign({
    ...claims(world, identity, resource, requested, notBefore, expiresOn),
    xms_mirid: identity.resourceId,
  });
  return { accessToken, notBefore, expiresOn };
}
