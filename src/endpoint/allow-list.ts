import { armAudiences } from '../azure/arm-audiences.ts';
import { comparable } from './protocol.ts';

/** Whether tokens for a resource may be handed out. */
export type AllowList = (resource: string) => boolean;

/**
 * @param scopes the resources that are allowed, as full scopes. With Resource Manager, both of its audiences are.
 */
export function allowList(scopes: readonly string[]): AllowList {
  const wanted = scopes.map(comparable);
  const allowed = new Set([
    ...wanted,
    ...armAudiences.filter((pair) => pair.some((audience) => wanted.includes(audience))).flat(),
  ]);
  return (resource) => allowed.has(comparable(resource));
}
