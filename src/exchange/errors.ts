import type { MachineProblem } from './machine.ts';
import type { AssertionClaims } from './request.ts';

/** The parties of an exchange: the machine's identity endpoint, Entra's token endpoint, a container registry. */
export type Leg = 'identity' | 'entra' | 'registry';

/** As whom Entra is asked. */
export type Actor = 'app' | 'blueprint' | 'agent-identity';

export interface Attempts {
  readonly tries: number;
  /** Milliseconds from the first try to the last answer. */
  readonly elapsed: number;
}

/** A server's error response, in the server's own words. From outside: never print it unescaped. */
export interface ErrorResponse {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  /** AADSTS numbers, without the letters; the one in the description first. */
  readonly codes: readonly string[];
  readonly traceId?: string;
  readonly correlationId?: string;
  readonly timestamp?: string;
}

/** Why an answer that is no error response cannot be used. */
export type UnusableAnswer =
  | 'html'
  | 'not-json'
  | 'too-large'
  | 'redirect'
  | 'status'
  | 'system-assigned'
  | 'encoded'
  | 'no-token'
  | 'token-size'
  | 'not-bearer'
  | 'no-expiry'
  | 'expired'
  | 'other-identity'
  | 'other-app'
  | 'other-tenant'
  | 'other-resource'
  | 'other-agent-identity'
  | 'other-blueprint';

/** What is wrong with a server's certificate. */
export type CertificateProblem = 'untrusted' | 'expired' | 'not-yet-valid' | 'wrong-host';

interface Place {
  readonly leg: Leg;
  /** Host and port of the request. */
  readonly host: string;
}

/** Why one request did not give a token. */
export type RequestFailure =
  | (Place & {
      readonly kind: 'unreachable';
      /** The system's or OpenSSL's code: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`. */
      readonly code: string;
      readonly message: string;
      readonly certificate?: CertificateProblem;
      /** The proxy could not be reached; `host` is the request's own. */
      readonly proxy?: ProxyPlace;
    })
  | (Place & {
      readonly kind: 'timed-out';
      /** Milliseconds. */
      readonly limit: number;
      readonly proxy?: ProxyPlace;
    })
  /** The proxy answered in place of the server, for example 407. */
  | (Place & { readonly kind: 'proxy-answer'; readonly status: number; readonly proxy: ProxyPlace })
  | (Place & { readonly kind: 'error-response'; readonly response: ErrorResponse })
  | (Place & {
      readonly kind: 'unusable-answer';
      readonly status: number;
      readonly reason: UnusableAnswer;
      /** What the answer has instead: a `Location`, another app's ID, the start of the page. From outside. */
      readonly found: string;
    });

export interface ProxyPlace {
  /** Host and port. */
  readonly host: string;
  /** The setting that names it. */
  readonly setting: string;
}

/** Why a file gives no token. */
export type FileProblem = 'missing' | 'unreadable' | 'not-a-file' | 'too-large' | 'empty' | 'not-a-token';

/** Why the file with the pod's token cannot be used. */
export type TokenFileProblem = FileProblem | 'expired' | 'issued-by-entra' | 'wrong-audience';

/** Why the file with an earlier assertion cannot be used. */
export type AssertionFileProblem = FileProblem | 'expired';

/** Everything that can end an exchange. */
export type ExchangeProblem =
  | MachineProblem
  | {
      readonly kind: 'unusable-token-file';
      readonly path: string;
      readonly problem: TokenFileProblem;
      /** The audience that is needed. */
      readonly audience: string;
      /** What the file has instead, or the system's own words. From outside. */
      readonly found: string;
      /** It had a good token before, which may have been sent. */
      readonly readBefore: boolean;
    }
  | {
      readonly kind: 'unusable-assertion-file';
      readonly path: string;
      readonly problem: AssertionFileProblem;
      /** The expiry, or the system's own words. From outside. */
      readonly found: string;
    }
  | (RequestFailure & {
      readonly attempts: Attempts;
      /** The time budget is spent, or would be before the next try. Milliseconds. */
      readonly outOfTime?: { readonly budget: number; readonly nextTryIn?: number };
      /** The scope that failed; absent for the identity's token. */
      readonly scope?: string;
      /** Absent if Entra was not asked. */
      readonly actor?: Actor;
      readonly assertion?: AssertionClaims;
    });

export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: ExchangeProblem['kind'];
  readonly detail: ExchangeProblem;

  constructor(detail: ExchangeProblem, options?: ErrorOptions) {
    super(summary(detail), options);
    this.code = detail.kind;
    this.detail = detail;
  }
}

/** For developers and stack traces; users read `messages/`. Nothing from outside is in it. */
function summary(detail: ExchangeProblem): string {
  switch (detail.kind) {
    case 'unfit-machine':
      return `${detail.machine} has no user-assigned managed identity to ask for`;
    case 'metadata-override':
      return 'AZURE_POD_IDENTITY_AUTHORITY_HOST is not a loopback address';
    case 'unusable-token-file':
    case 'unusable-assertion-file':
      return `${detail.path} has no usable token: ${detail.problem}`;
    case 'invalid-header':
      return 'IDENTITY_HEADER has characters that a header cannot have';
    case 'invalid-endpoint':
      return 'IDENTITY_ENDPOINT is not an http address';
    case 'unreachable':
      return `no connection to ${detail.host}: ${detail.code}`;
    case 'timed-out':
      return `no answer from ${detail.host} within ${detail.limit} ms`;
    case 'proxy-answer':
      return `the proxy ${detail.proxy.host} answered HTTP ${detail.status} for ${detail.host}`;
    case 'error-response':
      return `${detail.host} answered HTTP ${detail.response.status}`;
    case 'unusable-answer':
      return `${detail.host} answered HTTP ${detail.status} without a usable token: ${detail.reason}`;
  }
}
