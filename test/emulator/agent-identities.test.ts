import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import {
  agentIdentityIds,
  clientIds,
  identities,
  ordersApi,
  subscriptionIds,
  tenantIds,
  worldFor,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import type { World } from '../../emulator/world.ts';
import { ask, type RawAnswer } from './raw-request.ts';
import { ARM_SCOPE, askBlueprint, askEntra, assertionOf, codeOf, EXCHANGE_SCOPE } from './token-requests.ts';

const { contoso, fabrikam } = tenantIds;
const { blueprint, otherBlueprint } = clientIds;
const { triage, elsewhere } = agentIdentityIds;
const GRAPH_SCOPE = 'https://graph.microsoft.com/.default';
const EXCHANGE_APP_ID = 'fb60f99c-7a34-4190-8149-302f77469936';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => {
  azure.setWorld(worldFor('public'));
  azure.clearRequests();
});

/** A request of an agent identity with this assertion. */
const askAs = (
  agent: string,
  assertion: string,
  scope: string = ARM_SCOPE,
  tenant: string = contoso,
): Promise<RawAnswer> => askEntra(azure, { tenant, assertion, form: { client_id: agent, scope } });

const askForBlueprint = (form: Readonly<Record<string, string | null>>): Promise<RawAnswer> =>
  askEntra(azure, { form: { client_id: blueprint, scope: EXCHANGE_SCOPE, ...form } });

describe('the blueprint’s token', () => {
  test('names the tenant, the blueprint and the agent identity, and lives 65 minutes', async () => {
    const answer = await askForBlueprint({ fmi_path: triage });
    expect(answer.status).toBe(200);
    const claims = decodeJwt(String(answer.json()['access_token']));
    expect(claims).toMatchObject({
      aud: EXCHANGE_APP_ID,
      iss: `https://login.microsoftonline.com/${contoso}/v2.0`,
      azp: blueprint,
      azpacr: '2',
      idtyp: 'app',
      tid: contoso,
      ver: '2.0',
    });
    expect(claims['oid']).not.toBe(blueprint);
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3900);
    const [, tenantBytes = '', blueprintBytes = '', agent] =
      /^\/eid1\/c\/pub\/t\/([\w-]{22})\/a\/([\w-]{22})\/(.*)$/u.exec(claims.sub ?? '') ?? [];
    expect([guidOf(tenantBytes), guidOf(blueprintBytes), agent]).toEqual([contoso, blueprint, triage]);
  });

  test('encodes a GUID as a published token does', () => {
    expect(guidOf('XKNpU6VGd0aP-S5lWHZU5w')).toBe('5369a35c-46a5-4677-8ff9-2e65587654e7');
  });

  test.each([
    ['without fmi_path', { fmi_path: null }, 82008],
    ['with an empty fmi_path', { fmi_path: '' }, 82008],
    ['for Resource Manager', { scope: ARM_SCOPE }, 82001],
    ['for Resource Manager with fmi_path', { scope: ARM_SCOPE, fmi_path: triage }, 82001],
    ['on behalf of a user', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }, 82002],
  ])('%s is refused', async (_what, form, code) => {
    const answer = await askForBlueprint(form);
    expect([answer.status, codeOf(answer)]).toEqual([400, code]);
  });

  test('AADSTS82001 names the blueprint and the API', async () => {
    const answer = await askForBlueprint({ scope: ARM_SCOPE });
    expect(answer.json()['error_description']).toContain(
      `AADSTS82001: Agentic application '${blueprint}' is not permitted to request app-only tokens for resource '797f4846-ba00-4fd7-ba43-dac1f8f63013'.`,
    );
  });

  test('needs the same trust as an app’s token', async () => {
    const assertion = await assertionOf(azure, identities.second.clientId);
    const form = { client_id: blueprint, scope: EXCHANGE_SCOPE, fmi_path: triage };
    expect(codeOf(await askEntra(azure, { assertion, form }))).toBe(700213);
  });

  test('does not exist in a tenant without the blueprint', async () => {
    const form = { client_id: blueprint, scope: EXCHANGE_SCOPE, fmi_path: triage };
    expect(codeOf(await askEntra(azure, { tenant: fabrikam, form }))).toBe(700016);
  });

  test('is no credential of a plain app', async () => {
    const assertion = await askBlueprint(azure, blueprint, triage);
    const form = { client_id: clientIds.deployer };
    expect(codeOf(await askEntra(azure, { assertion, form }))).toBe(700213);
  });
});

