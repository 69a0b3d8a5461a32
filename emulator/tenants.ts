import { cloudOfAuthorityHost } from './clouds.ts';
import { entraErrorResponse } from './entra-error-response.ts';
import type { ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Tenant, World } from './world.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;

/**
 * Finds the tenant that a path names by GUID or verified domain, or returns Entra's error response. The sign-in host
 * of another cloud does not know the tenants of this world.
 */
export function findTenant(
  name: string,
  request: RecordedRequest,
  world: World,
  error?: string,
): { readonly tenant: Tenant } | { readonly errorResponse: ServiceResponse } {
  const overrides = error === undefined ? {} : { error };
  if (!GUID.test(name) && !DOMAIN.test(name)) {
    return { errorResponse: entraErrorResponse(900023, request, overrides) };
  }
  const cloudOfHost = cloudOfAuthorityHost(request.host.split(':')[0] ?? '');
  const wanted = name.toLowerCase();
  const tenant =
    cloudOfHost === undefined || cloudOfHost === world.cloud
      ? world.tenants.find((one) => one.id === wanted || one.domains.includes(wanted))
      : undefined;
  return tenant === undefined ? { errorResponse: entraErrorResponse(90002, request, overrides) } : { tenant };
}
