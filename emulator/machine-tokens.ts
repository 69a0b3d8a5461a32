import type { SigningKeys } from './signing-keys.ts';
import { type IssuedToken, identityToken, secondsNow } from './tokens.ts';
import type { ManagedIdentity, Resource, World } from './world.ts';

/** How a request names the identity it wants; at most one is set. */
export interface Selector {
  readonly by: 'clientId' | 'objectId' | 'resourceId';
  readonly value: string;
}

export type Selection =
  | { readonly identity: ManagedIdentity }
  | { readonly problem: 'not-found' | 'several' };

/** The identities assigned to the machine. */
function assigned(world: World): readonly ManagedIdentity[] {
  return world.identities.filter((one) => world.machine.identities.includes(one.clientId));
}

/**
 * Which of the machine's identities a request means. Without a selector: the system-assigned one, else the only
 * user-assigned one.
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq#what-identity-will-imds-default-to-if-i-dont-specify-the-identity-in-the-request
 */
export function select(world: World, selector: Selector | undefined): Selection {
  const here = assigned(world);
  if (selector !== undefined) {
    const wanted = selector.value.toLowerCase();
    const identity = here.find((one) => one[selector.by].toLowerCase() === wanted);
    return identity === undefined ? { problem: 'not-found' } : { identity };
  }
  const system = here.find((one) => one.kind === 'system-assigned');
  if (system !== undefined) return { identity: system };
  const [only, ...others] = here;
  if (only === undefined) return { problem: 'not-found' };
  return others.length > 0 ? { problem: 'several' } : { identity: only };
}

/** The machine's token cache: the same token for the same question until it ends; nothing can refresh it. */
export class MachineTokens {
  readonly #cache = new Map<string, Promise<IssuedToken>>();
  readonly #keys: SigningKeys;

  constructor(keys: SigningKeys) {
    this.#keys = keys;
  }

  forget(): void {
    this.#cache.clear();
  }

  async of(
    world: World,
    identity: ManagedIdentity,
    resource: Resource,
    requested: string,
  ): Promise<IssuedToken> {
    const question = `${identity.clientId} ${requested}`;
    const cached = await this.#cache.get(question);
    if (cached !== undefined && cached.expiresOn > secondsNow()) return cached;
    const fresh = identityToken(this.#keys, world, identity, resource, requested);
    this.#cache.set(question, fresh);
    return fresh;
  }
}
