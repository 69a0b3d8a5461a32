import { randomUUID } from 'node:crypto';
import type { Handler } from './handler.ts';
import { createSigningKeys, type IssuerKeys, type SigningKeys } from './signing-keys.ts';
import { secondsNow } from './tokens.ts';

/** A projected service account token. */
export interface ServiceAccountTokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Default: the audience that AKS workload identity projects, `api://AzureADTokenExchange`. */
  readonly audience?: string;
  /** Seconds. Default: 3600. A negative number gives an expired token. */
  readonly lifetime?: number;
}

/** The OpenID Connect issuer of a Kubernetes cluster, as AKS publishes it. */
export interface ClusterIssuer {
  /** The `iss` of its tokens, with a slash at the end. */
  readonly issuer: string;
  /** Signs a service account token with the newest key. */
  token(request: ServiceAccountTokenRequest): Promise<string>;
  /** Creates a new signing key. The old keys stay published, so that their tokens remain valid. */
  rotateKey(): Promise<void>;
  /** Stops publishing all keys except the newest one. */
  retireOldKeys(): void;
}

/**
 * Creates the issuer, the service that publishes its keys, and the lookup that Entra uses.
 * https://learn.microsoft.com/azure/aks/use-oidc-issuer
 */
export function createClusterIssuer(issuer: string): {
  readonly cluster: ClusterIssuer;
  readonly handler: Handler;
  readonly keys: IssuerKeys;
} {
  /** The newest key first. Empty until the first key is needed, because most tests need none. */
  let published: readonly SigningKeys[] = [];
  const addKey = async (): Promise<SigningKeys> => {
    const key = await createSigningKeys('Kubernetes service accounts');
    published = [key, ...published];
    return key;
  };
  const newestKey = async (): Promise<SigningKeys> => published[0] ?? (await addKey());
  const basePath = new URL(issuer).pathname;

  const handler: Handler = async ({ method, path }) => {
    if (method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
    if (path === `${basePath}.well-known/openid-configuration`) {
      return {
        status: 200,
        body: {
          issuer,
          jwks_uri: `${issuer}openid/v1/jwks`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        },
      };
    }
    if (path === `${basePath}openid/v1/jwks`) {
      await newestKey();
      const keys = published.map(({ jwk: { kty, n, e, kid, use } }) => ({
        kty,
        n,
        e,
        kid,
        use,
        alg: 'RS256',
      }));
      return { status: 200, body: { keys } };
    }
    return { status: 404 };
  };

  const cluster: ClusterIssuer = {
    issuer,
    async token({ namespace, serviceAccount, audience = 'api://AzureADTokenExchange', lifetime = 3600 }) {
      const now = secondsNow();
      const issuedAt = lifetime < 0 ? now + lifetime - 3600 : now;
      const key = await newestKey();
      return key.sign(
        {
          aud: [audience],
          exp: now + lifetime,
          iat: issuedAt,
          iss: issuer,
          jti: randomUUID(),
          'kubernetes.io': {
            namespace,
            node: { name: 'aks-runners-00000000-vmss000000', uid: randomUUID() },
            pod: { name: 'runner-0', uid: randomUUID() },
            serviceaccount: { name: serviceAccount, uid: randomUUID() },
          },
          nbf: issuedAt,
          sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        },
        // Kubernetes writes only `alg` and `kid`.
        { typ: undefined, x5t: undefined },
      );
    },
    async rotateKey() {
      await newestKey();
      await addKey();
    },
    retireOldKeys() {
      published = published.slice(0, 1);
    },
  };
  return { cluster, handler, keys: (wanted) => (wanted === issuer ? published : undefined) };
}
