import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  bitString,
  boolean,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  set,
  tagged,
  utcTime,
  utf8String,
} from './der.ts';

/** A PEM certificate with its key, as TLS servers take them. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  /** The root certificate. */
  readonly pem: string;
  /** A leaf for these DNS names and IPv4 addresses. */
  issue(names: readonly string[]): IssuedCertificate;
}

/** Object identifiers of RFC 5280, RFC 5758 and RFC 8017. */
const oids = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
} as const;

const DAY = 86_400_000;
/** Long enough for a demo left running over a holiday; short enough that no client finds it odd. */
const LIFETIME = 90 * DAY;

interface Wanted {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(objectIdentifier(oids.commonName), utf8String(commonName))));
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** RFC 5280 4.2.1.2, method 1, over the whole public key structure: unique is all it has to be. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function certificate(wanted: Wanted): X509Certificate {
  const algorithm =
    wanted.signer.asymmetricKeyType === 'rsa'
      ? sequence(objectIdentifier(oids.sha256WithRsa), nothing())
      : sequence(objectIdentifier(oids.ecdsaWithSha256));
  const now = Date.now();
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name(wanted.issuer),
    sequence(utcTime(new Date(now - DAY)), utcTime(new Date(now + LIFETIME))),
    name(wanted.subject),
    wanted.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...wanted.extensions)),
  );
  return new X509Certificate(sequence(body, algorithm, bitString(sign('sha256', body, wanted.signer))));
}

function alternativeName(host: string): Buffer {
  return isIPv4(host)
    ? tagged(7, Buffer.from(host.split('.').map(Number)), false)
    : tagged(2, Buffer.from(host, 'latin1'), false);
}

/** A new root on a P-256 key, in memory only. */
export function createCertificateAuthority(): CertificateAuthority {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = 'Embedded Azure root, for tests only';
  const rootIdentifier = keyIdentifier(root.publicKey);
  const rootCertificate = certificate({
    subject,
    issuer: subject,
    publicKey: root.publicKey,
    signer: root.privateKey,
    extensions: [
      extension(oids.basicConstraints, true, sequence(boolean(true))),
      // keyCertSign and cRLSign
      extension(oids.keyUsage, true, bitString(Buffer.from([0x06]), 1)),
      extension(oids.subjectKeyIdentifier, false, octetString(rootIdentifier)),
    ],
  });
  const pem = rootCertificate.toString();

  return {
    pem,
    issue(names) {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const issued = certificate({
        subject: names[0] ?? 'localhost',
        issuer: subject,
        publicKey: leaf.publicKey,
        signer: root.privateKey,
        extensions: [
          extension(oids.basicConstraints, true, sequence()),
          // digitalSignature
          extension(oids.keyUsage, true, bitString(Buffer.from([0x80]), 7)),
          extension(oids.extendedKeyUsage, false, sequence(objectIdentifier(oids.serverAuth))),
          extension(oids.subjectAltName, false, sequence(...names.map(alternativeName))),
          extension(oids.subjectKeyIdentifier, false, octetString(keyIdentifier(leaf.publicKey))),
          extension(oids.authorityKeyIdentifier, false, sequence(tagged(0, rootIdentifier, false))),
        ],
      });
      return {
        // The root stays out: whoever trusts it has it.
        cert: issued.toString(),
        key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}

/** A self-signed certificate around a signing key, as Entra publishes them in `x5c`. */
export function selfSigned(subject: string, publicKey: KeyObject, privateKey: KeyObject): X509Certificate {
  return certificate({
    subject,
    issuer: subject,
    publicKey,
    signer: privateKey,
    extensions: [extension(oids.basicConstraints, true, sequence())],
  });
}
