import { entraErrorResponse } from './entra-error-response.ts';
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
import { secondsNow } from './tokens.ts';
import type { CloudName, MachineKind, World } from './world.ts';

/** The machines that have an Instance Metadata Service with tokens. */
const MACHINES_WITH_IMDS: readonly MachineKind[] = ['virtual-machine'];

/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
const TOKEN_PATH = '/metadata/identity/oauth2/token';

/** https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#instance-metadata */
const COMPUTE_PATH = '/metadata/instance/compute';
const AZ_ENVIRONMENTS: Readonly<Partial<Record<CloudName, string>>> = {
  public: 'AzurePublicCloud',
  usgovernment: 'AzureUSGovernmentCloud',
  china: 'AzureChinaCloud',
};

/**
 * "Supported API versions", newest first, without those before `/metadata/identity` was introduced:
 * https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#supported-api-versions
 */
const API_VERSIONS: readonly string[] = [
  '2025-04-07',
  '2024-07-17',
  '2024-03-15',
  '2023-11-15',
  '2023-07-01',
  '2021-12-13',
  '2021-11-15',
  '2021-11-01',
  '2021-10-01',
  '2021-08-01',
  '2021-05-01',
  '2021-03-01',
  '2021-02-01',
  '2021-01-01',
  '2020-12-01',
  '2020-10-01',
  '2020-09-01',
  '2020-07-15',
  '2020-06-01',
  '2019-11-01',
  '2019-08-15',
  '2019-08-01',
  '2019-06-04',
  '2019-06-01',
  '2019-04-30',
  '2019-03-11',
  '2019-02-01',
  '2018-10-01',
  '2018-04-02',
  '2018-02-01',
];

/** The documented selectors. */
const SELECTORS: Readonly<Record<string, IdentitySelector['by']>> = {
  client_id: 'clientId',
  object_id: 'objectId',
  msi_res_id: 'resourceId',
};

/**
 * App Service's names. The documentation of IMDS does not have them, and Azure Container Instances ignores them
 * (https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4911). Ignoring them here would hide
 * that a client got the token of the wrong identity.
 */
const UNDOCUMENTED_SELECTORS = ['mi_res_id', 'principal_id'];

/** Error texts from the pages above, or from issues of the SDKs. The README says which ones are inferred. */
const texts = {
  noMetadataHeader: ['bad_request_102', 'Required metadata header not specified'],
  forwarded: ['invalid_request', 'Requests must not contain an X-Forwarded-For header'],
  duplicate: ['invalid_request', 'Requests must not contain duplicate query parameters'],
  noResource: ['invalid_request', 'Required audience parameter not specified'],
  selectors: ['invalid_request', 'Only one of client_id, object_id, msi_res_id may be specified'],
  notFound: ['invalid_request', 'Identity not found'],
  several: [
    'invalid_request',
    'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
  ],
} as const;

function errorResponse(reason: keyof typeof texts): ServiceResponse {
  const [error, description] = texts[reason];
  return { status: 400, body: { error, error_description: description } };
}

/** A virtual machine's Instance Metadata Service: tokens, and the compute metadata that newer .NET clients read. */
export function imdsService(tokens: MachineTokenCache, world: () => World): Handler {
  return (request) => {
    const currentWorld = world();
    if (!MACHINES_WITH_IMDS.includes(currentWorld.machine.kind)) return 'reset';
    // The real service checks the header before the path. Newer .NET clients rely on it: they send a request without
    // the header to a path that may not exist, and expect 400 at once.
    const { headers } = request;
    if (headers['metadata']?.toLowerCase() !== 'true') return errorResponse('noMetadataHeader');
    if (headers['x-forwarded-for'] !== undefined) return errorResponse('forwarded');
    if (request.path === COMPUTE_PATH && request.method === 'GET')
      return computeResponse(request, currentWorld);
    // With AZURE_POD_IDENTITY_AUTHORITY_HOST, MSAL adds a slash to the path.
    if (request.path !== TOKEN_PATH && request.path !== `${TOKEN_PATH}/`) {
      return { status: 404, body: { error: 'Not found' } };
    }
    if (request.method !== 'GET') {
      return { status: 405, headers: { allow: 'GET' }, body: { error: 'Method not allowed' } };
    }
    return tokenResponse(request, currentWorld, tokens);
  };
}

/** Some of the documented members. All values are strings. */
function computeResponse({ query }: RecordedRequest, world: World): ServiceResponse {
  if (hasDuplicateNames(query)) return errorResponse('duplicate');
  if (!API_VERSIONS.includes(query.get('api-version') ?? '')) return apiVersionError();
  return {
    status: 200,
    body: {
      azEnvironment: AZ_ENVIRONMENTS[world.cloud] ?? '',
      location: 'westeurope',
      name: 'runner-01',
      osType: 'Linux',
      provider: 'Microsoft.Compute',
      resourceGroupName: 'runners',
      subscriptionId: world.subscriptions[0]?.id ?? '',
      vmId: '7a1b2c3d-5555-4000-8000-000000000001',
      vmScaleSetName: '',
    },
  };
}

async function tokenResponse(
  request: RecordedRequest,
  world: World,
  tokens: MachineTokenCache,
): Promise<ServiceResponse> {
  const { query } = request;
  if (hasDuplicateNames(query)) return errorResponse('duplicate');
  const version = query.get('api-version');
  if (version === null || !API_VERSIONS.includes(version)) return apiVersionError();
  const requested = query.get('resource');
  if (!requested) return errorResponse('noResource');

  if (UNDOCUMENTED_SELECTORS.some((name) => query.has(name))) return errorResponse('selectors');
  const selectors = selectorsIn(query, SELECTORS);
  if (selectors.length > 1) return errorResponse('selectors');
  const selection = selectIdentity(world, selectors[0]);
  if ('problem' in selection) return errorResponse(selection.problem === 'several' ? 'several' : 'notFound');

  const { identity } = selection;
  const resource = findResource(world, identity.tenant, requested);
  if (resource === undefined || resource.disabled === true) {
    const tenantName =
      world.tenants.find((one) => one.id === identity.tenant)?.displayName ?? identity.tenant;
    // IMDS returns Entra's error without the separate trace members.
    const { error, error_description } = entraErrorResponse(
      resource === undefined ? 500011 : 500014,
      request,
      {},
      { resource: requested, tenant: tenantName },
    ).body as Record<string, unknown>;
    return { status: 400, body: { error, error_description } };
  }

  const issued = await tokens.get(world, identity, resource, requested);
  const expiresIn = String(issued.expiresOn - secondsNow());
  return {
    status: 200,
    body: {
      access_token: issued.accessToken,
      client_id: identity.clientId,
      expires_in: expiresIn,
      expires_on: String(issued.expiresOn),
      ext_expires_in: expiresIn,
      not_before: String(issued.notBefore),
      resource: requested,
      token_type: 'Bearer',
    },
  };
}

function apiVersionError(): ServiceResponse {
  return {
    status: 400,
    body: {
      error:
        'Bad request. api-version is invalid or was not specified in the request. For more information refer to aka.ms/azureimds',
      'newest-versions': API_VERSIONS.slice(0, 3),
    },
  };
}
