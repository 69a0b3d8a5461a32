import type { Budget } from './budget.ts';
import type { Machine } from './machine.ts';

/** Which of the machine's user-assigned managed identities to use. */
export interface IdentitySelector {
  readonly kind: 'client-id' | 'object-id' | 'resource-id';
  readonly value: string;
}

/** A forward proxy. User name and password as they are, not percent-encoded. */
export interface ForwardProxy {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** The setting that names this proxy, for messages: `HTTPS_PROXY`. */
  readonly setting: string;
}

/** Where the client assertion comes from. */
export type AssertionOrigin =
  | { readonly kind: 'managed-identity'; readonly identity: IdentitySelector; readonly machine: Machine }
  /** A file with a Kubernetes service account token, as AKS workload identity projects it into a pod. */
  | { readonly kind: 'token-file'; readonly path: string }
  /** A file to which an earlier exchange's assertion was written: a managed identity's token, or a blueprint's. */
  | { readonly kind: 'assertion-file'; readonly path: string };

export interface Registry {
  /** The registry's login server: `contoso.azurecr.io`. */
  readonly loginServer: string;
  /** The scope of the app's token that the registry exchanges for one of its own. */
  readonly scope: string;
  /** The proxy on the way to it. */
  readonly proxy?: ForwardProxy;
}

/** Everything one exchange depends on. The exchange reads nothing from anywhere else. */
export interface ExchangeRequest {
  readonly origin: AssertionOrigin;
  /** The audience of the assertion: `api://AzureADTokenExchange` in the public cloud. */
  readonly audience: string;
  /** Entra's origin: https, no trailing slash. */
  readonly authorityHost: string;
  /** GUID or domain name of the tenant that the app's tokens are for. */
  readonly tenantId: string;
  /** The app registration's application (client) ID. With an agent identity, the ID of its blueprint. */
  readonly clientId: string;
  /** The client ID of the agent identity that the tokens are for. */
  readonly agentIdentityId?: string;
  /** Full scopes, each ending in `/.default`, no two the same. */
  readonly scopes: readonly string[];
  /** Container registries whose tokens are wanted too, no two the same. */
  readonly registries: readonly Registry[];
  /** Whether a token's audience is certainly another resource than the scope's; without it audiences are not judged. */
  readonly isOtherResource?: (scope: string, audience: string) => boolean;
  /** The proxy on the way to Entra. The identity endpoint is always asked directly. */
  readonly proxy?: ForwardProxy;
  /** A certificate authority that is trusted besides Node's own on the way to Entra and to registries, PEM. */
  readonly certificateAuthority?: string;
  /** For the whole exchange, retries included. Milliseconds. */
  readonly timeBudget: number;
}

/** The client ID of whom the tokens are for. */
export function actingClientId({
  clientId,
  agentIdentityId,
}: Pick<ExchangeRequest, 'clientId' | 'agentIdentityId'>): string {
  return agentIdentityId ?? clientId;
}

/** The readable claims of an assertion. */
export interface AssertionClaims {
  readonly issuer?: string;
  readonly subject?: string;
  readonly audience?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly resourceId?: string;
}

/** The token that is presented to Entra as the app's client assertion. */
export interface Assertion {
  readonly token: string;
  readonly expiresOn: Date;
  readonly claims: AssertionClaims;
  /** Of a blueprint's token: the claims of the assertion for which Entra issued it. */
  readonly obtainedWith?: AssertionClaims;
}

/**
 * Where client assertions come from: a machine's managed identity, for example. Each call returns the assertion that is
 * to be presented now.
 *
 * @throws ExchangeError if no assertion can be had
 */
export type AssertionSource = (budget: Budget) => Promise<Assertion>;

export interface AppToken {
  readonly token: string;
  readonly expiresOn: Date;
}

/** The result of a whole exchange. */
export interface Exchanged {
  readonly assertion: Assertion;
  /** Scope → its token, for every scope of the request. */
  readonly tokens: ReadonlyMap<string, AppToken>;
  /** Login server → its token, for every registry of the request. */
  readonly registryTokens: ReadonlyMap<string, AppToken>;
  /** The tenant's GUID, if a token names it. */
  readonly tenantId?: string;
}
