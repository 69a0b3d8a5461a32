import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { createSigningCertificate, type IssuedCertificate } from './certificate-authority.ts';

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

/** Entra's certificates have this common name. */
export const ENTRA_SIGNER = 'accounts.accesscontrol.windows.net';

/**
 * An RS256 key. As in Entra, its `kid` is the SHA-1 thumbprint of its certificate.
 *
 * @param stored a key from an earlier start. Default: a new key
 */
export async function createSigningKeys(
  commonName = ENTRA_SIGNER,
  stored?: IssuedCertificate,
): Promise<SigningKeys> {
  const { cert, key } = stored ?? (await createSigningCertificate(commonName));
  const certificate = new X509Certificate(cert);
  const { publicKey, raw: der } = certificate;
  const privateKey = createPrivateKey(key);
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
