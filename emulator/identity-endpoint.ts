import type { Handler, ServiceResponse } from './handler.ts';
import {
  hasDuplicateNames,
  type IdentitySelector,
  type MachineTokenCache,
  selectIdentity,
  selectorsIn,
} from './machine-identities.ts';
import type { RecordedRequest } from './request-log.ts';
import { findResource } from './token-endpoint.ts';
import type { MachineKind, World } from './world.ts';

/**
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 * The page of Container Apps has the same text:
 * https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
 */
export const APP_SERVICE_PATH = '/msi/token';
const OLDEST_API_VERSION = '2019-08-01';

/** The documented selectors. `object_id` is documented as an alias of `principal_id`. */
const SELECTORS: Readonly<Record<string, IdentitySelector['by']>> = {
  client_id: 'clientId',
  principal_id: 'objectId',
  object_id: 'objectId',
  mi_res_id: 'resourceId',
};

/** A fixed response of a machine that cannot run jobs of this product. */
type FixedResponse = (request: RecordedRequest, secret: string) => ServiceResponse;

const errorResponse = (status: number, message: string): ServiceResponse => ({
  status,
  body: { statusCode: status, message },
});

/**
 * The identity endpoint of every machine without IMDS. App Service and Container Apps issue tokens. The other machines
 * exist only so that a test can check that no client asks them.
 *
 * @param secret the value of `IDENTITY_HEADER` or `MSI_SECRET`
 */
export function identityEndpointService(
  tokens: MachineTokenCache,
  world: () => World,
  secret: string,
): Handler {
  return (request) => {
    const currentWorld = world();
    const { kind } = currentWorld.machine;
    if (kind === 'virtual-machine') return 'reset';
    if (kind === 'app-service' || kind === 'container-apps')
      return appService(request, currentWorld, tokens, secret);
    return fixedResponses[kind](request, secret);
  };
}

async function appService(
  request: RecordedRequest,
  world: World,
  tokens: MachineTokenCache,
  secret: string,
): Promise<ServiceResponse> {
  const { headers, query } = request;
  if (request.path.replace(/\/$/, '') !== APP_SERVICE_PATH) return { status: 404 };
  if (request.method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
  if (headers['x-identity-header'] !== secret) return errorResponse(401, 'Unauthorized');
  if (hasDuplicateNames(query)) {
    return errorResponse(400, 'Duplicate query parameters are not supported.');
  }
  const version = query.get('api-version');
  if (version === null || !/^\d{4}-\d{2}-\d{2}$/.test(version) || version < OLDEST_API_VERSION) {
    return errorResponse(400, `The api-version '${version ?? ''}' is not supported.`);
  }
  const requested = query.get('resource');
  if (!requested) return errorResponse(400, 'The resource parameter is required.');
  // App Service ignores the name that IMDS uses (MicrosoftDocs/azure-docs#121176) and returns the token of another
  // identity. A client that sends it has a bug, so the emulator rejects it.
  if (query.has('msi_res_id')) return errorResponse(400, 'msi_res_id is not supported. Use mi_res_id.');
  const selectors = selectorsIn(query, SELECTORS);
  if (selectors.length > 1) {
    return errorResponse(400, 'Only one of client_id, principal_id, mi_res_id may be specified.');
  }

  const identity = selectForAppService(world, selectors[0]);
  if (identity === undefined) {
    // The first text is in MSAL's integration tests against App Service.
    return errorResponse(
      400,
      selectors.length > 0
        ? 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.'
        : 'Unable to load requested managed identity.',
    );
  }
  const resource = findResource(world, identity.tenant, requested);
  if (resource === undefined || resource.disabled === true) {
    return errorResponse(
      500,
      `AADSTS500011: The resource principal named ${requested} was not found in the tenant named ${identity.tenant}.`,
    );
  }
  const issued = await tokens.get(world, identity, resource, requested);
  return {
    status: 200,
    body: {
      access_token: issued.accessToken,
      expires_on: String(issued.expiresOn),
      resource: requested,
      token_type: 'Bearer',
      client_id: identity.clientId,
    },
  };
}

/** Without a selector, these machines use only the system-assigned identity. */
function selectForAppService(
  world: World,
  selector: IdentitySelector | undefined,
): World['identities'][number] | undefined {
  const selection = selectIdentity(world, selector);
  if ('problem' in selection) return undefined;
  if (selector === undefined && selection.identity.kind !== 'system-assigned') return undefined;
  return selection.identity;
}

const fixedResponses: Readonly<
  Record<Exclude<MachineKind, 'virtual-machine' | 'app-service' | 'container-apps'>, FixedResponse>
> = {
  // https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
  'azure-arc': (request) =>
    request.headers['metadata']?.toLowerCase() === 'true'
      ? {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm=/var/opt/azcmagent/tokens/embedded.key' },
          body: { error: 'unauthorized_client', error_description: 'Missing Basic Authorization header' },
        }
      : errorResponse(400, 'Required metadata header not specified'),
  'cloud-shell': (request) =>
    request.method === 'POST' && request.headers['metadata']?.toLowerCase() === 'true'
      ? {
          status: 400,
          body: { error: { code: 'BadRequest', message: 'Managed identity is the signed-in user' } },
        }
      : errorResponse(400, 'Required metadata header not specified'),
  'service-fabric': (request, secret) =>
    request.headers['secret'] === secret
      ? { status: 404, body: { error: { code: 'ManagedIdentityNotFound', message: 'no identity here' } } }
      : {
          status: 401,
          body: {
            error: { code: 'SecretHeaderNotFound', message: "Secret isn't found in the request headers." },
          },
        },
  'azure-ml': (request, secret) =>
    request.headers['secret'] === secret
      ? { status: 400, body: { error: { code: 'BadRequest', message: 'no identity here' } } }
      : { status: 401, body: { error: { code: 'Unauthorized', message: 'secret' } } },
  // A Windows container group forwards to IMDS. Its address already contains `?api-version=1.0`.
  'aci-windows': (request, secret) =>
    request.headers['secret'] === secret
      ? { status: 400, body: { error: 'invalid_request', error_description: 'no identity here' } }
      : { status: 401, body: { error: 'unauthorized', error_description: 'secret' } },
};
