import { errors, jwtVerify } from 'jose';
import { v1Issuer } from './clouds.ts';
import type { RecordedRequest } from './request-log.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Application, World } from './world.ts';

/** The caller, according to the access token. */
export interface Caller {
  readonly application: Application | undefined;
  /** The client ID of the application, the agent identity or the managed identity. */
  readonly clientId: string;
  readonly isAgentIdentity: boolean;
  readonly tenant: string;
  readonly objectId: string;
}

export type BearerProblem =
  | { readonly problem: 'missing' | 'invalid' }
  | { readonly problem: 'expired'; readonly expiry: number }
  | { readonly problem: 'audience'; readonly audience: string };

/** Checks the access token in the `Authorization` header of a request to one of Microsoft's APIs. */
export async function authenticateBearer(
  request: RecordedRequest,
  audiences: readonly string[],
  world: World,
  keys: SigningKeys,
): Promise<{ readonly caller: Caller } | BearerProblem> {
  const header = request.headers['authorization'];
  if (header === undefined) return { problem: 'missing' };
  const token = /^Bearer (\S+)$/i.exec(header)?.[1];
  if (token === undefined) return { problem: 'invalid' };
  return authenticateToken(token, audiences, world, keys);
}

/** Checks a v1.0 access token: signature, issuer (a tenant of the world), lifetime and audience. */
export async function authenticateToken(
  token: string,
  audiences: readonly string[],
  world: World,
  keys: SigningKeys,
): Promise<{ readonly caller: Caller } | BearerProblem> {
  try {
    const { payload } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['RS256'],
      issuer: world.tenants.map((tenant) => v1Issuer(world.cloud, tenant.id)),
    });
    const audience = typeof payload.aud === 'string' ? payload.aud : '';
    if (!audiences.includes(audience)) return { problem: 'audience', audience };
    return {
      caller: {
        clientId: String(payload['appid']),
        isAgentIdentity: world.agentIdentities.some((one) => one.clientId === payload['appid']),
        application: world.applications.find((one) => one.clientId === payload['appid']),
        tenant: String(payload['tid']),
        objectId: String(payload['oid']),
      },
    };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { problem: 'expired', expiry: error.payload.exp ?? 0 };
    return { problem: 'invalid' };
  }
}
