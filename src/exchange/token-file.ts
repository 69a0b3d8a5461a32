import { readFileSync } from 'node:fs';
import { assertionClaims, expiryClaim, readClaims } from './claims.ts';
import { type AssertionFileProblem, ExchangeError, type TokenFileProblem } from './errors.ts';
import type { AssertionSource } from './request.ts';
import type { ExchangeObserver } from './transport.ts';

/** Entra's own issuers. A token of theirs came through a federation or is an app's own; Entra does not accept it. */
const entraIssuer =
  /^https:\/\/(sts\.windows\.net|sts\.chinacloudapi\.cn|login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn|chinacloudapi\.cn|windows\.net|microsoft\.com))\//iu;

/**
 * A projected service account token as the source of client assertions. The kubelet replaces the file before the token
 * expires, so it is read again at each call.
 * https://learn.microsoft.com/azure/aks/workload-identity-overview
 */
export function tokenFile(path: string, audience: string, observer: ExchangeObserver): AssertionSource {
  return async (budget) => {
    const fail = (problem: TokenFileProblem, found = '', cause?: unknown): never => {
      throw new ExchangeError({ kind: 'unusable-token-file', path, problem, audience, found }, { cause });
    };
    const token = read(path, (error) => fail('unreadable', systemWords(error), error));
    observer.secret(token);
    const claims = readClaims(token);
    const known = assertionClaims(token);
    const expiresOn = expiryClaim(token);
    if (claims === undefined || expiresOn === undefined) return fail('not-a-token');
    if (expiresOn.getTime() <= budget.date()) return fail('expired', expiresOn.toISOString());
    if (known.issuer !== undefined && entraIssuer.test(known.issuer)) {
      return fail('issued-by-entra', known.issuer);
    }
    const audiences = [claims['aud']].flat();
    if (!audiences.includes(audience)) return fail('wrong-audience', audiences.map(String).join(', '));
    observer.accepted('identity', claims);
    return { token, expiresOn, claims: { ...known, audience } };
  };
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
    const token = read(path, (error) => fail('unreadable', systemWords(error), error));
    observer.secret(token);
    const expiresOn = expiryClaim(token);
    if (expiresOn === undefined) return fail('not-a-token');
    if (expiresOn.getTime() <= budget.date()) return fail('expired', expiresOn.toISOString());
    observer.accepted('identity', readClaims(token));
    return { token, expiresOn, claims: assertionClaims(token) };
  };
}

/** Far more than any such token. */
const largestFile = 64 * 1024;

function read(path: string, fail: (error: unknown) => never): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > largestFile) throw new Error(`it has ${text.length} characters`);
    if (text.trim() === '') throw new Error('it is empty');
    return text.trim();
  } catch (error) {
    return fail(error);
  }
}

function systemWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
