// `@peculiar/x509` uses decorators and needs this polyfill before it loads.
import 'reflect-metadata';

import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A PEM certificate and its private key, as `node:https` takes them. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  /** The root certificate. */
  readonly pem: string;
  /** Issues a server certificate for these DNS names and IP addresses. */
  issue(names: readonly string[]): Promise<IssuedCertificate>;
}

type KeyPair = webcrypto.CryptoKeyPair;

const { subtle } = webcrypto;
const EC_KEY = { name: 'ECDSA', namedCurve: 'P-256' };
const EC_SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };
const RSA_KEY = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

const DAY = 86_400_000;

/** Starts one day early because clocks differ. 90 days is short enough for every TLS client. */
function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - DAY), notAfter: new Date(now + 90 * DAY) };
}

const generateKeys = (): Promise<KeyPair> => subtle.generateKey(EC_KEY, true, ['sign', 'verify']);

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await subtle.exportKey('pkcs8', key)).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}

/** Creates a root certificate and its key. */
export async function createRoot(): Promise<IssuedCertificate> {
  const keys = await generateKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=Embedded Azure test root',
    keys,
    signingAlgorithm: EC_SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: root.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** A certificate authority. Without a root it creates one whose key exists only in memory. */
export async function createCertificateAuthority(stored?: IssuedCertificate): Promise<CertificateAuthority> {
  const { cert, key } = stored ?? (await createRoot());
  const root = new X509Certificate(cert);
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  const signingKey = await subtle.importKey('pkcs8', der, EC_KEY, false, ['sign']);

  return {
    pem: cert,
    async issue(names) {
      const keys = await generateKeys();
      const certificate = await X509CertificateGenerator.create({
        ...validity(),
        subject: [{ CN: [names[0] ?? 'localhost'] }],
        issuer: root.subject,
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: EC_SIGNATURE,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
          new SubjectAlternativeNameExtension(
            names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
          ),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
          await AuthorityKeyIdentifierExtension.create(root.publicKey),
        ],
      });
      return { cert: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
    },
  };
}

/** Creates an RSA key for RS256 and a self-signed certificate for it, as Entra publishes in `x5c`. */
export async function createSigningCertificate(commonName: string): Promise<IssuedCertificate> {
  const keys = await subtle.generateKey(RSA_KEY, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: RSA_KEY,
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  return { cert: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}
