import type { AssertionClaims } from './request.ts';
import type { Retrying } from './transport.ts';

/** Whom the exchange tells what it does, as it does it. */
export interface ExchangeObserver {
  /** A token has arrived; nobody else has seen it yet. */
  secret(value: string): void;
  retrying(retrying: Retrying & { readonly scope?: string; readonly assertion?: AssertionClaims }): void;
}
