import { cloudOfAuthorityHost } from './clouds.ts';
import { entraFailure } from './entra-failure.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer } from './service.ts';
import type { Tenant, World } from './world.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;

/**
 * The tenant that a path names by GUID or verified domain, or Entra's refusal. A host of another cloud than the
 * world's knows none of the world's tenants.
 */
export function tenantNamed(
  name: string,
  request: RecordedRequest,
  world: World,
  error?: string,
): { readonly tenant: Tenant } | { readonly refusal: Answer } {
  const difference = error === undefined ? {} : { error };
  if (!GUID.test(name) && !DOMAIN.test(name)) {
    return { refusal: entraFailure(900023, request, difference) };
  }
  const hostsCloud = cloudOfAuthorityHost(request.host.split(':')[0] ?? '');
  const wanted = name.toLowerCase();
  const tenant =
    hostsCloud === undefined || hostsCloud === world.cloud
      ? world.tenants.find((one) => one.id === wanted || one.domains.includes(wanted))
      : undefined;
  return tenant === undefined ? { refusal: entraFailure(90002, request, difference) } : { tenant };
}
