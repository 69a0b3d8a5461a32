import { entraFailure } from './entra-failure.ts';
import { type MachineTokens, type Selector, select } from './machine-tokens.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer, Handler } from './service.ts';
import { resourceIn } from './token-endpoint.ts';
import { secondsNow } from './tokens.ts';
import type { MachineKind, World } from './world.ts';

/** The only kind of machine that has an Instance Metadata Service to ask for tokens. */
const MACHINES_WITH_IMDS: readonly MachineKind[] = ['virtual-machine'];

/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
const TOKEN_PATH = '/metadata/identity/oauth2/token';
const OLDEST_VERSION = '2018-02-01';

/** Query parameter → what it selects by. The App Service spelling `mi_res_id` is not among them. */
const SELECTORS: Readonly<Record<string, Selector['by']>> = {
  client_id: 'clientId',
  object_id: 'objectId',
  msi_res_id: 'resourceId',
};

/** Texts as the documentation above and https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service print them, or as SDK issues paste them. */
const texts = {
  noMetadataHeader: ['bad_request_102', 'Required metadata header not specified'],
  // The refusal is documented ("requests must not contain an X-Forwarded-For header"), its wording is not.
  forwarded: ['invalid_request', 'Requests must not contain an X-Forwarded-For header'],
  noResource: ['invalid_request', 'Required audience parameter not specified'],
  severalSelectors: ['invalid_request', 'Only one of client_id, object_id, msi_res_id may be specified'],
  notFound: ['invalid_request', 'Identity not found'],
  several: [
    'invalid_request',
    'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
  ],
} as const;

function refuse(reason: keyof typeof texts): Answer {
  const [error, description] = texts[reason];
  return { status: 400, body: { error, error_description: description } };
}

/** The Instance Metadata Service of a virtual machine, as far as it hands out tokens. */
export function imdsService(tokens: MachineTokens, world: () => World): Handler {
  return (request) => {
    const now = world();
    if (!MACHINES_WITH_IMDS.includes(now.machine.kind)) return 'reset';
    // MSAL, sent elsewhere by AZURE_POD_IDENTITY_AUTHORITY_HOST, ends the path with a slash.
    if (request.path !== TOKEN_PATH && request.path !== `${TOKEN_PATH}/`) {
      return { status: 404, body: { error: 'Not found' } };
    }
    if (request.method !== 'GET') {
      return { status: 405, headers: { allow: 'GET' }, body: { error: 'Method not allowed' } };
    }
    return tokenAnswer(request, now, tokens);
  };
}

async function tokenAnswer(request: RecordedRequest, world: World, tokens: MachineTokens): Promise<Answer> {
  const { headers, query } = request;
  if (headers['metadata']?.toLowerCase() !== 'true') return refuse('noMetadataHeader');
  if (headers['x-forwarded-for'] !== undefined) return refuse('forwarded');
  const version = query.get('api-version');
  if (version === null) return unversioned('api-version was not specified in the request.');
  if (!/^\d{4}-\d{2}-\d{2}$/.test(version) || version < OLDEST_VERSION) {
    return unversioned('api-version is invalid or not supported.');
  }
  const requested = query.get('resource');
  if (!requested) return refuse('noResource');

  const used = Object.entries(SELECTORS).flatMap(([parameter, by]): Selector[] =>
    query.getAll(parameter).map((value) => ({ by, value })),
  );
  if (used.length > 1) return refuse('severalSelectors');
  const selection = select(world, used[0]);
  if ('problem' in selection) return refuse(selection.problem === 'several' ? 'several' : 'notFound');

  const { identity } = selection;
  const resource = resourceIn(world, identity.tenant, requested);
  if (resource === undefined || resource.disabled === true) {
    const tenantName =
      world.tenants.find((one) => one.id === identity.tenant)?.displayName ?? identity.tenant;
    // IMDS passes on what Entra said to it, without the trace as members of their own.
    const { error, error_description } = entraFailure(
      resource === undefined ? 500011 : 500014,
      request,
      {},
      { resource: requested, tenant: tenantName },
    ).body as Record<string, unknown>;
    return { status: 400, body: { error, error_description } };
  }

  const issued = await tokens.of(world, identity, resource, requested);
  const left = String(issued.expiresOn - secondsNow());
  return {
    status: 200,
    body: {
      access_token: issued.accessToken,
      client_id: identity.clientId,
      expires_in: left,
      expires_on: String(issued.expiresOn),
      ext_expires_in: left,
      not_before: String(issued.notBefore),
      resource: requested,
      token_type: 'Bearer',
    },
  };
}

function unversioned(what: string): Answer {
  return {
    status: 400,
    body: {
      error: `Bad request. ${what} For more information refer to aka.ms/azureimds`,
      'newest-versions': ['2023-11-15', '2023-07-01', '2021-12-13'],
    },
  };
}
