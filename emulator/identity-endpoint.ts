import { type MachineTokens, type Selector, select } from './machine-tokens.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer, Handler } from './service.ts';
import { resourceIn } from './token-endpoint.ts';
import type { MachineKind, World } from './world.ts';

/** https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference and, word for word the same, https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference */
export const APP_SERVICE_PATH = '/msi/token';
const OLDEST_VERSION = '2019-08-01';

const SELECTORS: Readonly<Record<string, Selector['by']>> = {
  client_id: 'clientId',
  principal_id: 'objectId',
  object_id: 'objectId',
  mi_res_id: 'resourceId',
};

/** What a machine that cannot serve as a CI host says to whoever asks it nevertheless. */
type Stub = (request: RecordedRequest, secret: string) => Answer;

const refuse = (status: number, message: string): Answer => ({
  status,
  body: { statusCode: status, message },
});

/**
 * The endpoint of every machine that has no IMDS. App Service and Container Apps hand out tokens; the others are
 * there so that a test can see that nobody asks them.
 *
 * @param secret what `IDENTITY_HEADER` (`MSI_SECRET`, …) carries
 */
export function identityEndpointService(tokens: MachineTokens, world: () => World, secret: string): Handler {
  return (request) => {
    const now = world();
    const { kind } = now.machine;
    if (kind === 'virtual-machine') return 'reset';
    if (kind === 'app-service' || kind === 'container-apps') return appService(request, now, tokens, secret);
    return stubs[kind](request, secret);
  };
}

async function appService(
  request: RecordedRequest,
  world: World,
  tokens: MachineTokens,
  secret: string,
): Promise<Answer> {
  const { headers, query } = request;
  if (request.path.replace(/\/$/, '') !== APP_SERVICE_PATH) return { status: 404 };
  if (request.method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
  // "If this header is not present or is incorrect": 401 is what the documentation's mitigation of SSRF implies.
  if (headers['x-identity-header'] !== secret) return refuse(401, 'Unauthorized');
  const version = query.get('api-version');
  if (version === null || !/^\d{4}-\d{2}-\d{2}$/.test(version) || version < OLDEST_VERSION) {
    return refuse(400, `The api-version '${version ?? ''}' is not supported.`);
  }
  const requested = query.get('resource');
  if (!requested) return refuse(400, 'The resource parameter is required.');
  const used = Object.entries(SELECTORS).flatMap(([parameter, by]): Selector[] =>
    query.getAll(parameter).map((value) => ({ by, value })),
  );
  if (used.length > 1) return refuse(400, 'Only one of client_id, principal_id, mi_res_id may be specified.');

  const selection = chosen(world, used[0]);
  if (selection === undefined) {
    // The text stands in MSAL's own integration tests against App Service.
    return refuse(
      400,
      used.length > 0
        ? 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.'
        : 'Unable to load requested managed identity.',
    );
  }
  const resource = resourceIn(world, selection.tenant, requested);
  if (resource === undefined || resource.disabled === true) {
    return refuse(
      500,
      `AADSTS500011: The resource principal named ${requested} was not found in the tenant named ${selection.tenant}.`,
    );
  }
  const issued = await tokens.of(world, selection, resource, requested);
  return {
    status: 200,
    body: {
      access_token: issued.accessToken,
      expires_on: String(issued.expiresOn),
      resource: requested,
      token_type: 'Bearer',
      client_id: selection.clientId,
    },
  };
}

/** Without a selector these machines mean the system-assigned identity, whatever else is assigned. */
function chosen(world: World, selector: Selector | undefined): World['identities'][number] | undefined {
  const selection = select(world, selector);
  if ('problem' in selection) return undefined;
  if (selector === undefined && selection.identity.kind !== 'system-assigned') return undefined;
  return selection.identity;
}

const stubs: Readonly<
  Record<Exclude<MachineKind, 'virtual-machine' | 'app-service' | 'container-apps'>, Stub>
> = {
  // https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
  'azure-arc': (request) =>
    request.headers['metadata']?.toLowerCase() === 'true'
      ? {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm=/var/opt/azcmagent/tokens/embedded.key' },
          body: { error: 'unauthorized_client', error_description: 'Missing Basic Authorization header' },
        }
      : refuse(400, 'Required metadata header not specified'),
  'cloud-shell': (request) =>
    request.method === 'POST' && request.headers['metadata']?.toLowerCase() === 'true'
      ? {
          status: 400,
          body: { error: { code: 'BadRequest', message: 'Managed identity is the signed-in user' } },
        }
      : refuse(400, 'Required metadata header not specified'),
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
  // A Windows container group proxies IMDS at an address that already carries `?api-version=1.0`.
  'aci-windows': (request, secret) =>
    request.headers['secret'] === secret
      ? { status: 400, body: { error: 'invalid_request', error_description: 'no identity here' } }
      : { status: 401, body: { error: 'unauthorized', error_description: 'secret' } },
};
