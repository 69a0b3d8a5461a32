import type { Machine } from './machine.ts';

/** Which of the machine's user-assigned managed identities to use. */
export interface IdentitySelector {
  readonly kind: 'client-id' | 'object-id' | 'resource-id';
  readonly value: string;
}

/** A forward proxy on the way to Entra. User and password as they are, not percent-encoded. */
export interface ExchangeProxy {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

/** All that one exchange depends on. Nothing else is read from anywhere. */
export interface ExchangeRequest {
  readonly machine: Machine;
  readonly identity: IdentitySelector;
  /** The resource the identity's token is asked for: `api://AzureADTokenExchange` in the public cloud. */
  readonly audience: string;
  /** Entra's origin, https, no trailing slash. */
  readonly authorityHost: string;
  /** GUID or domain name of the tenant the app's tokens are for. */
  readonly tenantId: string;
  /** The app registration's application (client) ID. */
  readonly clientId: string;
  /** Full scopes, each ending in `/.default`, no two the same. */
  readonly scopes: readonly [string, ...string[]];
  readonly proxy?: ExchangeProxy;
  /** One that is trusted besides Node's own on the way to Entra, PEM. */
  readonly certificateAuthority?: string;
  /** For the whole exchange, retries included. Milliseconds. */
  readonly timeBudget: number;
}

/** What the identity said of itself in its token, as far as it can be read. */
export interface AssertionClaims {
  readonly issuer?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly resourceId?: string;
}

export interface Assertion {
  readonly token: string;
  readonly expiresOn: Date;
  readonly claims: AssertionClaims;
}

export interface AppToken {
  readonly token: string;
  readonly expiresOn: Date;
}

export interface Exchanged {
  readonly assertion: Assertion;
  /** Scope → its token, for every scope asked for. */
  readonly tokens: ReadonlyMap<string, AppToken>;
  /** The tenant's GUID, where a token tells it. */
  readonly tenantId?: string;
}
