import { randomUUID } from 'node:crypto';
import { checkBlueprintToken, checkClientAssertion } from './client-assertion.ts';
import { clouds } from './clouds.ts';
import {
  type EntraError,
  entraErrorResponse,
  type MessageValues,
  standardHeaders,
} from './entra-error-response.ts';
import type { ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import { GRAPH_APP_ID } from './resources.ts';
import type { IssuerKeys, SigningKeys } from './signing-keys.ts';
import { findTenant } from './tenants.ts';
import { agentToken, applicationToken, blueprintToken, type IssuedToken, secondsNow } from './tokens.ts';
import type { AgentIdentity, Application, Resource, Tenant, World } from './world.ts';

/** The on-behalf-of grant. */
const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Microsoft's own tenants. They answer for the `common`/`organizations` and `consumers` endpoints. */
const MICROSOFT_SERVICES = 'f8cdef31-a31e-4b4a-93e4-5f571e91255a';
const PERSONAL_ACCOUNTS = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * The client credentials grant with a federated credential.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential
 */
export async function tokenResponse(
  request: RecordedRequest,
  tenantName: string,
  world: World,
  keys: SigningKeys,
  externalIssuers: IssuerKeys,
): Promise<ServiceResponse> {
  const fail = (code: number, values: MessageValues = {}): ServiceResponse =>
    entraErrorResponse(code, request, {}, values);

  // RFC 9110, section 15.5.16: the response to a content coding that the server does not support.
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() !== 'identity') return { status: 415, headers: { 'accept-encoding': 'identity' } };

  const { form } = request;
  const duplicate = duplicateParameter(form);
  if (duplicate !== undefined) return fail(9000411, { parameter: duplicate });
  const grantType = form.get('grant_type');
  if (!grantType) return fail(900144, { parameter: 'grant_type' });
  if (grantType === JWT_BEARER_GRANT && isBlueprint(world, form.get('client_id'))) return fail(82002);
  if (grantType !== 'client_credentials') return fail(70003);
  const basic = basicCredentials(request);
  if (basic === 'malformed') return fail(9002313);
  const clientId = form.get('client_id') || basic?.clientId;
  if (!clientId) return fail(900144, { parameter: 'client_id' });
  if (basic !== undefined && basic.clientId !== clientId) return fail(9002313);
  if (form.has('resource')) return fail(901002);
  const scope = form.get('scope');
  if (!scope) return fail(900144, { parameter: 'scope' });

  if (clientId === '00000000-0000-0000-0000-000000000000') return fail(700038, { clientId });
  const known = world.applications.find((one) => one.clientId === clientId.toLowerCase());
  if (['common', 'organizations', 'consumers'].includes(tenantName)) {
    return sharedEndpointResponse(tenantName, known, fail);
  }
  const found = findTenant(tenantName, request, world);
  if ('errorResponse' in found) return found.errorResponse;
  const { tenant } = found;

  const agent = world.agentIdentities.find((one) => one.clientId === clientId.toLowerCase());
  if (agent !== undefined) {
    return agentIdentityResponse({ request, tenant, world, keys, fail }, agent, scope, basic?.secret);
  }

  const application = known !== undefined && isVisibleIn(tenant.id, known) ? known : undefined;
  if (application === undefined) return fail(700016, { clientId, tenant: tenant.displayName });
  const principal = application.servicePrincipals[tenant.id];
  if (principal === undefined) return fail(7000229, { clientId, tenant: tenant.id });
  if (application.disabled === true || principal.disabled === true) {
    return fail(7000112, { clientId, appName: application.displayName });
  }

  const resourceUri = resourceOfScope(scope);
  if (typeof resourceUri !== 'string') return fail(resourceUri.code);

  const error = checkClientCredential(form, basic?.secret, (assertion) =>
    checkClientAssertion(assertion, application, world, keys, externalIssuers),
  );
  if (error !== undefined) return fail(error.code, { clientId, ...error.values });

  const resource = findResource(world, tenant.id, resourceUri);
  if (resource === undefined) return fail(500011, { resource: resourceUri, tenant: tenant.displayName });
  if (resource.disabled === true) return fail(500014, { resource: resourceUri });

  if (application.isBlueprint === true) {
    const fmiPath = form.get('fmi_path');
    if (resource.appId === clouds[world.cloud].exchangeAppId) {
      if (!fmiPath) return fail(82008);
      return success(
        request,
        await blueprintToken(keys, world, application, tenant.id, principal.objectId, resource, fmiPath),
      );
    }
    // A blueprint creates its agent identities through Graph, so Graph is the only API that it can have a token for.
    if (resource.appId !== GRAPH_APP_ID) return fail(82001, { clientId, resource: resource.appId });
  }
  return success(
    request,
    await applicationToken(
      keys,
      world,
      application,
      tenant.id,
      principal.objectId,
      application.isBlueprint === true ? { ...resource, roles: ['AgentIdentity.CreateAsManager'] } : resource,
      resourceUri,
    ),
  );
}

interface AgentRequest {
  readonly request: RecordedRequest;
  readonly tenant: Tenant;
  readonly world: World;
  readonly keys: SigningKeys;
  readonly fail: (code: number, values?: MessageValues) => ServiceResponse;
}

