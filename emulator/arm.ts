import { type Caller, type Verdict, verdictOn } from './bearer.ts';
import { clouds } from './clouds.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer, Handler } from './service.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Subscription, World } from './world.ts';

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits names none; these are a handful of real ones. */
const LOCATIONS = [
  ['westeurope', 'West Europe'],
  ['northeurope', 'North Europe'],
  ['eastus', 'East US'],
] as const;

/**
 * The corner of Resource Manager that signing in touches: tenants, subscriptions, locations, resource groups,
 * user-assigned identities and the clouds' endpoints. https://learn.microsoft.com/rest/api/resources/
 */
export function armService(keys: SigningKeys, world: () => World): Handler {
  return async (request) => {
    const now = world();
    if (request.query.get('api-version') === null) {
      return refuse(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    if (request.path === '/metadata/endpoints') return { status: 200, body: [endpoints(request, now)] };
    const audiences = now.resources.find((one) => one.appId === ARM_APP_ID)?.identifierUris ?? [];
    const verdict = await verdictOn(request, audiences, now, keys);
    if ('problem' in verdict) return unauthorized(verdict, now);
    return route(request, verdict.caller, now);
  };
}

const ARM_APP_ID = '797f4846-ba00-4fd7-ba43-dac1f8f63013';

function refuse(status: number, code: string, message: string, headers?: Record<string, string>): Answer {
  return { status, ...(headers !== undefined && { headers }), body: { error: { code, message } } };
}

/** Codes and texts as Resource Manager sends them; they stand in many public issues of Azure's tools. */
function unauthorized(verdict: Exclude<Verdict, { caller: Caller }>, world: World): Answer {
  const say = (code: string, message: string): Answer =>
    refuse(401, code, message, {
      'www-authenticate': `Bearer authorization_uri="https://${clouds[world.cloud].authorityHosts[0]}/", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
    });
  switch (verdict.problem) {
    case 'missing':
      return say('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
    case 'expired':
      return say(
        'ExpiredAuthenticationToken',
        `The access token expiry UTC time '${new Date(verdict.expiry * 1000).toUTCString()}' is earlier than current UTC time '${new Date().toUTCString()}'.`,
      );
    case 'audience':
      return say(
        'InvalidAuthenticationTokenAudience',
        `The access token has been obtained for wrong audience or resource '${verdict.audience}'. It should exactly match with one of the allowed audiences.`,
      );
    case 'invalid':
      return say('InvalidAuthenticationToken', 'The access token is invalid.');
  }
}

function route(request: RecordedRequest, caller: Caller, world: World): Answer {
  if (request.method !== 'GET') return refuse(405, 'MethodNotAllowed', 'This emulator only reads.');
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
        .filter((one) => one.tenant === caller.tenant && sees(caller, one))
        .map(describeSubscription),
    );
  }

  const subscription = world.subscriptions.find((one) => one.id === subscriptionId);
  if (subscription === undefined) {
    return refuse(404, 'SubscriptionNotFound', `The subscription '${subscriptionId}' could not be found.`);
  }
  if (subscription.tenant !== caller.tenant) {
    return refuse(
      401,
      'InvalidAuthenticationTokenTenant',
      `The access token is from the wrong issuer. It must match the tenant '${subscription.tenant}' associated with this subscription.`,
    );
  }
  if (!sees(caller, subscription)) {
    return refuse(
      403,
      'AuthorizationFailed',
      `The client '${caller.application?.clientId ?? caller.objectId}' with object id '${caller.objectId}' does not have authorization to perform action 'Microsoft.Resources/subscriptions/read' over scope '/subscriptions/${subscriptionId}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }
  return userAssignedIdentity(request, world) ?? within(rest, subscription, request);
}

/** https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get */
function userAssignedIdentity(request: RecordedRequest, world: World): Answer | undefined {
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

function within(rest: readonly string[], subscription: Subscription, request: RecordedRequest): Answer {
  const id = `/subscriptions/${subscription.id}`;
  switch (rest.join('/')) {
    case '':
      return { status: 200, body: describeSubscription(subscription) };
    case 'locations':
      return list(
        LOCATIONS.map(([name, displayName]) => ({
          id: `${id}/locations/${name}`,
          name,
          type: 'Region',
          displayName,
          regionalDisplayName: displayName,
          metadata: { regionType: 'Physical', regionCategory: 'Recommended', geography: 'Europe' },
        })),
      );
    case 'resourcegroups':
      return list([
        {
          id: `${id}/resourceGroups/runners`,
          name: 'runners',
          type: 'Microsoft.Resources/resourceGroups',
          location: 'westeurope',
          properties: { provisioningState: 'Succeeded' },
        },
      ]);
    default:
      return notFound(request);
  }
}

const list = (value: readonly unknown[]): Answer => ({
  status: 200,
  body: { value, count: { type: 'Total', value: value.length } },
});

const notFound = (request: RecordedRequest): Answer =>
  refuse(404, 'InvalidResourceType', `The embedded Resource Manager does not know '${request.path}'.`);

function sees(caller: Caller, subscription: Subscription): boolean {
  return caller.application !== undefined && subscription.visibleTo.includes(caller.application.clientId);
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

/** What tools that discover a cloud ask for first; the shape of api-version 2022-09-01. */
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