describe('an agent identity', () => {
  test('gets tokens with its own claims, for several APIs with one blueprint token', async () => {
    const assertion = await askBlueprint(azure, blueprint, triage);
    const [arm, orders] = await Promise.all([
      askAs(triage, assertion),
      askAs(triage, assertion, `${ordersApi.uri}/.default`),
    ]);
    const v1 = decodeJwt(String(arm?.json()['access_token']));
    const v2 = decodeJwt(String(orders?.json()['access_token']));
    const common = { oid: triage, sub: triage, idtyp: 'app', tid: contoso, xms_par_app_azp: blueprint };
    expect(v1).toMatchObject({ ...common, appid: triage, appidacr: '2' });
    expect(v2).toMatchObject({ ...common, azp: triage, azpacr: '2', roles: [ordersApi.role] });
    for (const name of ['xms_act_fct', 'xms_sub_fct']) expect(String(v1[name]).split(' ')).toContain('11');
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(3);
  });

  test('has only the roles that are assigned to it', async () => {
    const answer = await askAs(triage, await askBlueprint(azure, blueprint, triage), GRAPH_SCOPE);
    expect(decodeJwt(String(answer.json()['access_token']))['roles']).toBeUndefined();
  });

  test('sees only the subscription that it has a role for', async () => {
    const answer = await askAs(triage, await askBlueprint(azure, blueprint, triage));
    const listed = await ask(`${azure.arm.url}/subscriptions?api-version=2022-12-01`, {
      ca: azure.ca.pem,
      headers: { authorization: `Bearer ${answer.json()['access_token']}` },
    });
    const subscriptions = listed.json()['value'] as { subscriptionId: string }[];
    expect(subscriptions.map((one) => one.subscriptionId)).toEqual([subscriptionIds.contosoProduction]);
  });

  const changed = async (claims: Record<string, unknown>): Promise<string> =>
    azure.entra.sign({ ...decodeJwt(await askBlueprint(azure, blueprint, triage)), ...claims });

  test.each<[string, number, string, () => Promise<string>]>([
    [
      'the token that its blueprint got for another agent identity',
      700213,
      triage,
      () => askBlueprint(azure, blueprint, agentIdentityIds.disabled),
    ],
    ['the token of another blueprint', 700213, elsewhere, () => askBlueprint(azure, blueprint, elsewhere)],
    ['the token of a plain app', 700213, triage, () => askBlueprint(azure, clientIds.deployer, triage)],
    ['the machine’s token', 700213, triage, () => assertionOf(azure)],
    ['a token with another audience', 7002121, triage, () => changed({ aud: ordersApi.appId })],
    [
      'a token in another letter case',
      7002138,
      triage,
      () => askBlueprint(azure, blueprint, triage.toUpperCase()),
    ],
    ['an expired token', 700024, triage, () => changed({ exp: 1_700_000_000, nbf: 1_699_990_000 })],
    [
      'a token with a changed signature',
      700027,
      triage,
      async () => (await changed({})).replace(/[^.]+$/u, 'A'.repeat(342)),
    ],
  ])('that presents %s is refused', async (_what, code, agent, assertion) => {
    expect(codeOf(await askAs(agent, await assertion()))).toBe(code);
  });

  test('that is disabled is refused', async () => {
    const { disabled } = agentIdentityIds;
    expect(codeOf(await askAs(disabled, await askBlueprint(azure, blueprint, disabled)))).toBe(7000112);
  });

  test('that does not exist is refused', async () => {
    const unknown = 'a9e17000-5555-4000-8000-00000000dead';
    expect(codeOf(await askAs(unknown, await askBlueprint(azure, blueprint, unknown)))).toBe(700016);
  });

  test('exists in one tenant only', async () => {
    const assertion = await askBlueprint(azure, blueprint, triage);
    expect(codeOf(await askAs(triage, assertion, ARM_SCOPE, fabrikam))).toBe(700016);
  });

  test('of another tenant needs the blueprint’s token of that tenant', async () => {
    azure.setWorld(withAgentInFabrikam(azure.world));
    const inContoso = await askBlueprint(azure, blueprint, AGENT_IN_FABRIKAM);
    expect(codeOf(await askAs(AGENT_IN_FABRIKAM, inContoso, ARM_SCOPE, fabrikam))).toBe(700211);
    const inFabrikam = await askBlueprint(azure, blueprint, AGENT_IN_FABRIKAM, { tenant: fabrikam });
    expect((await askAs(AGENT_IN_FABRIKAM, inFabrikam, ARM_SCOPE, fabrikam)).status).toBe(200);
  });
});

