import { authenticateBearer, type BearerProblem, type Caller } from './bearer-authentication.ts';
import { blobHost, clouds } from './clouds.ts';
import type { Handler, ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { StorageAccount, Subscription, World } from './world.ts';

/** Three of the real locations. */
const LOCATIONS = [
  ['westeurope', 'West Europe'],
  ['northeurope', 'North Europe'],
  ['eastus', 'East US'],
] as const;

/**
 * The read-only part of Resource Manager that tools call when they sign in: tenants, subscriptions, locations, resource
 * groups, user-assigned identities, storage accounts and the cloud's endpoints.
 * https://learn.microsoft.com/rest/api/resources/
 */
export function armService(keys: SigningKeys, world: () => World): Handler {
  return async (request) => {
    const currentWorld = world();
    if (request.query.get('api-version') === null) {
      return errorResponse(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    if (request.path === '/metadata/endpoints')
      return { status: 200, body: [endpoints(request, currentWorld)] };
    const audiences = currentWorld.resources.find((one) => one.appId === ARM_APP_ID)?.identifierUris ?? [];
    const result = await authenticateBearer(request, audiences, currentWorld, keys);
    if ('problem' in result) return unauthorized(result, currentWorld);
    return route(request, result.caller, currentWorld);
  };
}

export const ARM_APP_ID = '797f4846-ba00-4fd7-ba43-dac1f8f63013';

function errorResponse(
  status: number,
  code: string,
  message: string,
  headers?: Record<string, string>,
): ServiceResponse {
  return { status, ...(headers !== undefined && { headers }), body: { error: { code, message } } };
}

/** Codes and texts of Resource Manager, as pasted in public issues of Azure's tools. */
function unauthorized(problem: BearerProblem, world: World): ServiceResponse {
  const respond = (code: string, message: string): ServiceResponse =>
    errorResponse(401, code, message, {
      'www-authenticate': `Bearer authorization_uri="https://${clouds[world.cloud].authorityHosts[0]}/", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
    });
  switch (problem.problem) {
    case 'missing':
      return respond('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
    case 'expired':
      return respond(
        'ExpiredAuthenticationToken',
        `The access token expiry UTC time '${new Date(problem.expiry * 1000).toUTCString()}' is earlier than current UTC time '${new Date().toUTCString()}'.`,
      );
    case 'audience':
      return respond(
        'InvalidAuthenticationTokenAudience',
        `The access token has been obtained for wrong audience or resource '${problem.audience}'. It should exactly match with one of the allowed audiences.`,
      );
    case 'invalid':
      return respond('InvalidAuthenticationToken', 'The access token is invalid.');
  }
}

function route(request: RecordedRequest, caller: Caller, world: World): ServiceResponse {
  if (request.method !== 'GET')
    return errorResponse(405, 'MethodNotAllowed', 'The embedded Resource Manager is read-only.');
  const [first, subscriptionId, ...rest] = request.path
    .toLowerCase()
    .split('/')
    .filter((part) => part !== '');
  const tenant = world.tenants.find((one) => one.id === caller.tenant);
  if (first === 'tenants' && subscriptionId === undefined && tenant !== undefined) {
    return list([
      {
        id: `/tenants/${tenant.id}`,
        tenantId: tenant.id,
        countryCode: 'CH',
        displayName: tenant.displayName,
        domains: tenant.domains,
        tenantCategory: 'Home',
        defaultDomain: tenant.domains[0],
        tenantType: 'AAD',
      },
    ]);
  }
  if (first !== 'subscriptions') return notFound(request);
  if (subscriptionId === undefined) {
    return list(
      world.subscriptions
        .filter((one) => one.tenant === caller.tenant && canRead(caller, one))
        .map(describeSubscription),
    );
  }

  const subscription = world.subscriptions.find((one) => one.id === subscriptionId);
  if (subscription === undefined) {
    return errorResponse(
      404,
      'SubscriptionNotFound',
      `The subscription '${subscriptionId}' could not be found.`,
    );
  }
  if (subscription.tenant !== caller.tenant) {
    return errorResponse(
      401,
      'InvalidAuthenticationTokenTenant',
      `The access token is from the wrong issuer. It must match the tenant '${subscription.tenant}' associated with this subscription.`,
    );
  }
  if (!canRead(caller, subscription)) {
    return errorResponse(
      403,
      'AuthorizationFailed',
      `The client '${caller.clientId}' with object id '${caller.objectId}' does not have authorization to perform action 'Microsoft.Resources/subscriptions/read' over scope '/subscriptions/${subscriptionId}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }
  return (
    userAssignedIdentity(request, world) ??
    storageAccounts(rest, subscription, world) ??
    subscriptionResponse(rest, subscription, request)
  );
}

/** https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get */
function userAssignedIdentity(request: RecordedRequest, world: World): ServiceResponse | undefined {
  const identity = world.identities.find(
    ({ kind, resourceId }) =>
      kind === 'user-assigned' && resourceId.toLowerCase() === request.path.toLowerCase(),
  );
  if (identity === undefined) return undefined;
  return {
    status: 200,
    body: {
      id: identity.resourceId,
      name: identity.resourceId.split('/').at(-1),
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
      location: 'westeurope',
      tags: {},
      properties: {
        tenantId: identity.tenant,
        principalId: identity.objectId,
        clientId: identity.clientId,
      },
    },
  };
}

/** https://learn.microsoft.com/rest/api/storagerp/storage-accounts */
function storageAccounts(
  path: readonly string[],
  subscription: Subscription,
  world: World,
): ServiceResponse | undefined {
  const accounts = world.storageAccounts
    .filter((one) => one.subscription === subscription.id)
    .map((one) => describeStorageAccount(one, world));
  const route = path.join('/');
  const inGroup = `resourcegroups/${RESOURCE_GROUP}/`;
  const collection = 'providers/microsoft.storage/storageaccounts';
  if (route === collection || route === inGroup + collection) return list(accounts);
  const account = accounts.find((one) => route === `${inGroup}${collection}/${one.name}`);
  return account === undefined ? undefined : { status: 200, body: account };
}

function describeStorageAccount({ name, subscription }: StorageAccount, world: World) {
  return {
    id: `/subscriptions/${subscription}/resourceGroups/${RESOURCE_GROUP}/providers/Microsoft.Storage/storageAccounts/${name}`,
    name,
    type: 'Microsoft.Storage/storageAccounts',
    location: 'westeurope',
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS', tier: 'Standard' },
    properties: {
      provisioningState: 'Succeeded',
      primaryLocation: 'westeurope',
      primaryEndpoints: { blob: `https://${blobHost(world.cloud, name)}/` },
      supportsHttpsTrafficOnly: true,
    },
  };
}

/** The only resource group. Every subscription has it. */
const RESOURCE_GROUP = 'runners';

function subscriptionResponse(
  path: readonly string[],
  subscription: Subscription,
  request: RecordedRequest,
): ServiceResponse {
  const id = `/subscriptions/${subscription.id}`;
  const group = {
    id: `${id}/resourceGroups/${RESOURCE_GROUP}`,
    name: RESOURCE_GROUP,
    type: 'Microsoft.Resources/resourceGroups',
    location: 'westeurope',
    properties: { provisioningState: 'Succeeded' },
  };
  const [collection, name, ...deeper] = path;
  if (collection === undefined) return { status: 200, body: describeSubscription(subscription) };
  if (collection === 'locations' && name === undefined) {
    return list(
      LOCATIONS.map(([location, displayName]) => ({
        id: `${id}/locations/${location}`,
        name: location,
        type: 'Region',
        displayName,
        regionalDisplayName: displayName,
        metadata: { regionType: 'Physical', regionCategory: 'Recommended', geography: 'Europe' },
      })),
    );
  }
  if (collection === 'resourcegroups' && name === undefined) return list([group]);
  if (collection === 'resourcegroups' && deeper.length === 0) {
    return name === RESOURCE_GROUP
      ? { status: 200, body: group }
      : errorResponse(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  }
  return notFound(request);
}

const list = (value: readonly unknown[]): ServiceResponse => ({
  status: 200,
  body: { value, count: { type: 'Total', value: value.length } },
});

const notFound = (request: RecordedRequest): ServiceResponse =>
  errorResponse(404, 'InvalidResourceType', `The embedded Resource Manager does not know '${request.path}'.`);

function canRead(caller: Caller, subscription: Subscription): boolean {
  return subscription.visibleTo.includes(caller.clientId);
}

function describeSubscription(one: Subscription): Record<string, unknown> {
  return {
    id: `/subscriptions/${one.id}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId: one.id,
    tenantId: one.tenant,
    displayName: one.displayName,
    state: 'Enabled',
    subscriptionPolicies: {
      locationPlacementId: 'Public_2014-09-01',
      quotaId: 'PayAsYouGo_2014-09-01',
      spendingLimit: 'Off',
    },
  };
}

/** The endpoints of a cloud, in the format of api-version 2022-09-01. Tools read them to discover a cloud. */
function endpoints(request: RecordedRequest, world: World): Record<string, unknown> {
  const cloud = clouds[world.cloud];
  const toolNames = { public: 'AzureCloud', usgovernment: 'AzureUSGovernment', china: 'AzureChinaCloud' };
  const login = `https://${cloud.authorityHosts[0]}`;
  const graph = `https://${cloud.graphHosts[0] ?? request.host}/`;
  return {
    name: world.cloud in toolNames ? toolNames[world.cloud as keyof typeof toolNames] : world.cloud,
    portal: 'https://portal.azure.com',
    resourceManager: `https://${cloud.armHosts[0] ?? request.host}/`,
    microsoftGraphResourceId: graph,
    graph: 'https://graph.windows.net/',
    graphAudience: 'https://graph.windows.net/',
    authentication: {
      loginEndpoint: login,
      audiences:
        world.resources
          .find((one) => one.appId === ARM_APP_ID)
          ?.identifierUris.slice()
          .reverse() ?? [],
      tenant: 'common',
      identityProvider: 'AAD',
    },
    suffixes: {
      storage: 'core.windows.net',
      keyVaultDns: 'vault.azure.net',
      sqlServerHostname: 'database.windows.net',
      acrLoginServer: 'azurecr.io',
    },
    media: 'https://rest.media.azure.net',
    batch: 'https://batch.core.windows.net/',
    gallery: 'https://gallery.azure.com/',
    sqlManagement: 'https://management.core.windows.net:8443/',
    vmImageAliasDoc: '',
    activeDirectoryDataLake: 'https://datalake.azure.net/',
  };
}
