import { createHash, randomUUID } from 'node:crypto';
import type { Caller } from './bearer-authentication.ts';
import { graphError } from './graph-error.ts';
import type { ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import type { AgentIdentity, Application, AppRoleAssignment, Resource, World } from './world.ts';

/**
 * The part of Graph that sets up agent identities: blueprints, their principals, agent identities, app roles.
 * https://learn.microsoft.com/entra/agent-id/create-blueprint and https://learn.microsoft.com/entra/agent-id/error-codes
 */

type Body = Readonly<Record<string, unknown>> | undefined;

/** The types that paths and bodies name, without the namespace and in lower case. */
type AgentType = 'agentidentityblueprint' | 'agentidentityblueprintprincipal' | 'agentidentity';

/** `Microsoft.Graph.AgentIdentity` in a path or in `@odata.type`, in any of the forms of Microsoft's pages. */
export function agentType(name: unknown): AgentType | undefined {
  if (typeof name !== 'string') return undefined;
  const [, type] =
    /^#?(?:microsoft\.)?graph\.(agentidentity(?:blueprint(?:principal)?)?)$/iu.exec(name) ?? [];
  return type?.toLowerCase() as AgentType | undefined;
}

const badRequest = (message: string, code = 'Request_BadRequest'): ServiceResponse =>
  graphError(400, code, message);

/** `@odata.type` and typed paths need this header: https://learn.microsoft.com/entra/agent-id/create-delete-agent-identities */
export function checkODataVersion({ headers }: RecordedRequest): ServiceResponse | undefined {
  return headers['odata-version'] === '4.0'
    ? undefined
    : badRequest("The header 'OData-Version: 4.0' is required for this type.");
}

/** An application permission cannot stand in for the person who answers for an agent. */
export function checkSponsors(body: Body): ServiceResponse | undefined {
  const sponsors: unknown = body?.['sponsors@odata.bind'];
  if (!Array.isArray(sponsors) || sponsors.length === 0) {
    return badRequest('No sponsor specified. Please provide at least one sponsor.');
  }
  const isSponsor = (one: unknown): boolean =>
    typeof one === 'string' &&
    /^https:\/\/[^/]+\/(?:v1\.0|beta)\/(?:users|groups)\/[0-9a-f-]{36}$/iu.test(one);
  const wrong: unknown = sponsors.find((one) => !isSponsor(one));
  return wrong === undefined ? undefined : badRequest(`Invalid sponsor reference '${String(wrong)}'.`);
}

/** A blueprint without principal and credential. Its ID is its client ID. */
export function newBlueprint(displayName: string, tenant: string, body: Body): Application {
  const clientId = randomUUID();
  return {
    clientId,
    objectId: clientId,
    displayName,
    homeTenant: tenant,
    signInAudience:
      body?.['signInAudience'] === 'AzureADMultipleOrgs' ? 'AzureADMultipleOrgs' : 'AzureADMyOrg',
    isBlueprint: true,
    federatedCredentials: [],
    servicePrincipals: {},
  };
}

/** Who may create a service principal of this kind. Agent identities can be created by their own blueprint, too. */
function checkAgentCreator(caller: Caller, blueprintId: string): ServiceResponse | undefined {
  if (caller.isAgentIdentity) {
    return graphError(
      403,
      'Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed',
      "Agent identities can't create other agent identities.",
    );
  }
  if (caller.application?.graphAdministrator === true) return undefined;
  if (caller.application?.isBlueprint !== true) {
    return graphError(
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    );
  }
  return caller.clientId === blueprintId
    ? undefined
    : graphError(
        403,
        'Error_AgentBlueprintCannotCreateAssociatedIdentity',
        "Agent identity blueprints can't create agent identities that are associated with another agent identity blueprint.",
      );
}

/** A new agent identity, or the reason why there cannot be one. */
export function readAgentIdentity(
  body: Body,
  caller: Caller,
  world: World,
): { readonly created: AgentIdentity } | { readonly problem: ServiceResponse } {
  const { displayName, agentIdentityBlueprintId: blueprint } = body ?? {};
  if (typeof displayName !== 'string' || displayName === '') {
    return {
      problem: badRequest("A value is required for property 'displayName' of resource 'AgentIdentity'."),
    };
  }
  const id = typeof blueprint === 'string' ? blueprint : '';
  const parent = world.applications.find((one) => one.clientId === id);
  const problem = checkAgentCreator(caller, id) ?? checkParent(parent, caller.tenant) ?? checkSponsors(body);
  if (problem !== undefined) return { problem };
  return {
    created: { clientId: randomUUID(), displayName, blueprint: id, tenant: caller.tenant, roles: [] },
  };
}

function checkParent(parent: Application | undefined, tenant: string): ServiceResponse | undefined {
  if (parent?.isBlueprint !== true) {
    return badRequest(
      "The specified Application (AppId) isn't an Agent Blueprint. The AgentIdentityBlueprintId must be set to the AppId of a valid agent identity blueprint.",
      'AgentIdentity_IncompatibleParentType',
    );
  }
  if (parent.servicePrincipals[tenant] === undefined) {
    return badRequest(
      "The required agent identity blueprint principal doesn't exist for the specified agent identity blueprint ID.",
      'AgentIdentity_AgentBlueprintPrincipalDoesNotExist',
    );
  }
  return undefined;
}

export function describeAgentIdentity(one: AgentIdentity): Record<string, unknown> {
  return {
    '@odata.type': '#microsoft.graph.agentIdentity',
    id: one.clientId,
    deletedDateTime: null,
    accountEnabled: one.disabled !== true,
    agentIdentityBlueprintId: one.blueprint,
    appId: one.clientId,
    appDisplayName: null,
    appOwnerOrganizationId: null,
    displayName: one.displayName,
    servicePrincipalNames: [one.clientId],
    servicePrincipalType: 'ServiceIdentity',
    tags: [],
  };
}

/** An API's service principal in a tenant. The IDs are derived, so that every start has the same ones. */
export function describeApi(
  { appId, displayName, roles = [] }: Resource,
  tenant: string,
): Record<string, unknown> {
  return {
    id: derivedId(`${tenant} ${appId}`),
    accountEnabled: true,
    appId,
    appDisplayName: displayName,
    displayName,
    servicePrincipalNames: [appId],
    servicePrincipalType: 'Application',
    appRoles: roles.map((value) => ({
      id: roleId(appId, value),
      value,
      displayName: value,
      allowedMemberTypes: ['Application'],
      isEnabled: true,
    })),
    tags: [],
  };
}

/** Reads a body of `appRoleAssignments`. The role must be one that the API has. */
export function readAssignment(
  body: Body,
  agent: AgentIdentity,
  world: World,
): { readonly created: AppRoleAssignment } | { readonly problem: ServiceResponse } {
  const { principalId, resourceId, appRoleId } = body ?? {};
  if (principalId !== agent.clientId) {
    return { problem: badRequest("The property 'principalId' must be the ID of the service principal.") };
  }
  const api = world.resources.find((one) => describeApi(one, agent.tenant)['id'] === resourceId);
  const role = api?.roles?.find((value) => roleId(api.appId, value) === appRoleId);
  if (api === undefined || role === undefined) {
    return { problem: badRequest('Permission being assigned was not found on application.') };
  }
  if (agent.roles.some((one) => one.api === api.appId && one.role === role)) {
    return { problem: badRequest('Permission being assigned already exists on the object.') };
  }
  return { created: { id: randomUUID(), api: api.appId, role } };
}

export function describeAssignment(
  { id, api, role }: AppRoleAssignment,
  agent: AgentIdentity,
  world: World,
): Record<string, unknown> {
  const resource = world.resources.find((one) => one.appId === api);
  return {
    id,
    appRoleId: roleId(api, role),
    principalId: agent.clientId,
    principalDisplayName: agent.displayName,
    principalType: 'ServicePrincipal',
    resourceId: derivedId(`${agent.tenant} ${api}`),
    resourceDisplayName: resource?.displayName ?? null,
  };
}

const roleId = (appId: string, role: string): string => derivedId(`${appId} role ${role}`);

function derivedId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
