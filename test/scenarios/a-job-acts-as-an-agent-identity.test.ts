import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import {
  agentIdentityIds,
  clientIds,
  identities,
  ordersApi,
  tenantIds,
  worldFor,
} from '../../emulator/default-world.ts';
import { type Emulator, entraError, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { agentSubject } from '../../emulator/tokens.ts';
import { asking, run } from '../endpoint/a-run.ts';
import { gitEnvironment } from '../handover/repositories.ts';
import { type AzCall, recordCall, standInAz, tempFolder } from '../handover/temp-folder.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { callsByBash } from '../messages/message-context.ts';
import {
  goodInputs,
  hostsUnderTest,
  type Inputs,
  type Outcome,
  oneOfEach,
  runStepOn,
} from './hosts-under-test.ts';
import { projectedToken } from './pods.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => azure.clearRequests());
afterEach(() => {
  azure.faults.clear();
  azure.setWorld(worldFor('public'));
});

const { triage, elsewhere, disabled } = agentIdentityIds;
const agentInputs: Inputs = {
  ...goodInputs,
  'client-id': clientIds.blueprint,
  'agent-identity-id': triage,
};
const exchangeScope = 'api://AzureADTokenExchange/.default';

/** The requests to Entra: who asked for what, with which assertion. */
const asked = () =>
  azure.requests
    .filter(({ leg }) => leg === 'entra')
    .map(({ form }) => ({
      client: form.get('client_id'),
      scope: form.get('scope')?.split(' ')[0],
      fmiPath: form.get('fmi_path'),
      assertion: form.get('client_assertion') ?? '',
    }));
const count = (leg: string): number => azure.requests.filter((request) => request.leg === leg).length;
/** The token that the agent identity presented. */
const blueprintToken = (): string => asked().find(({ client }) => client === triage)?.assertion ?? '';
const warningsOf = ({ transcript }: Outcome): readonly string[] =>
  transcript.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
const privateFolder = (temp: string): string => {
  const [folder = ''] = readdirSync(temp).filter((name) => name.startsWith('entra-app-token-'));
  return join(temp, folder);
};

describe.each(hostsUnderTest)('$title', (host) => {
  test('several scopes and a registry: one request to the machine, one as the blueprint, one for each as the agent', async () => {
    const { errors, variables, log, order } = await runStepOn(host, azure, {
      ...agentInputs,
      scopes: `ARM_TOKEN = arm\nGRAPH_TOKEN = graph\nORDERS_TOKEN = ${ordersApi.uri}\nACR_PASSWORD = acr:contoso.azurecr.io`,
    });
    expect(errors).toEqual([]);
    expect([count('imds'), count('entra'), count('registry')]).toEqual([1, 5, 1]);
    const [first, ...others] = asked();
    expect(first).toMatchObject({ client: clientIds.blueprint, scope: exchangeScope, fmiPath: triage });
    const token = blueprintToken();
    expect(decodeJwt(token).sub).toMatch(new RegExp(`^/eid1/c/pub/t/.*/${triage}$`, 'u'));
    for (const one of others) expect(one).toMatchObject({ client: triage, fmiPath: null, assertion: token });
    expect(others.map(({ scope }) => scope)).toEqual(
      expect.arrayContaining(['https://management.azure.com/.default', `${ordersApi.uri}/.default`]),
    );
    expect(decodeJwt(variables['ARM_TOKEN'] ?? '')).toMatchObject({ appid: triage, oid: triage });
    expect(decodeJwt(variables['ORDERS_TOKEN'] ?? '')).toMatchObject({
      azp: triage,
      roles: [ordersApi.role],
      xms_par_app_azp: clientIds.blueprint,
    });
    expect(log).toContain(
      `Managed identity ${identities.runner.clientId} (principal ID ${identities.runner.objectId}) became, through blueprint ${clientIds.blueprint}, agent identity ${triage} in tenant ${tenantIds.contoso}:`,
    );
    expect(log).toContain(
      'assertion (the blueprint’s token for this agent identity), kept in memory only, valid until',
    );
    // Everything that arrived is masked before the step says anything of it.
    const firstText = order.findIndex(({ kind, text: line }) => kind === 'text' && line.includes('became'));
    for (const secret of [first?.assertion, token, variables['ARM_TOKEN']]) {
      const masked = order.findIndex(({ kind, text: value }) => kind === 'mask' && value === secret);
      expect(masked).toBeGreaterThan(-1);
      expect(masked).toBeLessThan(firstText);
    }
  });

  test('tools get the agent identity, and the blueprint’s token in their file, for about an hour', async () => {
    const job = host.job(azure);
    const { errors, variables, outputs, log } = await job.step({
      ...agentInputs,
      export: 'azure-sdk, terraform',
    });
    expect(errors).toEqual([]);
    const path = outputs['federated-token-file'] ?? '';
    expect(variables).toMatchObject({
      AZURE_CLIENT_ID: triage,
      ARM_CLIENT_ID: triage,
      AZURE_FEDERATED_TOKEN_FILE: path,
    });
    expect(readFileSync(path, 'utf8')).toBe(blueprintToken());
    const left = Date.parse(outputs['federated-token-expires-on'] ?? '') - Date.now();
    expect(left).toBeGreaterThan(60 * 60_000);
    expect(left).toBeLessThan(66 * 60_000);
    expect(log).toContain(`azure-sdk acts as agent identity ${triage} through`);
    expect(log).toContain('The file with the blueprint’s token is removed when the job ends.');
    await job.post();
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    job.close();
  });

  test('without the input nothing asks for an agent identity', async () => {
    expect((await runStepOn(host, azure, goodInputs)).errors).toEqual([]);
    expect(asked().map(({ client, fmiPath }) => [client, fmiPath])).toEqual([[clientIds.deployer, null]]);
  });
});

/** What is wrong, Entra's code, who asked, cause and fix. */
const refusals: readonly (readonly [
  title: string,
  inputs: Inputs,
  code: string,
  who: RegExp,
  cause: RegExp,
  fix: RegExp,
  more?: string,
])[] = [
  [
    'a blueprint without an agent identity',
    { 'agent-identity-id': '' },
    'AADSTS82001',
    /as app/u,
    /is an agent identity blueprint/u,
    /Set agent-?identity-?id to the client ID of one of its agent identities/iu,
  ],
  [
    'an agent identity of another blueprint',
    { 'agent-identity-id': elsewhere },
    'AADSTS700213',
    new RegExp(`as agent identity ${elsewhere} of blueprint ${clientIds.blueprint}`, 'u'),
    /it is the child of another blueprint, or/u,
    /Set client-?id to the blueprint of the agent identity/iu,
    'This is a blueprint’s token, so the agent identity has another blueprint.',
  ],
  [
    'a plain app as the blueprint',
    { 'client-id': clientIds.deployer },
    'AADSTS700213',
    /as agent identity/u,
    /is a plain app registration/u,
    /Set client-?id to the blueprint/iu,
    `so ${clientIds.deployer} is probably a plain app registration`,
  ],
  [
    'an unknown agent identity',
    { 'agent-identity-id': 'a9e17000-5555-4000-8000-0000000000ff' },
    'AADSTS700016',
    /as agent identity/u,
    /does not exist in tenant/u,
    /Set agent-?identity-?id to the client ID of the agent identity, not of its blueprint/iu,
  ],
  [
    'a disabled agent identity',
    { 'agent-identity-id': disabled },
    'AADSTS7000112',
    /as agent identity/u,
    /Agent identity \S+ is disabled/u,
    /az ad sp update --id a9e17000-5555-4000-8000-000000000002 --set accountEnabled=true/u,
  ],
  [
    'another tenant',
    { 'tenant-id': tenantIds.fabrikam },
    'AADSTS700016',
    new RegExp(`for agent identity ${triage} from .* as its blueprint ${clientIds.blueprint}`, 'u'),
    /Agent identities are single-tenant/u,
    new RegExp(`Set tenant-?id to the tenant of agent identity ${triage}`, 'iu'),
  ],
  [
    'an unknown blueprint',
    { 'client-id': 'd3b10700-2222-4000-8000-0000000000ff' },
    'AADSTS700016',
    /as its blueprint/u,
    /does not exist in tenant/u,
    /client-?id to the client ID of its blueprint/iu,
  ],
];

const fieldsOf = (claims: Record<string, unknown>): Promise<Fault> =>
  azure.entra.sign({ aud: 'x', tid: tenantIds.contoso, ...claims }).then((token) => ({
    status: 200,
    body: { token_type: 'Bearer', expires_in: 3599, access_token: token },
  }));
const ofBlueprint = { azp: clientIds.blueprint };
const ofAgent = { azp: triage, xms_par_app_azp: clientIds.blueprint };
const subjectFor = (agent: string): string =>
  agentSubject('public', tenantIds.contoso, clientIds.blueprint, agent);
const fromBlueprint = (request: { form: URLSearchParams }): boolean => request.form.has('fmi_path');
const fromAgent = (request: { form: URLSearchParams }): boolean => request.form.get('client_id') === triage;

describe.each(oneOfEach)('$title', (host) => {
  test.each(refusals)(
    '%s: cause and fix, and nothing handed over',
    async (_, inputs, code, who, cause, fix, more = '') => {
      const { errors, outputs, log } = await runStepOn(host, azure, { ...agentInputs, ...inputs });
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(code);
      expect(log).toMatch(who);
      expect(log).toMatch(new RegExp(`Cause: .*${cause.source}`, 'u'));
      expect(log).toMatch(new RegExp(`Fix: .*${fix.source}`, fix.flags));
      expect(log).toContain(more);
      expect(outputs).toEqual({});
    },
  );

  test('a blueprint that does not trust the identity: az rest creates the trust, at Graph’s path for blueprints', async () => {
    const { errors, log } = await runStepOn(host, azure, {
      ...agentInputs,
      'client-id': clientIds.otherBlueprint,
      'agent-identity-id': elsewhere,
    });
    expect(errors[0]).toContain(
      `Could not get a token for agent identity ${elsewhere} from login.microsoftonline.com as its blueprint ${clientIds.otherBlueprint}`,
    );
    expect(log).toContain('The blueprint’s federated identity credential must have exactly these values:');
    expect(log).toContain(
      'the blueprint has no matching federated identity credential. A new one can take minutes',
    );
    const [command = ''] = / {2}az rest --method post .*$/mu.exec(log) ?? [];
    const [call = []] = callsByBash(command);
    expect(call.slice(0, -1)).toEqual([
      ...['rest', '--method', 'post', '--url'],
      `https://graph.microsoft.com/beta/applications/${clientIds.otherBlueprint}/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials`,
      ...['--headers', 'OData-Version=4.0', 'Content-Type=application/json', '--body'],
    ]);
    expect(JSON.parse(call.at(-1) ?? '')).toEqual({
      name: 'managed-identity-0b1ec700',
      issuer: `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`,
      subject: identities.runner.objectId,
      audiences: ['api://AzureADTokenExchange'],
    });
    expect(log).not.toContain('az ad app federated-credential');
  });

  test.each([
    [
      'a blueprint’s token for another agent identity',
      fromBlueprint,
      { ...ofBlueprint, sub: subjectFor(elsewhere) },
      `an agent identity other than ${triage}`,
    ],
    [
      'a blueprint’s token of another app',
      fromBlueprint,
      { azp: clientIds.deployer, sub: subjectFor(triage) },
      `an app other than ${clientIds.blueprint}`,
    ],
    [
      'a token of another agent identity',
      fromAgent,
      { ...ofAgent, azp: elsewhere },
      `an app other than ${triage}`,
    ],
    [
      'a token of another blueprint’s agent identity',
      fromAgent,
      { ...ofAgent, xms_par_app_azp: clientIds.otherBlueprint },
      `whose blueprint is not ${clientIds.blueprint}`,
    ],
  ] as const)('%s is masked and not handed over', async (_, request, claims, words) => {
    azure.faults.queue('entra', await fieldsOf(claims), 1, request);
    const { errors, outputs, order, transcript } = await runStepOn(host, azure, agentInputs);
    expect(errors).toEqual([expect.stringContaining(words)]);
    expect(outputs).toEqual({});
    const masked = order.flatMap(({ kind, text: value }) => (kind === 'mask' ? [value] : []));
    expect(masked.length).toBeGreaterThan(1);
    assertNoSecretLeaks(transcript, masked);
    // The blueprint's token for somebody else is presented to nobody.
    if (request === fromBlueprint) expect(asked().filter(({ client }) => client === triage)).toEqual([]);
  });

  test('tokens of an unknown form are not judged, and a debug line says so', async () => {
    azure.faults.queue('entra', await fieldsOf({ ...ofBlueprint, sub: '/eid2/new/form' }), 1, fromBlueprint);
    azure.faults.queue('entra', await fieldsOf({ azp: triage }), 1, fromAgent);
    const { errors, log } = await runStepOn(host, azure, agentInputs, { debug: true });
    expect(errors).toEqual([]);
    expect(log).toContain('Its subject has no known form, so the agent identity in it was not checked');
    expect(log).toContain('It does not name the blueprint, so this was not checked');
  });

  test('a token that cannot be read at all is not judged either', async () => {
    const opaque: Fault = {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3599, access_token: 'opaque-by-contract-0123456789' },
    };
    azure.faults.queue('entra', opaque, 2);
    const { errors, log } = await runStepOn(host, azure, agentInputs, { debug: true });
    expect(errors).toEqual([]);
    expect(log).toContain('Claims of the blueprint’s token: not readable. Its subject');
  });

  test('debug lines of a good run name each token, and say nothing of checks', async () => {
    const { log } = await runStepOn(host, azure, agentInputs, { debug: true });
    expect(log).toContain('Claims of the blueprint’s token: iss=');
    expect(log).toContain('Claims of the agent identity’s token: iss=');
    expect(log).toContain(`xms_par_app_azp="${clientIds.blueprint}"`);
    expect(log).not.toContain('not checked');
  });

  test('a temporary error of Entra is retried in both steps, with the same parameters', async () => {
    azure.faults.queue('entra', entraError(90033), 1, fromBlueprint);
    azure.faults.queue('entra', entraError(90033), 1, fromAgent);
    expect((await runStepOn(host, azure, agentInputs)).errors).toEqual([]);
    expect(count('imds')).toBe(1);
    expect(asked().map(({ client, fmiPath }) => [client, fmiPath])).toEqual([
      [clientIds.blueprint, triage],
      [clientIds.blueprint, triage],
      [triage, null],
      [triage, null],
    ]);
  });

  test('login: azure-cli signs in the agent identity with the blueprint’s token, and warns when it ends', async () => {
    using place = tempFolder();
    standInAz(place.folder, recordCall);
    const job = host.job(azure, { environment: { PATH: place.folder } });
    const step = await job.step({ ...agentInputs, login: 'azure-cli' });
    expect(step.errors).toEqual([]);
    const calls = readFileSync(join(place.folder, 'calls'), 'utf8').trim().split('\n');
    const login = calls.map((line) => JSON.parse(line) as AzCall).find(({ words }) => words[0] === 'login');
    expect(login?.words).toEqual(expect.arrayContaining(['--username', triage]));
    expect(login?.token).toBe(blueprintToken());
    expect(warningsOf(step)).toEqual([
      expect.stringMatching(
        /^The Azure CLI can get new tokens only until .*, when the blueprint’s token expires\./u,
      ),
    ]);
    await job.post();
    job.close();
  });

  test('login: git gets tokens of the agent identity from the blueprint’s token in the file', async () => {
    using home = tempFolder();
    const job = host.job(azure);
    const step = await job.step({ ...agentInputs, login: 'git' });
    expect(step.errors).toEqual([]);
    expect(warningsOf(step)).toEqual([expect.stringMatching(/^git can get new tokens only until/u)]);
    const token = blueprintToken();
    azure.clearRequests();
    expect((await fillCredential(job, home.folder)).log).toContain('password given');
    expect(asked()).toEqual([expect.objectContaining({ client: triage, fmiPath: null, assertion: token })]);
    await job.post();
    job.close();
  });

  describe('in a pod', () => {
    /** The blueprint trusts the pod's service account, too. */
    const trustPods = (): void => {
      const world = worldFor('public');
      const pods = world.applications.find(({ clientId }) => clientId === clientIds.podDeployer);
      const applications = world.applications.map((one) =>
        one.clientId === clientIds.blueprint
          ? { ...one, federatedCredentials: pods?.federatedCredentials ?? [] }
          : one,
      );
      azure.setWorld({ ...world, applications });
    };
    const podInputs = (path: string): Inputs => ({
      ...agentInputs,
      'managed-identity-client-id': '',
      'federated-token-file': path,
    });

    test('export writes the blueprint’s token, because an agent identity cannot present the pod’s own', async () => {
      trustPods();
      using pod = await projectedToken(azure);
      const job = host.job(azure);
      const { errors, variables, outputs, log } = await job.step({
        ...podInputs(pod.path),
        export: 'azure-sdk',
      });
      expect(errors).toEqual([]);
      expect(count('imds')).toBe(0);
      expect(asked().map(({ client }) => client)).toEqual([clientIds.blueprint, triage]);
      expect(asked()[0]?.assertion).toBe(readFileSync(pod.path, 'utf8'));
      const path = variables['AZURE_FEDERATED_TOKEN_FILE'] ?? '';
      expect([path, outputs['federated-token-file']]).toEqual([
        join(privateFolder(job.temp), 'federated-token'),
        path,
      ]);
      expect(readFileSync(path, 'utf8')).toBe(blueprintToken());
      expect(log).toContain('Service account system:serviceaccount:ci:runner became, through blueprint');
      await job.post();
      expect(readFileSync(pod.path, 'utf8')).not.toBe('');
      job.close();
    });

    test('login: git gets new tokens of the blueprint from the pod’s file, for as long as the job runs', async () => {
      trustPods();
      using pod = await projectedToken(azure);
      using home = tempFolder();
      const job = host.job(azure);
      const step = await job.step({ ...podInputs(pod.path), login: 'git' });
      expect([step.errors, warningsOf(step)]).toEqual([[], []]);
      azure.clearRequests();
      expect((await fillCredential(job, home.folder)).log).toContain('password given');
      expect(asked().map(({ client, fmiPath }) => [client, fmiPath])).toEqual([
        [clientIds.blueprint, triage],
        [triage, null],
      ]);
      await job.post();
      job.close();
    });
  });
});