describe('Graph', () => {
  let administrator: string;
  beforeEach(async () => {
    administrator = await graphToken(clientIds.administrator);
  });

  async function graphToken(clientId: string): Promise<string> {
    const answer = await askEntra(azure, { form: { client_id: clientId, scope: GRAPH_SCOPE } });
    return String(answer.json()['access_token']);
  }

  const call = (
    method: string,
    path: string,
    body?: unknown,
    { token = administrator, odata = '4.0' }: { token?: string; odata?: string } = {},
  ): Promise<RawAnswer> =>
    ask(`${azure.graph.url}/beta${path}`, {
      method,
      ca: azure.ca.pem,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(odata !== '' && { 'odata-version': odata }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  const agentPath = '/servicePrincipals/Microsoft.Graph.AgentIdentity';
  const principalPath = '/serviceprincipals/graph.agentIdentityBlueprintPrincipal';
  const sponsors = {
    'sponsors@odata.bind': ['https://graph.microsoft.com/v1.0/users/5b0450b0-6666-4000-8000-000000000001'],
  };
  const newBlueprint = {
    '@odata.type': 'Microsoft.Graph.AgentIdentityBlueprint',
    displayName: 'fresh',
    ...sponsors,
  };
  const trust = {
    name: 'runner',
    issuer: `https://login.microsoftonline.com/${contoso}/v2.0`,
    subject: identities.runner.objectId,
    audiences: ['api://AzureADTokenExchange'],
  };

  test('sets up a blueprint, its credential, an agent identity and a role, in the documented calls', async () => {
    const made = (await call('POST', '/applications', newBlueprint)).json();
    const [id, appId] = [String(made['id']), String(made['appId'])];
    expect(made['@odata.type']).toBe('#microsoft.graph.agentIdentityBlueprint');

    const agentBody = { displayName: 'agent', agentIdentityBlueprintId: appId, ...sponsors };
    const early = await call('POST', agentPath, agentBody);
    expect(errorOf(early)).toEqual([400, 'AgentIdentity_AgentBlueprintPrincipalDoesNotExist']);

    expect((await call('POST', principalPath, { appId })).status).toBe(201);
    expect((await call('POST', principalPath, { appId })).status).toBe(409);
    const credentials = `/applications/${id}/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials`;
    expect((await call('POST', credentials, trust)).status).toBe(201);
    expect((await call('GET', credentials)).json()['value']).toMatchObject([trust]);

    const agent = (await call('POST', agentPath, agentBody)).json();
    const agentId = String(agent['appId']);
    expect(agent).toMatchObject({ id: agentId, accountEnabled: true, agentIdentityBlueprintId: appId });
    const listed = (await call('GET', '/servicePrincipals/graph.agentIdentity')).json()['value'];
    expect((listed as { id: string }[]).map((one) => one.id)).toContain(agentId);

    const filter = encodeURIComponent(`appId eq '${ordersApi.appId}'`);
    const found = (await call('GET', `/servicePrincipals?$filter=${filter}`)).json()['value'];
    const [api] = found as { id: string; appRoles: { id: string; value: string }[] }[];
    const role = api?.appRoles.find(({ value }) => value === ordersApi.role);
    const assignment = { principalId: agentId, resourceId: api?.id, appRoleId: role?.id };
    const assign = (): Promise<RawAnswer> =>
      call('POST', `/servicePrincipals/${agentId}/appRoleAssignments`, assignment);
    expect((await assign()).status).toBe(201);
    expect((await assign()).status).toBe(400);

    const scope = `${ordersApi.uri}/.default`;
    const token = await askAs(agentId, await askBlueprint(azure, appId, agentId), scope);
    expect(decodeJwt(String(token.json()['access_token']))).toMatchObject({
      azp: agentId,
      roles: [ordersApi.role],
    });
  });

  test('lets a blueprint create its own agent identities and nothing else', async () => {
    const token = await graphToken(blueprint);
    const body = { displayName: 'own', agentIdentityBlueprintId: blueprint, ...sponsors };
    expect((await call('POST', agentPath, body, { token })).status).toBe(201);
    const ofAnother = { ...body, agentIdentityBlueprintId: otherBlueprint };
    expect(errorOf(await call('POST', agentPath, ofAnother, { token }))).toEqual([
      403,
      'Error_AgentBlueprintCannotCreateAssociatedIdentity',
    ]);
    expect((await call('POST', '/applications', newBlueprint, { token })).status).toBe(403);
    const agent = await askAs(triage, await askBlueprint(azure, blueprint, triage), GRAPH_SCOPE);
    const byAgent = { token: String(agent.json()['access_token']) };
    expect(errorOf(await call('POST', agentPath, body, byAgent))).toEqual([
      403,
      'Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed',
    ]);
    const byPlainApp = { token: await graphToken(clientIds.deployer) };
    expect(errorOf(await call('POST', agentPath, body, byPlainApp))).toEqual([
      403,
      'Authorization_RequestDenied',
    ]);
  });

  test('disables, enables and deletes an agent identity', async () => {
    const path = `/servicePrincipals/${triage}`;
    const token = async (): Promise<RawAnswer> => askAs(triage, await askBlueprint(azure, blueprint, triage));
    expect((await call('PATCH', path, { accountEnabled: false })).status).toBe(204);
    expect(codeOf(await token())).toBe(7000112);
    expect((await call('PATCH', path, { accountEnabled: true })).status).toBe(204);
    expect((await token()).status).toBe(200);
    expect((await call('DELETE', path)).status).toBe(204);
    expect(codeOf(await token())).toBe(700016);
  });

  test.each<[string, string, unknown, string]>([
    [
      'a blueprint without a sponsor',
      '/applications',
      { ...newBlueprint, 'sponsors@odata.bind': [] },
      'Request_BadRequest',
    ],
    [
      'a blueprint principal of a plain app',
      principalPath,
      { appId: clientIds.principalless },
      'AgentBlueprintPrincipal_RequireAgentBlueprint',
    ],
    [
      'an agent identity of a plain app',
      agentPath,
      { displayName: 'agent', agentIdentityBlueprintId: clientIds.deployer, ...sponsors },
      'AgentIdentity_IncompatibleParentType',
    ],
    [
      'an agent identity without a sponsor',
      agentPath,
      { displayName: 'agent', agentIdentityBlueprintId: blueprint },
      'Request_BadRequest',
    ],
    [
      'an agent identity without a name',
      agentPath,
      { agentIdentityBlueprintId: blueprint, ...sponsors },
      'Request_BadRequest',
    ],
  ])('refuses %s', async (_what, path, body, code) => {
    expect(errorOf(await call('POST', path, body))).toEqual([400, code]);
  });

  test('refuses typed calls without the header OData-Version', async () => {
    const agent = { displayName: 'agent', agentIdentityBlueprintId: blueprint, ...sponsors };
    for (const [path, body] of [
      ['/applications', newBlueprint],
      [agentPath, agent],
    ] as const) {
      expect((await call('POST', path, body, { odata: '' })).status).toBe(400);
    }
  });

  test('has no typed path for a plain app', async () => {
    const path = `/applications(appId='${clientIds.deployer}')/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials`;
    expect((await call('POST', path, trust)).status).toBe(404);
  });
});

function errorOf(answer: RawAnswer): readonly [number, unknown] {
  return [answer.status, (answer.json()['error'] as { code?: string } | undefined)?.code];
}

/** The GUID with these bytes, in .NET's order. */
function guidOf(encoded: string): string {
  const hex = Buffer.from(encoded, 'base64url').toString('hex');
  const swap = (from: number, to: number): string =>
    hex.slice(from, to).match(/../gu)?.reverse().join('') ?? '';
  return [swap(0, 8), swap(8, 12), swap(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const AGENT_IN_FABRIKAM = 'a9e17000-5555-4000-8000-00000000fab1';

/** The blueprint is multitenant and has an agent identity in Fabrikam. */
function withAgentInFabrikam(world: World): World {
  const principal = { objectId: 'b1ce9214-7777-4000-8000-000000000001' };
  return {
    ...world,
    applications: world.applications.map((one) =>
      one.clientId === blueprint
        ? {
            ...one,
            signInAudience: 'AzureADMultipleOrgs',
            servicePrincipals: { ...one.servicePrincipals, [fabrikam]: principal },
          }
        : one,
    ),
    agentIdentities: [
      ...world.agentIdentities,
      { clientId: AGENT_IN_FABRIKAM, displayName: 'fabrikam-agent', blueprint, tenant: fabrikam, roles: [] },
    ],
  };
}
