import type { SigningKeys } from './signing-keys.ts';
import { type IssuedToken, identityToken, secondsNow } from './tokens.ts';
import type { ManagedIdentity, Resource, World } from './world.ts';

/** How a request selects an identity. */
export interface IdentitySelector {
  readonly by: 'clientId' | 'objectId' | 'resourceId';
  readonly value: string;
}

export type Selection =
  | { readonly identity: ManagedIdentity }
  | { readonly problem: 'not-found' | 'several' };

/** Reads the selectors in a query. `names` maps each query parameter to what it selects by. */
export function selectorsIn(
  query: URLSearchParams,
  names: Readonly<Record<string, IdentitySelector['by']>>,
): readonly IdentitySelector[] {
  return Object.entries(names).flatMap(([name, by]) => query.getAll(name).map((value) => ({ by, value })));
}

export function hasDuplicateNames(query: URLSearchParams): boolean {
  return new Set(query.keys()).size < query.size;
}

/** The identities assigned to the machine. */
function assignedIdentities(world: World): readonly ManagedIdentity[] {
  return world.identities.filter((one) => world.machine.identities.includes(one.clientId));
}

/**
 * Selects one of the machine's identities. The default is the system-assigned identity, otherwise the only
 * user-assigned one.
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq#what-identity-will-imds-default-to-if-i-dont-specify-the-identity-in-the-request
 */
export function selectIdentity(world: World, selector: IdentitySelector | undefined): Selection {
  const candidates = assignedIdentities(world);
  if (selector !== undefined) {
    const wanted = selector.value.toLowerCase();
    const identity = candidates.find((one) => one[selector.by].toLowerCase() === wanted);
    return identity === undefined ? { problem: 'not-found' } : { identity };
  }
  const system = candidates.find((one) => one.kind === 'system-assigned');
  if (system !== undefined) return { identity: system };
  const [only, ...others] = candidates;
  if (only === undefined) return { problem: 'not-found' };
  return others.length > 0 ? { problem: 'several' } : { identity: only };
}

/** The machine's token cache. It returns the same token until it expires. No request can refresh it. */
export class MachineTokenCache {
  readonly #cache = new Map<string, Promise<IssuedToken>>();
  readonly #keys: SigningKeys;

  constructor(keys: SigningKeys) {
    this.#keys = keys;
  }

  clear(): void {
    this.#cache.clear();
  }

  async get(
    world: World,
    identity: ManagedIdentity,
    resource: Resource,
    requested: string,
  ): Promise<IssuedToken> {
    const key = `${identity.clientId} ${requested}`;
    const cached = await this.#cache.get(key);
    if (cached !== undefined && cached.expiresOn > secondsNow()) return cached;
    const fresh = identityToken(this.#keys, world, identity, resource, requested);
    this.#cache.set(key, fresh);
    return fresh;
  }
}