/** A later step in which git asks its helper for a credential. */
function fillCredential(job: ReturnType<(typeof oneOfEach)[number]['job']>, home: string): Promise<Outcome> {
  return job.script(
    `const { spawnSync } = await import('node:child_process');
     const { stdout, stderr } = spawnSync('git', ['credential', 'fill'], { input: 'protocol=https\\nhost=dev.azure.com\\n\\n', encoding: 'utf8' });
     console.log(stdout.replace(/password=.+/, 'password given') + stderr);`,
    gitEnvironment(azure, home),
  );
}

describe('the command', () => {
  const options = Object.entries(agentInputs).map(([name, value]) => `--${name}=${value}`);
  const command = async (...words: readonly string[]) => {
    const child = spawn(process.execPath, [resolve('dist/command/index.js'), ...words], {
      env: { PATH: process.env['PATH'] ?? '', ...azure.environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { stdout, stderr };
  };

  test('token prints tokens of the agent identity, for several scopes with 1 + 1 + N requests', async () => {
    const { stdout, stderr } = await command(
      'token',
      ...options,
      '--scopes=arm',
      '--scopes=graph',
      '--output=json',
    );
    expect(stderr).toBe('');
    const { tokens } = JSON.parse(stdout) as { tokens: readonly { token: string }[] };
    expect(tokens.map(({ token }) => decodeJwt(token)['appid'])).toEqual([triage, triage]);
    expect([count('imds'), count('entra')]).toEqual([1, 3]);
  });

  test('a refusal names the option', async () => {
    const { stdout, stderr } = await command('token', ...options.filter((one) => !one.includes('agent')));
    expect(stdout).toBe('');
    expect(stderr).toContain('AADSTS82001');
    expect(stderr).toContain('Set --agent-identity-id to the client ID of one of its agent identities.');
  });

  test('run hands out tokens of the agent identity, and asks the blueprint once', async () => {
    const { code, stdout } = await run(
      azure,
      asking('https://management.azure.com', 'https://graph.microsoft.com', 'https://management.azure.com'),
      { inputs: agentInputs },
    );
    expect(code).toBe(0);
    const answers = JSON.parse(stdout) as readonly { access_token: string; client_id: string }[];
    expect(answers.map(({ client_id }) => client_id)).toEqual([triage, triage, triage]);
    expect(answers.map(({ access_token }) => decodeJwt(access_token)['appid'])).toEqual([
      triage,
      triage,
      triage,
    ]);
    expect(asked().map(({ client }) => client)).toEqual([clientIds.blueprint, triage, triage]);
  });
});
