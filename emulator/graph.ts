import { randomUUID } from 'node:crypto';
import { authenticateBearer, type BearerProblem, type Caller } from './bearer-authentication.ts';
import {
  agentType,
  checkODataVersion,
  checkSponsors,
  describeAgentIdentity,
  describeApi,
  describeAssignment,
  newBlueprint,
  readAgentIdentity,
  readAssignment,
} from './graph-agents.ts';
import { checkCredential, readCredential } from './graph-credentials.ts';
import { graphError } from './graph-error.ts';
import { type Property, parseFilter } from './graph-filter.ts';
import type { Handler, ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import { GRAPH_APP_ID } from './resources.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { AgentIdentity, Application, FederatedIdentityCredential, World } from './world.ts';

/** https://learn.microsoft.com/graph/api/application-list: `$top` allows 1 to 999. */
const MAX_PAGE_SIZE = 999;

/** The current world, and a way to change it. What Graph changes applies to the next exchange. */
export interface LiveWorld {
  readonly get: () => World;
  readonly set: (next: World) => void;
}

/**
 * The part of Microsoft Graph that sets up trust: applications, their federated identity credentials, service
 * principals, blueprints and agent identities, and the organization. `/beta` behaves like `/v1.0`.
 * https://learn.microsoft.com/graph/api/overview?view=graph-rest-1.0
 */
export function graphService(keys: SigningKeys, live: LiveWorld): Handler {
  return async (request) => {
    const world = live.get();
    const audiences = world.resources.find((one) => one.appId === GRAPH_APP_ID);
    const result = await authenticateBearer(
      request,
      [...(audiences?.identifierUris ?? []), GRAPH_APP_ID],
      world,
      keys,
    );
    if ('problem' in result) return unauthorized(result);
    return new GraphCall(request, result.caller, live).response();
  };
}

function unauthorized({ problem }: BearerProblem): ServiceResponse {
  const message = {
    missing: 'Access token is empty.',
    invalid: 'CompactToken validation failed with reason code: 80049228.',
    expired: 'Lifetime validation failed, the token is expired.',
    audience: 'Access token validation failure. Invalid audience.',
  }[problem];
  return graphError(401, 'InvalidAuthenticationToken', message);
}

/** One authenticated request. */
class GraphCall {
  readonly #request: RecordedRequest;
  readonly #caller: Caller;
  readonly #live: LiveWorld;
  readonly #world: World;

  constructor(request: RecordedRequest, caller: Caller, live: LiveWorld) {
    this.#request = request;
    this.#caller = caller;
    this.#live = live;
    this.#world = live.get();
  }

  response(): ServiceResponse {
    const { method } = this.#request;
    const path = decodeURIComponent(this.#request.path);
    const createsAgentIdentity =
      method === 'POST' &&
      /^\/[^/]+\/serviceprincipals\/[^/]+$/iu.test(path) &&
      agentType(path.split('/')[3]) === 'agentidentity';
    // Blueprints may create their own agent identities.
    if (method !== 'GET' && !createsAgentIdentity && this.#caller.application?.graphAdministrator !== true) {
      return graphError(
        403,
        'Authorization_RequestDenied',
        'Insufficient privileges to complete the operation.',
      );
    }
    const [version, collection = '', ...rest] = path.split('/').slice(1);
    const key = /^(\w+)\((?:(\w+)=)?'([^']*)'\)$/.exec(collection);
    // OData names are compared without letter case. Microsoft's pages write `serviceprincipals`, too.
    const name = (key?.[1] ?? collection).toLowerCase();
    const id = key === null ? rest.shift() : key[3];
    const byAppId = key?.[2]?.toLowerCase() === 'appid';
    if (version !== 'v1.0' && version !== 'beta') return this.#unknown();
    if (name === 'organization' && method === 'GET' && id === undefined) return this.#organization();
    if (name === 'applications') return this.#applications(method, id, byAppId, rest);
    if (name === 'serviceprincipals') return this.#servicePrincipals(method, id, byAppId, rest);
    return this.#unknown();
  }

  #unknown(): ServiceResponse {
    return graphError(
      400,
      'BadRequest',
      `Resource not found for the segment '${this.#request.path.split('/').at(-1) ?? ''}'.`,
    );
  }

  #missing(id: string): ServiceResponse {
    return graphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
    );
  }

  #context(of: string): string {
    return `https://${this.#request.host}/${this.#version}/$metadata#${of}`;
  }

  #found(of: string, value: Record<string, unknown>, status = 200): ServiceResponse {
    return { status, body: { '@odata.context': this.#context(`${of}/$entity`), ...value } };
  }

  get #version(): string {
    return this.#request.path.split('/')[1] ?? '';
  }

  /** A list, limited by `$filter` and `$top`. */
  #list(of: string, values: readonly Record<string, unknown>[]): ServiceResponse {
    const filter = parseFilter(this.#request.query.get('$filter'));
    if (filter === undefined) {
      return graphError(
        400,
        'Request_UnsupportedQuery',
        'Unsupported or invalid query filter clause specified.',
      );
    }
    const top = this.#request.query.get('$top') ?? String(MAX_PAGE_SIZE);
    const pageSize = /^\d{1,4}$/.test(top) ? Number(top) : 0;
    if (pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
      return graphError(
        400,
        'Request_UnsupportedQuery',
        `Invalid page size specified: '${top}'. Must be between 1 and ${MAX_PAGE_SIZE} inclusive.`,
      );
    }
    const start = Number(this.#request.query.get('$skiptoken') ?? 0);
    const found = values.filter((value) => filter(value as Record<string, Property>));
    const end = start + pageSize;
    return {
      status: 200,
      body: {
        '@odata.context': this.#context(of),
        ...(end < found.length && { '@odata.nextLink': this.#nextPage(end) }),
        value: found.slice(start, end),
      },
    };
  }

  #nextPage(start: number): string {
    const query = new URLSearchParams(this.#request.query);
    query.set('$skiptoken', String(start));
    return `https://${this.#request.host}${this.#request.path}?${query}`;
  }

  /** The world has no owners, so the list is always empty. https://learn.microsoft.com/graph/api/application-list-owners */
  #owners(): ServiceResponse {
    return this.#list('directoryObjects', []);
  }

  #organization(): ServiceResponse {
    return this.#list(
      'organization',
      this.#world.tenants
        .filter((tenant) => tenant.id === this.#caller.tenant)
        .map((tenant) => ({
          id: tenant.id,
          displayName: tenant.displayName,
          tenantType: 'AAD',
          verifiedDomains: tenant.domains.map((name, index) => ({
            name,
            isDefault: index === 0,
            isInitial: index === 0,
            type: 'Managed',
          })),
        })),
    );
  }

  /** An application object exists only in its home tenant. */
  get #homeApplications(): readonly Application[] {
    return this.#world.applications.filter((one) => one.homeTenant === this.#caller.tenant);
  }

  #applications(
    method: string,
    id: string | undefined,
    byAppId: boolean,
    rest: readonly string[],
  ): ServiceResponse {
    if (agentType(id) === 'agentidentityblueprint' && rest.length === 0) {
      return this.#blueprints(method);
    }
    if (id === undefined) {
      if (method === 'GET')
        return this.#list('applications', this.#homeApplications.map(describeApplication));
      if (method === 'POST') return this.#createApplication();
      return this.#unknown();
    }
    const application = this.#homeApplications.find((one) => (byAppId ? one.clientId : one.objectId) === id);
    if (application === undefined) return this.#missing(id);
    const [cast, ...inType] = rest;
    const isTyped = agentType(cast) === 'agentidentityblueprint';
    if (isTyped) {
      const problem = method === 'GET' ? undefined : checkODataVersion(this.#request);
      if (problem !== undefined) return problem;
      if (application.isBlueprint !== true) return this.#missing(id);
    }
    const [child, childId, ...tooDeep] = isTyped ? inType : rest;
    if (child === undefined && method === 'GET') {
      return this.#found('applications', describeApplication(application));
    }
    if (child === 'owners' && childId === undefined && method === 'GET') return this.#owners();
    if (child === 'federatedIdentityCredentials' && tooDeep.length === 0) {
      return this.#credentials(method, application, childId);
    }
    return this.#unknown();
  }

  #blueprints(method: string): ServiceResponse {
    if (method === 'POST') return this.#createApplication(true);
    if (method !== 'GET') return this.#unknown();
    const blueprints = this.#homeApplications.filter((one) => one.isBlueprint === true);
    return this.#list('applications', blueprints.map(describeApplication));
  }

  #createApplication(typed = false): ServiceResponse {
    const body = this.#body();
    const isBlueprint = typed || agentType(body?.['@odata.type']) === 'agentidentityblueprint';
    const displayName = body?.['displayName'];
    if (typeof displayName !== 'string' || displayName === '') {
      return graphError(
        400,
        'Request_BadRequest',
        "A value is required for property 'displayName' of resource 'Application'.",
      );
    }
    const problem = isBlueprint ? (checkODataVersion(this.#request) ?? checkSponsors(body)) : undefined;
    if (problem !== undefined) return problem;
    const application: Application = isBlueprint
      ? newBlueprint(displayName, this.#caller.tenant, body)
      : {
          clientId: randomUUID(),
          objectId: randomUUID(),
          displayName,
          homeTenant: this.#caller.tenant,
          signInAudience:
            body?.['signInAudience'] === 'AzureADMultipleOrgs' ? 'AzureADMultipleOrgs' : 'AzureADMyOrg',
          federatedCredentials: [],
          servicePrincipals: {},
        };
    this.#live.set({ ...this.#world, applications: [...this.#world.applications, application] });
    return this.#found('applications', describeApplication(application), 201);
  }

  #credentials(method: string, application: Application, idOrName: string | undefined): ServiceResponse {
    const of = `applications('${application.objectId}')/federatedIdentityCredentials`;
    const all = application.federatedCredentials;
    if (idOrName === undefined) {
      if (method === 'GET') return this.#list(of, all.map(describeCredential));
      if (method !== 'POST') return this.#unknown();
      const wanted = readCredential(this.#body());
      if (wanted === undefined) return graphError(400, 'Request_BadRequest', 'Invalid body.');
      const problem = checkCredential(wanted, all);
      if (problem !== undefined) return problem;
      const created = { ...wanted, id: randomUUID() };
      this.#replaceCredentials(application, [...all, created]);
      return this.#found(of, describeCredential(created), 201);
    }
    const existing = all.find((one) => one.name === idOrName || credentialId(one) === idOrName);
    if (existing === undefined) return this.#missing(idOrName);
    const others = all.filter((one) => one !== existing);
    switch (method) {
      case 'GET':
        return this.#found(of, describeCredential(existing));
      case 'PATCH': {
        const wanted = readCredential({ ...existing, ...this.#body(), name: existing.name });
        if (wanted === undefined) return graphError(400, 'Request_BadRequest', 'Invalid body.');
        const problem = checkCredential(wanted, others);
        if (problem !== undefined) return problem;
        this.#replaceCredentials(application, [...others, { ...wanted, id: credentialId(existing) }]);
        return { status: 204 };
      }
      case 'DELETE':
        this.#replaceCredentials(application, others);
        return { status: 204 };
      default:
        return this.#unknown();
    }
  }

  #replaceCredentials(
    application: Application,
    federatedCredentials: readonly FederatedIdentityCredential[],
  ): void {
    this.#replace({ ...application, federatedCredentials });
  }

  #replace(application: Application): void {
    this.#live.set({
      ...this.#world,
      applications: this.#world.applications.map((one) =>
        one.clientId === application.clientId ? application : one,
      ),
    });
  }

  #servicePrincipals(
    method: string,
    id: string | undefined,
    byAppId: boolean,
    rest: readonly string[],
  ): ServiceResponse {
    const { tenant } = this.#caller;
    const type = agentType(id);
    if (type !== undefined && rest.length === 0) return this.#typedPrincipals(method, type);
    const agent = this.#agents.find((one) => one.clientId === id);
    if (agent !== undefined) return this.#agentIdentity(method, agent, rest);
    const principals = [
      ...this.#world.applications.flatMap((one) => describePrincipal(one, tenant)),
      ...this.#agents.map(describeAgentIdentity),
      ...this.#world.resources
        .filter((one) => one.tenants?.includes(tenant) !== false)
        .map((one) => describeApi(one, tenant)),
    ];
    if (id === undefined && method === 'GET') return this.#list('servicePrincipals', principals);
    if (id === undefined && method === 'POST') return this.#createPrincipal();
    const principal = principals.find((one) => one[byAppId ? 'appId' : 'id'] === id);
    if (principal === undefined) return this.#missing(id ?? '');
    if (method !== 'GET') return this.#unknown();
    if (rest.length === 0) return this.#found('servicePrincipals', principal);
    return rest.join('/') === 'owners' ? this.#owners() : this.#unknown();
  }

  /** The agent identities of the caller's tenant. */
  get #agents(): readonly AgentIdentity[] {
    return this.#world.agentIdentities.filter((one) => one.tenant === this.#caller.tenant);
  }

  /** `servicePrincipals/graph.agentIdentity` and its kin. */
  #typedPrincipals(method: string, type: Exclude<ReturnType<typeof agentType>, undefined>): ServiceResponse {
    if (method !== 'POST' && method !== 'GET') return this.#unknown();
    if (type === 'agentidentityblueprint') return this.#unknown();
    if (method === 'GET') {
      const blueprints = this.#world.applications.filter((one) => one.isBlueprint === true);
      return this.#list(
        'servicePrincipals',
        type === 'agentidentity'
          ? this.#agents.map(describeAgentIdentity)
          : blueprints.flatMap((one) => describePrincipal(one, this.#caller.tenant)),
      );
    }
    const problem = checkODataVersion(this.#request);
    if (problem !== undefined) return problem;
    return type === 'agentidentity' ? this.#createAgentIdentity() : this.#createPrincipal(true);
  }

  #createAgentIdentity(): ServiceResponse {
    const result = readAgentIdentity(this.#body(), this.#caller, this.#world);
    if ('problem' in result) return result.problem;
    const { created } = result;
    this.#live.set({ ...this.#world, agentIdentities: [...this.#world.agentIdentities, created] });
    return this.#found(
      'servicePrincipals/microsoft.graph.agentIdentity',
      describeAgentIdentity(created),
      201,
    );
  }

  /** One agent identity: read it, disable it, delete it, and assign app roles to it. */
  #agentIdentity(method: string, agent: AgentIdentity, rest: readonly string[]): ServiceResponse {
    const [child, ...deeper] = agentType(rest[0]) === 'agentidentity' ? rest.slice(1) : rest;
    if (child === 'appRoleAssignments' && deeper.length === 0) return this.#roles(method, agent);
    if (child === 'owners' && deeper.length === 0 && method === 'GET') return this.#owners();
    if (child !== undefined) return this.#unknown();
    switch (method) {
      case 'GET':
        return this.#found('servicePrincipals', describeAgentIdentity(agent));
      case 'PATCH': {
        const enabled = this.#body()?.['accountEnabled'];
        if (typeof enabled !== 'boolean') return graphError(400, 'Request_BadRequest', 'Invalid body.');
        this.#replaceAgent({ ...agent, disabled: !enabled });
        return { status: 204 };
      }
      case 'DELETE':
        this.#live.set({
          ...this.#world,
          agentIdentities: this.#world.agentIdentities.filter((one) => one !== agent),
        });
        return { status: 204 };
      default:
        return this.#unknown();
    }
  }

  #roles(method: string, agent: AgentIdentity): ServiceResponse {
    const of = `servicePrincipals('${agent.clientId}')/appRoleAssignments`;
    if (method === 'GET') {
      return this.#list(
        of,
        agent.roles.map((one) => describeAssignment(one, agent, this.#world)),
      );
    }
    if (method !== 'POST') return this.#unknown();
    const result = readAssignment(this.#body(), agent, this.#world);
    if ('problem' in result) return result.problem;
    const { created } = result;
    this.#replaceAgent({ ...agent, roles: [...agent.roles, created] });
    return this.#found(of, describeAssignment(created, agent, this.#world), 201);
  }

  #replaceAgent(agent: AgentIdentity): void {
    this.#live.set({
      ...this.#world,
      agentIdentities: this.#world.agentIdentities.map((one) =>
        one.clientId === agent.clientId ? agent : one,
      ),
    });
  }

  #createPrincipal(ofBlueprint = false): ServiceResponse {
    const { tenant } = this.#caller;
    const appId = String(this.#body()?.['appId'] ?? '');
    const application = this.#world.applications.find((one) => one.clientId === appId);
    if (ofBlueprint && application !== undefined && application.isBlueprint !== true) {
      return graphError(
        400,
        'AgentBlueprintPrincipal_RequireAgentBlueprint',
        'Agent identity blueprint principals can only be created for Agent Blueprints.',
      );
    }
    const mayExist =
      application !== undefined &&
      (application.homeTenant === tenant || application.signInAudience === 'AzureADMultipleOrgs');
    if (!mayExist) {
      return graphError(
        400,
        'Request_BadRequest',
        `The appId '${appId}' of the service principal does not reference a valid application object.`,
      );
    }
    if (application.servicePrincipals[tenant] !== undefined) {
      return graphError(
        409,
        'Request_MultipleObjectsWithSameKeyValue',
        `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
      );
    }
    const provisioned: Application = {
      ...application,
      servicePrincipals: { ...application.servicePrincipals, [tenant]: { objectId: randomUUID() } },
    };
    this.#replace(provisioned);
    return this.#found('servicePrincipals', describePrincipal(provisioned, tenant)[0] ?? {}, 201);
  }

  #body(): Record<string, unknown> | undefined {
    try {
      const body: unknown = JSON.parse(this.#request.body);
      return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The credentials of the default world have no ID. Theirs is derived from the name. */
function credentialId(one: FederatedIdentityCredential): string {
  return (
    one.id ?? `f1c00000-0000-4000-8000-${Buffer.from(one.name).toString('hex').padStart(12, '0').slice(-12)}`
  );
}

function describeCredential(one: FederatedIdentityCredential): Record<string, unknown> {
  return {
    id: credentialId(one),
    name: one.name,
    issuer: one.issuer,
    subject: one.subject,
    description: one.description ?? null,
    audiences: one.audiences,
  };
}

function describeApplication(one: Application): Record<string, unknown> {
  return {
    ...(one.isBlueprint === true && { '@odata.type': '#microsoft.graph.agentIdentityBlueprint' }),
    id: one.objectId,
    deletedDateTime: null,
    appId: one.clientId,
    displayName: one.displayName,
    identifierUris: [],
    signInAudience: one.signInAudience,
    publisherDomain: null,
    tags: [],
    api: { acceptMappedClaims: null, knownClientApplications: [], oauth2PermissionScopes: [] },
    appRoles: [],
    keyCredentials: [],
    passwordCredentials: [],
    requiredResourceAccess: [],
    web: { redirectUris: [], homePageUrl: null, logoutUrl: null },
  };
}

function describePrincipal(one: Application, tenant: string): readonly Record<string, unknown>[] {
  const principal = one.servicePrincipals[tenant];
  if (principal === undefined) return [];
  return [
    {
      ...(one.isBlueprint === true && { '@odata.type': '#microsoft.graph.agentIdentityBlueprintPrincipal' }),
      id: principal.objectId,
      accountEnabled: principal.disabled !== true,
      appId: one.clientId,
      appDisplayName: one.displayName,
      appOwnerOrganizationId: one.homeTenant,
      displayName: one.displayName,
      servicePrincipalNames: [one.clientId],
      servicePrincipalType: 'Application',
      signInAudience: one.signInAudience,
      keyCredentials: [],
      passwordCredentials: [],
      tags: [],
    },
  ];
}
