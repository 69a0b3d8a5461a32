import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { assertionClaims, expiryClaim, readClaims, textClaim } from './claims.ts';
import {
  type AssertionFileProblem,
  ExchangeError,
  type FileProblem,
  type TokenFileProblem,
} from './errors.ts';
import type { AssertionSource } from './request.ts';
import type { ExchangeObserver } from './transport.ts';

/**
 * A projected service account token as the source of client assertions. The kubelet replaces the file before the token
 * expires, so it is read again at each call.
 * https://learn.microsoft.com/azure/aks/workload-identity-overview
 */
export function tokenFile(path: string, audience: string, observer: ExchangeObserver): AssertionSource {
  let last: string | undefined;
  return async (budget) => {
    const fail = (problem: TokenFileProblem, found = '', cause?: unknown): never => {
      const readBefore = last !== undefined;
      throw new ExchangeError(
        { kind: 'unusable-token-file', path, problem, audience, found, readBefore },
        { cause },
      );
    };
    const token = readTokenFrom(path, fail);
    observer.secret(token);
    const claims = readClaims(token);
    const known = assertionClaims(token);
    const expiresOn = expiryClaim(token);
    if (claims === undefined || expiresOn === undefined) return fail('not-a-token');
    if (expiresOn.getTime() <= budget.date()) return fail('expired', expiresOn.toISOString());
    if (isEntras(claims)) return fail('issued-by-entra', known.issuer);
    const audiences = [claims['aud'] ?? []].flat();
    if (!audiences.includes(audience)) return fail('wrong-audience', audiences.map(String).join(', '));
    if (token !== last) observer.accepted('identity', claims);
    last = token;
    return { token, expiresOn, claims: { ...known, audience } };
  };
}

/**
 * Entra's own tokens name their tenant in a claim and at the start of the issuer's path, in every cloud. Such a token
 * came through a federation or is an identity's own, and Entra does not accept it from a file.
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
function isEntras(claims: Readonly<Record<string, unknown>>): boolean {
  const issuer = textClaim(claims, 'iss') ?? '';
  const tenant = textClaim(claims, 'tid');
  return tenant !== undefined && URL.canParse(issuer) && new URL(issuer).pathname.split('/')[1] === tenant;
}

/**
 * The assertion of an earlier exchange, a managed identity's token, which was written to a file. Nobody replaces it
 * there, so it can be used until it expires.
 */
export function assertionFile(path: string, observer: ExchangeObserver): AssertionSource {
  return async (budget) => {
    const fail = (problem: AssertionFileProblem, found = '', cause?: unknown): never => {
      throw new ExchangeError({ kind: 'unusable-assertion-file', path, problem, found }, { cause });
    };
    const token = readTokenFrom(path, fail);
    observer.secret(token);
    const expiresOn = expiryClaim(token);
    if (expiresOn === undefined) return fail('not-a-token');
    if (expiresOn.getTime() <= budget.date()) return fail('expired', expiresOn.toISOString());
    observer.accepted('identity', readClaims(token));
    return { token, expiresOn, claims: assertionClaims(token) };
  };
}

/** Bytes. Far more than any such token. */
const largestFile = 64 * 1024;

/** A JSON web token. Other text is never registered as a secret: a host would mask that word in the whole log. */
const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/u;

function readTokenFrom(
  path: string,
  fail: (problem: FileProblem, found?: string, cause?: unknown) => never,
): string {
  let text: string | undefined;
  try {
    text = readStart(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fail(code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unreadable', message, error);
  }
  if (text === undefined) return fail('not-a-file');
  if (text.length > largestFile) return fail('too-large');
  const token = text.trim();
  if (token === '') return fail('empty');
  return tokenPattern.test(token) ? token : fail('not-a-token');
}

/** The start of a regular file, with one byte more than the largest; nothing for a pipe, a directory or a device. */
function readStart(path: string): string | undefined {
  // Without this flag a pipe waits for its writer. Windows has neither.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const bytes = Buffer.alloc(largestFile + 1);
    let size = 0;
    for (;;) {
      const read = readSync(file, bytes, size, bytes.length - size, null);
      size += read;
      if (read === 0 || size === bytes.length) return bytes.toString('latin1', 0, size);
    }
  } finally {
    closeSync(file);
  }
}
