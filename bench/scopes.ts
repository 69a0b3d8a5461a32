import type { Resource } from '../emulator/world.ts';

const most = 20;
const uriOf = (index: number): string => `api://service-${String(index).padStart(2, '0')}`;

/** Custom APIs, enough to ask for many tokens at once. */
export const customApis: readonly Resource[] = Array.from({ length: most - 1 }, (_, index) => ({
  displayName: `Service ${index + 1}`,
  appId: `a9100000-4444-4000-8000-${String(index + 1).padStart(12, '0')}`,
  identifierUris: [uriOf(index + 1)],
  accessTokenVersion: 2,
}));

/** The scopes of a step that asks for this number of tokens, Resource Manager first. */
export function scopesFor(count: number): readonly string[] {
  if (count > most) throw new Error(`there are only ${most} scopes`);
  return ['https://management.azure.com', ...customApis.flatMap((api) => api.identifierUris)]
    .slice(0, count)
    .map((resource) => `${resource}/.default`);
}
