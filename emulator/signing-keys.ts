import { createHash, KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { createSigningCertificate } from './certificate-authority.ts';

/** A token issuer's key: it signs tokens and is published as a JSON Web Key. */
export interface SigningKeys {
  /** The published key (RFC 7517), without members that differ by tenant. */
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** The certificate of the key, DER in base64, as in `x5c`. */
  readonly certificate: string;
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

/** Creates an RS256 key. As in Entra, its `kid` is the SHA-1 thumbprint of its certificate. */
export async function createSigningKeys(
  commonName = 'accounts.accesscontrol.windows.net',
): Promise<SigningKeys> {
  const { keys, certificate } = await createSigningCertificate(commonName);
  const publicKey = KeyObject.from(keys.publicKey);
  const privateKey = KeyObject.from(keys.privateKey);
  const der = Buffer.from(certificate.rawData);
  const thumbprint = createHash('sha1').update(der).digest('base64url');
  const x5c = der.toString('base64');
  return {
    keyId: thumbprint,
    publicKey,
    certificate: x5c,
    jwk: {
      ...publicKey.export({ format: 'jwk' }),
      use: 'sig',
      kid: thumbprint,
      x5t: thumbprint,
      x5c: [x5c],
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ typ: 'JWT', alg: 'RS256', x5t: thumbprint, kid: thumbprint, ...header })
        .sign(privateKey),
  };
}

/**
 * Returns the keys that an external OpenID Connect issuer publishes at the moment, or `undefined` if its discovery
 * document is not reachable.
 */
export type IssuerKeys = (issuer: string) => readonly Pick<SigningKeys, 'keyId' | 'publicKey'>[] | undefined;
