import type { MachineProblem } from './machine.ts';
import type { AssertionClaims } from './request.ts';

/** The exchange's two legs: the machine's identity endpoint, and Entra's token endpoint. */
export type Leg = 'identity' | 'entra';

/** What was tried for one answer. */
export interface Attempts {
  readonly tries: number;
  /** Milliseconds from the first try to the last answer. */
  readonly elapsed: number;
}

/** An error answer, in the sender's own words. From outside: never to be printed unescaped. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  /** AADSTS numbers, without the letters. */
  readonly codes: readonly string[];
  readonly traceId?: string;
  readonly correlationId?: string;
  readonly timestamp?: string;
}

/** Why an answer with no error in it cannot be used. */
export type Flaw =
  | 'html'
  | 'not-json'
  | 'redirect'
  | 'proxy-credentials'
  | 'system-assigned'
  | 'no-token'
  | 'no-expiry'
  | 'other-app'
  | 'other-tenant';

export type LegProblem =
  | {
      readonly kind: 'unreachable';
      readonly leg: Leg;
      readonly host: string;
      /** The system's or OpenSSL's code: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`. */
      readonly code: string;
      readonly message: string;
      /** The server's certificate was not accepted. */
      readonly certificate: boolean;
    }
  | { readonly kind: 'refused'; readonly leg: Leg; readonly host: string; readonly refusal: Refusal }
  | {
      readonly kind: 'unusable';
      readonly leg: Leg;
      readonly host: string;
      readonly status: number;
      readonly flaw: Flaw;
      /** What was found instead: a `Location`, another app's ID, the start of the page. From outside. */
      readonly found: string;
    };

/** Everything that can end an exchange. */
export type ExchangeProblem =
  | MachineProblem
  | (LegProblem & {
      readonly attempts: Attempts;
      /** The time budget ended (or would have, before the next try was due), in milliseconds. */
      readonly outOfTime?: { readonly budget: number; readonly nextTryIn?: number };
      /** The scope that failed; absent on the identity's leg. */
      readonly scope?: string;
      readonly assertion?: AssertionClaims;
    });

export class ExchangeFailure extends Error {
  override readonly name = 'ExchangeFailure';
  readonly problem: ExchangeProblem;

  constructor(problem: ExchangeProblem) {
    super(problem.kind);
    this.problem = problem;
  }
}
