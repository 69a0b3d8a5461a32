import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { selfSigned } from './certificates.ts';

/** What Entra signs tokens with, and what it publishes of it. */
export interface SigningKeys {
  /** The members of a JSON Web Key that are the same for every tenant; see RFC 7517 and Entra's own key list. */
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly keyId: string;
  readonly publicKey: KeyObject;
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

/** A fresh RS256 key; its `kid` is, as Entra's is, the thumbprint of the certificate around it. */
export async function createSigningKeys(): Promise<SigningKeys> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const certificate = selfSigned('accounts.accesscontrol.windows.net', publicKey, privateKey);
  const thumbprint = createHash('sha1').update(certificate.raw).digest('base64url');
  return {
    keyId: thumbprint,
    publicKey,
    jwk: {
      ...publicKey.export({ format: 'jwk' }),
      use: 'sig',
      kid: thumbprint,
      x5t: thumbprint,
      x5c: [certificate.raw.toString('base64')],
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ typ: 'JWT', alg: 'RS256', x5t: thumbprint, kid: thumbprint, ...header })
        .sign(privateKey),
  };
}
