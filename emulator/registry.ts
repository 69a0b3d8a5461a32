import { randomUUID } from 'node:crypto';
import { jwtVerify } from 'jose';
import { ARM_APP_ID } from './arm.ts';
import { authenticateToken, type Caller } from './bearer-authentication.ts';
import type { Handler, ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';
import type { SigningKeys } from './signing-keys.ts';
import { secondsNow } from './tokens.ts';
import type { Registry, World } from './world.ts';

/** The `iss` of registry tokens. */
export const REGISTRY_ISSUER = 'Azure Container Registry';
const REGISTRY_APP_ID = '6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26';
/** The user name of `docker login` when the password is a refresh token. */
const REFRESH_TOKEN_USER = '00000000-0000-0000-0000-000000000000';
/** The refresh token is valid for three hours: https://learn.microsoft.com/azure/container-registry/container-registry-authentication */
const REFRESH_TOKEN_LIFETIME = 10_800;
/** The difference of `exp` and `iat` in the example on the page below. */
const ACCESS_TOKEN_LIFETIME = 4500;

const errorResponse = (status: number, code: string, message: string): ServiceResponse => ({
  status,
  body: { errors: [{ code, message, detail: null }] },
});

const unauthorized = (): ServiceResponse =>
  errorResponse(
    401,
    'UNAUTHORIZED',
    'authentication required, visit https://aka.ms/acr/authorization for more information.',
  );

/**
 * The token endpoints of Azure Container Registry login servers. A real registry, such as `distribution` with token
 * authentication, can verify the access tokens.
 * https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 *
 * @param entraKeys verify the app tokens
 * @param registryKeys sign the registry tokens. They are created when the first token needs them
 */
export function registryService(
  entraKeys: SigningKeys,
  registryKeys: () => Promise<SigningKeys>,
  world: () => World,
): Handler {
  return async (request) => {
    const currentWorld = world();
    const host = request.host.split(':')[0] ?? '';
    const registry = currentWorld.registries.find((one) => one.loginServer === host);
    if (registry === undefined) return { status: 404 };
    switch (`${request.method} ${request.path}`) {
      case 'POST /oauth2/exchange':
        return exchange(request, registry, currentWorld, entraKeys, await registryKeys());
      case 'POST /oauth2/token':
      case 'GET /oauth2/token':
        return accessToken(request, registry, await registryKeys());
      case 'GET /v2/':
        return { ...unauthorized(), headers: { 'www-authenticate': challenge(registry) } };
      default:
        // The real service answers 404 for another method, too (Azure/acr#166).
        return { status: 404 };
    }
  };
}

function challenge({ loginServer }: Registry): string {
  return `Bearer realm="https://${loginServer}/oauth2/token",service="${loginServer}"`;
}

/** Exchanges an app token for a refresh token. */
async function exchange(
  { form }: RecordedRequest,
  registry: Registry,
  world: World,
  entraKeys: SigningKeys,
  registryKeys: SigningKeys,
): Promise<ServiceResponse> {
  const invalid = (message: string): ServiceResponse => errorResponse(400, 'BAD_REQUEST', message);
  if (form.get('grant_type') !== 'access_token') return invalid('grant_type must be access_token.');
  if (form.get('service') !== registry.loginServer) return invalid('service must be the login server.');
  const tenant = form.get('tenant');
  if (!tenant) return invalid('tenant is required.');
  const token = form.get('access_token');
  if (!token) return invalid('access_token is required.');

  const appIds = registry.rejectsArmTokens === true ? [REGISTRY_APP_ID] : [REGISTRY_APP_ID, ARM_APP_ID];
  const audiences = world.resources
    .filter((one) => appIds.includes(one.appId))
    .flatMap((one) => [...one.identifierUris, one.appId]);
  const result = await authenticateToken(token, audiences, world, entraKeys);
  if ('problem' in result) return unauthorized();
  const { caller } = result;
  if (caller.tenant !== registry.tenant || !namesTenant(tenant, registry.tenant, world))
    return unauthorized();
  const actions = actionsOf(caller, registry);
  if (actions.length === 0) return unauthorized();

  const refreshToken = await sign(registryKeys, registry, REFRESH_TOKEN_LIFETIME, {
    sub: caller.objectId,
    appid: caller.clientId,
    tenant: caller.tenant,
    grant_type: 'refresh_token',
    permissions: { actions, notActions: [] },
    roles: [],
  });
  return { status: 200, body: { refresh_token: refreshToken } };
}

function namesTenant(name: string, tenantId: string, world: World): boolean {
  const tenant = world.tenants.find((one) => one.id === tenantId);
  const wanted = name.toLowerCase();
  return tenant !== undefined && (tenant.id === wanted || tenant.domains.includes(wanted));
}

function actionsOf({ clientId }: Caller, { pull, push }: Registry): readonly string[] {
  return [
    ...(pull.includes(clientId) ? ['pull'] : []),
    ...(push.includes(clientId) ? ['push', 'delete'] : []),
  ];
}

/** Exchanges a refresh token for an access token. Clients use either OAuth (POST) or Docker's older form (GET). */
async function accessToken(
  request: RecordedRequest,
  registry: Registry,
  registryKeys: SigningKeys,
): Promise<ServiceResponse> {
  const parameters = request.method === 'POST' ? request.form : request.query;
  if (parameters.get('service') !== registry.loginServer) {
    return errorResponse(400, 'BAD_REQUEST', 'service must be the login server.');
  }
  const refreshToken = refreshTokenOf(request);
  if (refreshToken === undefined) return unauthorized();
  const granted = await grantedActions(refreshToken, registry, registryKeys);
  if (granted === undefined) return unauthorized();
  const scopes = parameters.getAll('scope').flatMap((scope) => scope.split(' '));
  const token = await sign(registryKeys, registry, ACCESS_TOKEN_LIFETIME, {
    grant_type: 'access_token',
    access: scopes.flatMap((scope) => accessOf(scope, granted)),
    roles: [],
  });
  return { status: 200, body: { access_token: token, token, expires_in: ACCESS_TOKEN_LIFETIME } };
}

function refreshTokenOf({ method, form, headers }: RecordedRequest): string | undefined {
  if (method === 'POST') {
    if (form.get('grant_type') === 'refresh_token') return form.get('refresh_token') ?? undefined;
    const isPassword = form.get('grant_type') === 'password' && form.get('username') === REFRESH_TOKEN_USER;
    return isPassword ? (form.get('password') ?? undefined) : undefined;
  }
  const encoded = /^basic ([A-Za-z0-9+/=]+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? '';
  const [user, password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return user === REFRESH_TOKEN_USER ? password : undefined;
}

async function grantedActions(
  refreshToken: string,
  registry: Registry,
  keys: SigningKeys,
): Promise<readonly string[] | undefined> {
  const claims = await verifiedClaims(refreshToken, registry, keys);
  if (claims?.['grant_type'] !== 'refresh_token') return undefined;
  return (claims['permissions'] as { actions: string[] }).actions;
}

async function verifiedClaims(
  token: string,
  registry: Registry,
  keys: SigningKeys,
): Promise<Record<string, unknown> | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys.publicKey, {
      algorithms: ['RS256'],
      issuer: REGISTRY_ISSUER,
      audience: registry.loginServer,
    });
    return payload;
  } catch {
    return undefined;
  }
}

/** `repository:NAME:pull,push`, limited to the actions that the caller has. https://distribution.github.io/distribution/spec/auth/scope/ */
function accessOf(scope: string, granted: readonly string[]): readonly Record<string, unknown>[] {
  const [, type, name, actions = ''] = /^([a-z]+(?:\([a-z]+\))?):(.+):([a-z*,]+)$/.exec(scope) ?? [];
  if (type === undefined || name === undefined) return [];
  const allowed = type === 'registry' ? [...granted, '*'] : granted;
  return [{ type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) }];
}

function sign(
  keys: SigningKeys,
  registry: Registry,
  lifetime: number,
  claims: Record<string, unknown>,
): Promise<string> {
  const now = secondsNow();
  return keys.sign(
    {
      jti: randomUUID(),
      sub: '',
      nbf: now - 900,
      exp: now + lifetime,
      iat: now,
      iss: REGISTRY_ISSUER,
      aud: registry.loginServer,
      version: '1.0',
      ...claims,
    },
    // `distribution` verifies the certificate in the header against its `rootcertbundle`.
    { x5c: [keys.certificate] },
  );
}
