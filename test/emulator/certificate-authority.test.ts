import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../emulator/certificate-authority.ts';
import { createSigningKeys } from '../../emulator/signing-keys.ts';

const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

test('a server certificate is issued by the root, for its names only', async () => {
  const authority = await createCertificateAuthority();
  const { cert, key } = await authority.issue(['localhost', '127.0.0.1', '*.azurecr.io']);
  const root = new X509Certificate(authority.pem);
  const leaf = new X509Certificate(cert);
  expect(root.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(leaf.keyUsage).toEqual([SERVER_AUTHENTICATION]);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkHost('contoso.azurecr.io')).toBe('*.azurecr.io');
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('example.com')).toBeUndefined();
  expect(leaf.checkHost('a.b.azurecr.io')).toBeUndefined();
});

test('a server certificate is valid now, and for less than 398 days', async () => {
  const authority = await createCertificateAuthority();
  const { cert } = await authority.issue(['localhost']);
  for (const pem of [authority.pem, cert]) {
    const { validFrom, validTo } = new X509Certificate(pem);
    expect(Date.parse(validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(validTo)).toBeGreaterThan(Date.now());
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBeLessThan(398 * 86_400_000);
  }
});

test('two authorities do not trust each other', async () => {
  const [one, other] = [await createCertificateAuthority(), await createCertificateAuthority()];
  const { cert } = await one.issue(['localhost']);
  expect(new X509Certificate(cert).verify(new X509Certificate(other.pem).publicKey)).toBe(false);
});

test('a signing key is named after the thumbprint of its certificate', async () => {
  const { keyId, jwk, certificate, publicKey } = await createSigningKeys();
  const der = Buffer.from(certificate, 'base64');
  expect(keyId).toBe(createHash('sha1').update(der).digest('base64url'));
  expect(jwk).toMatchObject({ kid: keyId, x5t: keyId, x5c: [certificate] });
  const published = new X509Certificate(der);
  expect(published.publicKey.equals(publicKey)).toBe(true);
  expect(published.verify(publicKey)).toBe(true);
});
