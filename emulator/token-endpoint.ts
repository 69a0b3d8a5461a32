import { randomUUID } from 'node:crypto';
import { type About, entraFailure, standardHeaders } from './entra-failure.ts';
import { type Refusal, refusalOf } from './federation.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer } from './service.ts';
import type { SigningKeys } from './signing-keys.ts';
import { tenantNamed } from './tenants.ts';
import { applicationToken, secondsNow } from './tokens.ts';
import type { Application, Resource, World } from './world.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Microsoft's own tenants behind the `common`/`organizations` and `consumers` endpoints. */
const MICROSOFT_SERVICES = 'f8cdef31-a31e-4b4a-93e4-5f571e91255a';
const PERSONAL_ACCOUNTS = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * The client credentials grant with a federated credential, the "third case" of
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export async function tokenAnswer(
  request: RecordedRequest,
  tenantName: string,
  world: World,
  keys: SigningKeys,
): Promise<Answer> {
  const fail = (code: number, about: About = {}): Answer => entraFailure(code, request, {}, about);
  const { form } = request;

  const duplicate = [...form.keys()].find((name) => form.getAll(name).length > 1);
  if (duplicate !== undefined) return fail(9000411, { parameter: duplicate });
  const grantType = form.get('grant_type');
  if (!grantType) return fail(900144, { parameter: 'grant_type' });
  if (grantType !== 'client_credentials') return fail(70003);
  const clientId = form.get('client_id');
  if (!clientId) return fail(900144, { parameter: 'client_id' });
  const scope = form.get('scope');
  if (form.has('resource')) return fail(901002);
  if (!scope) return fail(900144, { parameter: 'scope' });

  const known = world.applications.find((one) => one.clientId === clientId.toLowerCase());
  if (['common', 'organizations', 'consumers'].includes(tenantName)) {
    return sharedEndpoint(tenantName, known, fail);
  }
  const named = tenantNamed(tenantName, request, world);
  if ('refusal' in named) return named.refusal;
  const { tenant } = named;

  const application = known !== undefined && visibleIn(tenant.id, known) ? known : undefined;
  if (application === undefined) return fail(700016, { tenant: tenant.displayName });
  const principal = application.servicePrincipals[tenant.id];
  if (principal === undefined) return fail(7000229, { tenant: tenant.id });
  if (application.disabled === true || principal.disabled === true) {
    return fail(7000112, { appName: application.displayName });
  }

  const resourceUri = resourceOfScope(scope);
  if (typeof resourceUri !== 'string') return fail(resourceUri.code);

  const unproven = unprovenClient(request, application, world, keys);
  if (unproven !== undefined) return fail(unproven.code, unproven.about);

  const resource = resourceIn(world, tenant.id, resourceUri);
  if (resource === undefined) return fail(500011, { resource: resourceUri, tenant: tenant.displayName });
  if (resource.disabled === true) return fail(500014, { resource: resourceUri });

  const issued = await applicationToken(
    keys,
    world,
    application,
    tenant.id,
    principal.objectId,
    resource,
    resourceUri,
  );
  const left = issued.expiresOn - secondsNow() - 1;
  return {
    status: 200,
    headers: standardHeaders(randomUUID(), request),
    body: { token_type: 'Bearer', expires_in: left, ext_expires_in: left, access_token: issued.accessToken },
  };
}

/** Client credentials need a tenant of their own: the endpoints for everybody refuse them. */
function sharedEndpoint(
  name: string,
  application: Application | undefined,
  fail: (code: number, about: About) => Answer,
): Answer {
  if (application === undefined) return fail(700016, { tenant: MICROSOFT_SERVICES });
  if (name === 'consumers') return fail(700016, { tenant: PERSONAL_ACCOUNTS });
  return application.signInAudience === 'AzureADMyOrg'
    ? fail(50194, { appName: application.displayName })
    : fail(7000229, { tenant: MICROSOFT_SERVICES });
}

/** A single-tenant application does not exist outside its home. */
function visibleIn(tenantId: string, application: Application): boolean {
  return application.homeTenant === tenantId || application.signInAudience === 'AzureADMultipleOrgs';
}

/** The resource of a scope is all before its last `/.default`; see "trailing slash" in the documentation of scopes. */
function resourceOfScope(scope: string): string | { readonly code: number } {
  const scopes = scope.split(' ').filter((one) => one !== '');
  if (scopes.length === 0) return { code: 700023 };
  if (scopes.some((one) => !one.endsWith('/.default'))) return { code: 1002012 };
  const resources = new Set(scopes.map((one) => one.slice(0, -'/.default'.length)));
  const [only = ''] = resources;
  if (resources.size > 1) return { code: 700022 };
  if (only === '' || !/^[\x21-\x7e]+$/.test(only)) return { code: 70011 };
  return only;
}

/** The web API of that address or application ID which this tenant has a service principal for. */
export function resourceIn(world: World, tenantId: string, uri: string): Resource | undefined {
  return world.resources.find(
    (one) =>
      (one.identifierUris.includes(uri) || one.appId === uri.toLowerCase()) &&
      (one.tenants === undefined || one.tenants.includes(tenantId)),
  );
}

function unprovenClient(
  { form }: RecordedRequest,
  application: Application,
  world: World,
  keys: SigningKeys,
): Refusal | undefined {
  const assertion = form.get('client_assertion');
  if (!assertion) {
    // No application of the world has a secret: there is nothing it could be right about.
    return form.get('client_secret') ? { code: 7000215, about: {} } : { code: 7000218, about: {} };
  }
  const type = form.get('client_assertion_type');
  if (!type) return { code: 900144, about: { parameter: 'client_assertion_type' } };
  if (type !== JWT_BEARER) return { code: 7000218, about: {} };
  return refusalOf(assertion, application, world, keys);
}
