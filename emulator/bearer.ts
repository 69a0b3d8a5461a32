import { errors, jwtVerify } from 'jose';
import { v1Issuer } from './clouds.ts';
import type { RecordedRequest } from './request-log.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Application, World } from './world.ts';

/** Who calls, as their token says. */
export interface Caller {
  readonly application: Application | undefined;
  readonly tenant: string;
  readonly objectId: string;
}

export type Verdict =
  | { readonly caller: Caller }
  | { readonly problem: 'missing' | 'invalid' }
  | { readonly problem: 'expired'; readonly expiry: number }
  | { readonly problem: 'audience'; readonly audience: string };

/** Checks a v1.0 access token as Microsoft's own APIs do: signature, issuer of a known tenant, times, audience. */
export async function verdictOn(
  request: RecordedRequest,
  audiences: readonly string[],
  world: World,
  keys: SigningKeys,
): Promise<Verdict> {
  const header = request.headers['authorization'];
  if (header === undefined) return { problem: 'missing' };
  const token = /^Bearer (\S+)$/i.exec(header)?.[1];
  if (token === undefined) return { problem: 'invalid' };
  try {
    const { payload } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['RS256'],
      issuer: world.tenants.map((tenant) => v1Issuer(world.cloud, tenant.id)),
    });
    const audience = typeof payload.aud === 'string' ? payload.aud : '';
    if (!audiences.includes(audience)) return { problem: 'audience', audience };
    return {
      caller: {
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