/** An agent identity presents its blueprint's token. It is single-tenant, and has no credential of its own. */
async function agentIdentityResponse(
  { request, tenant, world, keys, fail }: AgentRequest,
  agent: AgentIdentity,
  scope: string,
  basicSecret: string | undefined,
): Promise<ServiceResponse> {
  const { clientId } = agent;
  if (agent.tenant !== tenant.id) return fail(700016, { clientId, tenant: tenant.displayName });
  if (agent.disabled === true) return fail(7000112, { clientId, appName: agent.displayName });
  const resourceUri = resourceOfScope(scope);
  if (typeof resourceUri !== 'string') return fail(resourceUri.code);
  const error = checkClientCredential(request.form, basicSecret, (assertion) =>
    checkBlueprintToken(assertion, agent, world, keys),
  );
  if (error !== undefined) return fail(error.code, { clientId, ...error.values });
  const resource = findResource(world, tenant.id, resourceUri);
  if (resource === undefined) return fail(500011, { resource: resourceUri, tenant: tenant.displayName });
  if (resource.disabled === true) return fail(500014, { resource: resourceUri });
  return success(request, await agentToken(keys, world, agent, resource, resourceUri));
}

function isBlueprint(world: World, clientId: string | null): boolean {
  return world.applications.some(
    (one) => one.isBlueprint === true && one.clientId === clientId?.toLowerCase(),
  );
}

function success(request: RecordedRequest, issued: IssuedToken): ServiceResponse {
  const expiresIn = issued.expiresOn - secondsNow() - 1;
  return {
    status: 200,
    headers: standardHeaders(randomUUID(), request),
    body: {
      token_type: 'Bearer',
      expires_in: expiresIn,
      ext_expires_in: expiresIn,
      access_token: issued.accessToken,
    },
  };
}

/**
 * The first parameter that occurs twice. Names are compared without letter case, as ASP.NET's form collections do:
 * otherwise `client_id` and `Client_ID` could name two applications in one request.
 */
function duplicateParameter(form: URLSearchParams): string | undefined {
  const seen = new Set<string>();
  for (const name of form.keys()) {
    const key = name.toLowerCase();
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

interface BasicCredentials {
  readonly clientId: string;
  readonly secret: string;
}

/** `client_secret_basic`, which Entra's discovery document lists (RFC 6749, section 2.3.1). */
function basicCredentials({ headers }: RecordedRequest): BasicCredentials | 'malformed' | undefined {
  const authorization = headers['authorization'];
  if (authorization === undefined) return undefined;
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return 'malformed';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return 'malformed';
  try {
    return {
      clientId: decodeURIComponent(text.slice(0, colon)),
      secret: decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    return 'malformed';
  }
}

/** The client credentials grant needs a specific tenant. The shared endpoints reject it. */
function sharedEndpointResponse(
  name: string,
  application: Application | undefined,
  fail: (code: number, values: MessageValues) => ServiceResponse,
): ServiceResponse {
  if (application === undefined) return fail(700016, { tenant: MICROSOFT_SERVICES });
  if (name === 'consumers') return fail(700016, { tenant: PERSONAL_ACCOUNTS });
  return application.signInAudience === 'AzureADMyOrg'
    ? fail(50194, { appName: application.displayName })
    : fail(7000229, { tenant: MICROSOFT_SERVICES });
}

/** A single-tenant application exists only in its home tenant. */
function isVisibleIn(tenantId: string, application: Application): boolean {
  return application.homeTenant === tenantId || application.signInAudience === 'AzureADMultipleOrgs';
}

/**
 * Entra ignores these OpenID Connect scopes next to one `/.default`. MSAL for Go always sends the first three:
 * https://github.com/AzureAD/microsoft-authentication-library-for-go `apps/internal/oauth/ops/accesstokens`.
 */
const OIDC_SCOPES = ['openid', 'profile', 'offline_access', 'email'];

/** The resource is everything before the last `/.default`: https://learn.microsoft.com/entra/identity-platform/scopes-oidc#trailing-slash-and-default */
function resourceOfScope(scope: string): string | EntraError {
  const scopes = scope.split(' ').filter((one) => one !== '');
  if (scopes.length === 0) return { code: 700023 };
  const requested = scopes.filter((one) => !OIDC_SCOPES.includes(one));
  const resources = new Set(requested.map((one) => one.replace(/\/\.default$/, '')));
  if (requested.length === 0 || requested.some((one) => !one.endsWith('/.default'))) return { code: 1002012 };
  // Real responses to two resources have this code: AzureAD/microsoft-authentication-library-for-js#6069.
  if (resources.size > 1) return { code: 70011 };
  const [only = ''] = resources;
  if (only === '' || !/^[\x21-\x7e]+$/.test(only)) return { code: 70011 };
  return only;
}

/** Finds a web API by identifier URI or application ID, if this tenant has a service principal for it. */
export function findResource(world: World, tenantId: string, uri: string): Resource | undefined {
  return world.resources.find(
    (one) =>
      (one.identifierUris.includes(uri) || one.appId === uri.toLowerCase()) &&
      (one.tenants === undefined || one.tenants.includes(tenantId)),
  );
}

function checkClientCredential(
  form: URLSearchParams,
  basicSecret: string | undefined,
  checkAssertion: (assertion: string) => EntraError | undefined,
): EntraError | undefined {
  const assertion = form.get('client_assertion');
  const secret = form.get('client_secret');
  const methods = [assertion, secret, basicSecret].filter(Boolean).length;
  if (methods === 0) return { code: 7000216 };
  // RFC 6749, section 2.3: a client must not use more than one authentication method in a request.
  if (methods > 1) return { code: 9002313 };
  // No application of the world has a secret, so every secret is wrong.
  if (!assertion) return { code: 7000215 };
  const type = form.get('client_assertion_type');
  if (!type) return { code: 900144, values: { parameter: 'client_assertion_type' } };
  if (type !== JWT_BEARER) return { code: 7000218 };
  return checkAssertion(assertion);
}
