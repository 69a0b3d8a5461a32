import { cloudNames, cloudOfAuthorityHost, clouds, v1Issuer, v2Issuer } from './clouds.ts';
import { entraErrorResponse } from './entra-error-response.ts';
import type { ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import type { SigningKeys } from './signing-keys.ts';
import { findTenant } from './tenants.ts';
import type { World } from './world.ts';

const SHARED_ENDPOINTS = ['common', 'organizations', 'consumers'];

/**
 * The documents that OpenID clients read for endpoints and keys, and instance discovery. Endpoints use the host of the
 * request, so that a client stays with the emulator. Issuers use the host of the cloud.
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
 */
export function discoveryResponse(
  request: RecordedRequest,
  tenantName: string,
  route: string,
  world: World,
  keys: SigningKeys,
): ServiceResponse | undefined {
  if (tenantName === 'common' && route === 'discovery/instance') return instanceDiscovery(request);
  const version = versionOf(route);
  if (version === undefined) return undefined;

  let tenantId = '{tenantid}';
  if (!SHARED_ENDPOINTS.includes(tenantName)) {
    const found = findTenant(tenantName, request, world, 'invalid_tenant');
    if ('errorResponse' in found) return found.errorResponse;
    tenantId = found.tenant.id;
  }
  const issuer = version.number === 2 ? v2Issuer(world.cloud, tenantId) : v1Issuer(world.cloud, tenantId);
  if (version.document === 'keys') return { status: 200, body: { keys: [{ ...keys.jwk, issuer }] } };

  const base = `https://${request.host}/${tenantName}`;
  const oauth = version.number === 2 ? `${base}/oauth2/v2.0` : `${base}/oauth2`;
  return {
    status: 200,
    body: {
      token_endpoint: `${oauth}/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/${version.number === 2 ? 'v2.0/' : ''}keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer,
      request_uri_parameter_supported: false,
      userinfo_endpoint: `https://${clouds[world.cloud].graphHosts[0] ?? request.host}/oidc/userinfo`,
      authorization_endpoint: `${oauth}/authorize`,
      device_authorization_endpoint: `${oauth}/devicecode`,
      http_logout_supported: true,
      frontchannel_logout_supported: true,
      end_session_endpoint: `${oauth}/logout`,
      claims_supported: ['sub', 'iss', 'cloud_instance_name', 'aud', 'exp', 'iat', 'auth_time', 'tid', 'ver'],
      kerberos_endpoint: `${base}/kerberos`,
      tenant_region_scope: null,
      cloud_instance_name: clouds[world.cloud].authorityHosts[0],
      cloud_graph_host_name: 'graph.windows.net',
      msgraph_host: clouds[world.cloud].graphHosts[0] ?? '',
      rbac_url: 'https://pas.windows.net',
    },
  };
}

function versionOf(
  route: string,
): { readonly number: 1 | 2; readonly document: 'openid' | 'keys' } | undefined {
  switch (route) {
    case 'v2.0/.well-known/openid-configuration':
      return { number: 2, document: 'openid' };
    case '.well-known/openid-configuration':
      return { number: 1, document: 'openid' };
    case 'discovery/v2.0/keys':
      return { number: 2, document: 'keys' };
    case 'discovery/keys':
      return { number: 1, document: 'keys' };
    default:
      return undefined;
  }
}

/** Instance discovery lists the hosts of each cloud. It does not know other hosts, such as `localhost`. */
function instanceDiscovery(request: RecordedRequest): ServiceResponse {
  const endpoint = request.query.get('authorization_endpoint');
  if (endpoint === null)
    return entraErrorResponse(900144, request, {}, { parameter: 'authorization_endpoint' });
  if (!URL.canParse(endpoint) || cloudOfAuthorityHost(new URL(endpoint).hostname) === undefined) {
    return entraErrorResponse(50049, request);
  }
  const { host, pathname } = new URL(endpoint);
  const tenant = pathname.split('/')[1] ?? 'common';
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `https://${host}/${tenant}/v2.0/.well-known/openid-configuration`,
      'api-version': request.query.get('api-version') ?? '1.1',
      metadata: cloudNames.map((name) => {
        const hosts = clouds[name].authorityHosts;
        // MSAL's cache uses the oldest host name of the public cloud.
        const cache = name === 'public' ? 'login.windows.net' : hosts[0];
        return { preferred_network: hosts[0], preferred_cache: cache, aliases: hosts };
      }),
    },
  };
}
