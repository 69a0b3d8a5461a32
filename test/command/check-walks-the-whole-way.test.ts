import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  agentIdentityIds,
  clientIds,
  identities,
  tenantIds,
  worldFor,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { tokensIn } from '../scenarios/hosts-under-test.ts';
import { projectedToken } from '../scenarios/pods.ts';
import { type CommandOptions, command, commandNodes, identityWords, legsOf } from './a-command.ts';

const arm = 'https://management.azure.com/.default';
const orders = 'api://contoso-orders/.default';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
beforeEach(() => {
  azure.setWorld(worldFor('public'));
  azure.faults.clear();
  azure.clearRequests();
});

interface Point {
  readonly kind: string;
  readonly subject?: string;
  readonly status: string;
  readonly text: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

interface Checked {
  readonly code: number | null;
  readonly passed: boolean;
  readonly points: readonly Point[];
  /** The point of that kind, or of that scope. */
  point(name: string): Point;
  /** The points that are not `passed`, each with its status. */
  readonly others: Readonly<Record<string, string>>;
}

/** `check --output json`, after which no output has a token. */
async function check(words: readonly string[], options: CommandOptions = {}): Promise<Checked> {
  const { code, stdout } = await command(azure, ['check', ...words, '--output=json'], options);
  expect(tokensIn(stdout)).toEqual([]);
  const { passed, points } = JSON.parse(stdout) as { passed: boolean; points: readonly Point[] };
  const point = (name: string): Point => {
    const found = points.find(({ kind, subject }) => (subject ?? kind) === name);
    if (found === undefined) throw new Error(`There is no point ${name}.`);
    return found;
  };
  const others = Object.fromEntries(
    points
      .filter(({ status }) => status !== 'passed')
      .map(({ kind, subject, status }) => [subject ?? kind, status]),
  );
  return { code, passed, points, point, others };
}

describe.each(commandNodes)('on Node $major', ({ path: node }) => {
  test('all points pass, with the requests of the exchange and no other', async () => {
    const words = [...identityWords(), '--scopes=arm, api://contoso-orders, acr:contoso.azurecr.io'];
    const { code, passed, points, point, others } = await check(words, { node });
    expect({ code, passed, others }).toEqual({ code: 0, passed: true, others: {} });
    expect(points.map(({ kind, subject }) => subject ?? kind)).toEqual([
      'settings',
      'machine',
      'endpoint',
      'identity',
      'entra',
      'tls',
      'clock',
      'trust',
      arm,
      orders,
      'acr:contoso.azurecr.io',
    ]);
    expect(point('machine')).toMatchObject({ facts: { kind: 'imds', endpoint: azure.imds.url } });
    expect(point('machine').text).toMatch(/because AZURE_POD_IDENTITY_AUTHORITY_HOST/u);
    const { clientId, objectId, resourceId } = identities.runner;
    expect(point('identity').facts).toMatchObject({
      clientId,
      objectId,
      resourceId,
      tenantId: tenantIds.contoso,
      expiresOn: expect.stringMatching(/Z$/u),
    });
    expect(point('entra').facts).toEqual({
      host: 'login.microsoftonline.com',
      proxy: new URL(azure.proxy.url).host,
      because: 'HTTPS_PROXY is set',
    });
    expect(point('tls').facts).toMatchObject({
      issuer: 'Embedded Azure test root',
      setting: `NODE_EXTRA_CA_CERTS adds ${azure.ca.file}`,
    });
    expect(Math.abs(Number(point('clock').facts?.['secondsAhead']))).toBeLessThan(30);
    expect(point('trust').facts).toEqual({
      issuer: `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`,
      subject: objectId,
      audience: 'api://AzureADTokenExchange',
    });
    expect(point(orders).facts).toMatchObject({ roles: ['Orders.Read.All'] });
    expect(point(arm).text).toMatch(/^granted, valid until .*; no roles in the token/u);
    expect([...legsOf(azure)].sort()).toEqual(['entra', 'entra', 'entra', 'imds', 'registry']);
  });

  test('people get a list, one line for each point', async () => {
    const { code, stdout, stderr } = await command(azure, ['check', ...identityWords()], { node });
    expect({ code, stderr, tokens: tokensIn(stdout) }).toEqual({ code: 0, stderr: '', tokens: [] });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(9);
    for (const line of lines) expect(line).toMatch(/^passed {2}\w+/u);
    expect(lines.at(-1)).toContain(`scope ${arm}: granted`);
  });
});

describe('a failure is one point, with the cause and the fix that a step shows', () => {
  const causeAndFix = /\nCause: .*\nFix: /su;

  test('of one scope; the others are granted', async () => {
    const { code, others, point } = await check([...identityWords(), '--scopes=arm, api://nothing']);
    expect({ code, others }).toEqual({ code: 1, others: { 'api://nothing/.default': 'failed' } });
    expect(point('api://nothing/.default').text).toMatch(/AADSTS500011/u);
    expect(point('api://nothing/.default').text).toMatch(causeAndFix);
  });

  test('of the trust; no scope was reached', async () => {
    const words = [...identityWords({ 'client-id': clientIds.wrongSubject }), '--scopes=arm, graph'];
    const { code, others, point } = await check(words);
    expect(code).toBe(1);
    expect(others).toEqual({
      trust: 'failed',
      [arm]: 'not-reached',
      'https://graph.microsoft.com/.default': 'not-reached',
    });
    expect(point('trust').text).toMatch(/AADSTS700213/u);
    expect(point('trust').text).toMatch(causeAndFix);
    expect(point('trust').text).toContain('az ad app federated-credential create');
  }, 60_000);

  test('of the identity; its endpoint answered', async () => {
    const elsewhere = { 'managed-identity-client-id': identities.elsewhere.clientId };
    const { code, others, point } = await check(identityWords(elsewhere));
    expect(code).toBe(1);
    expect(others).toEqual({
      identity: 'failed',
      entra: 'not-reached',
      tls: 'not-reached',
      clock: 'not-reached',
      trust: 'not-reached',
      [arm]: 'not-reached',
    });
    expect(point('endpoint').text).toMatch(/answered HTTP 400/u);
    expect(point('identity').text).toMatch(causeAndFix);
    expect(legsOf(azure)).toEqual(['imds']);
  });

  test('of the endpoint', async () => {
    const { others, point } = await check(identityWords(), {
      environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9' },
    });
    expect(others).toMatchObject({ endpoint: 'failed', identity: 'not-reached', trust: 'not-reached' });
    expect(point('endpoint').text).toMatch(/ECONNREFUSED/u);
  });

  test('of the machine, which ends the way before any request', async () => {
    const { code, others, point } = await check(identityWords(), {
      environment: { MSI_ENDPOINT: 'http://127.0.0.1:9/oauth2/token' },
    });
    expect(code).toBe(1);
    expect(others).toMatchObject({ machine: 'failed', endpoint: 'not-reached', [arm]: 'not-reached' });
    expect(point('machine').text).toMatch(/Azure Cloud Shell/u);
    expect(azure.requests).toEqual([]);
  });

  test.each([
    [
      'certificate checks that are off',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      /^NODE_TLS_REJECT_UNAUTHORIZED=0/u,
    ],
    ['a proxy that is no address', { HTTPS_PROXY: 'socks://user:hush-hush@proxy' }, /^HTTPS_PROXY /u],
  ])('of the settings: %s', async (_, environment, text) => {
    const { code, others, point } = await check(identityWords(), { environment });
    expect(code).toBe(1);
    expect(others).toMatchObject({ settings: 'failed', machine: 'not-reached' });
    expect(point('settings').text).toMatch(text);
    expect(point('settings').text).not.toContain('hush-hush');
    expect(azure.requests).toEqual([]);
  });

  test('of the certificate; the server was reached', async () => {
    const { others, point } = await check(identityWords(), { environment: { NODE_EXTRA_CA_CERTS: '' } });
    expect(others).toEqual({
      tls: 'failed',
      clock: 'not-reached',
      trust: 'not-reached',
      [arm]: 'not-reached',
    });
    expect(point('tls').text).toMatch(/does not trust the certificate/u);
  });

  test('of the proxy', async () => {
    const { others, point } = await check([...identityWords(), '--timeout-seconds=1'], {
      environment: { HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' },
    });
    expect(others).toMatchObject({ entra: 'failed', tls: 'not-reached', [arm]: 'not-reached' });
    expect(point('entra').text).toMatch(/Connection to the proxy 127\.0\.0\.1:9 failed/u);
  });

  test.each([
    ['ahead of', 7],
    ['behind', -7],
  ])('of the clock, which is minutes %s that of Entra; the rest works', async (side, minutes) => {
    const shifted = `const now = Date.now; Date.now = () => now() + ${minutes * 60_000};`;
    const { code, others, point } = await check(identityWords(), {
      environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shifted)}` },
    });
    expect({ code, others }).toEqual({ code: 1, others: { clock: 'failed' } });
    expect(point('clock').text).toMatch(
      new RegExp(`^This machine’s clock is [67] min ${side} that of login\\.microsoftonline\\.com\\.`, 'u'),
    );
    expect(point('clock').text).toMatch(causeAndFix);
  });
});

test('in a pod the token is a file, and no endpoint is asked', async () => {
  using file = await projectedToken(azure);
  const words = Object.entries(file.inputs).map(([name, value]) => `--${name}=${value}`);
  const { code, points, point } = await check(words);
  expect(code).toBe(0);
  expect(points.map(({ kind }) => kind)).not.toContain('endpoint');
  expect(point('machine').facts).toEqual({ kind: 'token-file', path: file.path });
  expect(point('identity').facts).toMatchObject({ objectId: 'system:serviceaccount:ci:runner' });
  expect(legsOf(azure)).toEqual(['entra']);
});

test('wrong options end with 2, and there is no list', async () => {
  const { code, stdout, stderr } = await command(azure, ['check', '--client-id=nothing']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^entra-app-token: Option --client-id: /u);
});

describe('as an agent identity', () => {
  const words = (blueprint: string, agent: string): readonly string[] => [
    `--client-id=${blueprint}`,
    `--agent-identity-id=${agent}`,
    `--tenant-id=${tenantIds.contoso}`,
    `--managed-identity-client-id=${identities.runner.clientId}`,
    '--scopes=arm',
  ];
  const { blueprint } = clientIds;
  const { triage, elsewhere, disabled } = agentIdentityIds;

  test('both steps are shown, with the requests of the exchange and no other', async () => {
    const { passed, points, point } = await check(words(blueprint, triage));
    expect(passed).toBe(true);
    expect(points.map(({ kind }) => kind).slice(-3)).toEqual(['trust', 'blueprint', 'scope']);
    expect(point('settings').text).toContain(`agent identity ${triage} of blueprint ${blueprint} in tenant`);
    expect(point('identity').text).toContain(identities.runner.objectId);
    expect(point('trust').text).toContain(
      `blueprint ${blueprint} trusts issuer https://login.microsoftonline.com/${tenantIds.contoso}/v2.0, subject ${identities.runner.objectId}`,
    );
    expect(point('blueprint').text).toContain(
      `blueprint ${blueprint} has a token for agent identity ${triage}, valid until`,
    );
    const asked = azure.requests.filter(({ leg }) => leg === 'imds' || leg === 'entra');
    expect(asked.map(({ leg, form }) => form.get('client_id') ?? leg)).toEqual(['imds', blueprint, triage]);
  });

  test('a missing trust of the blueprint', async () => {
    const { others, point } = await check(words(clientIds.otherBlueprint, elsewhere));
    expect(others).toEqual({ trust: 'failed', blueprint: 'not-reached', [arm]: 'not-reached' });
    expect(point('trust').text).toContain(
      'microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials',
    );
  });

  test('an unknown blueprint', async () => {
    const { others, point } = await check(words('d3b10700-2222-4000-8000-0000000000ff', triage));
    expect(others).toMatchObject({ blueprint: 'failed', [arm]: 'not-reached' });
    expect(point('blueprint').text).toContain('AADSTS700016');
  });

  test.each([
    ['disabled', disabled, 'AADSTS7000112'],
    ['of another blueprint', elsewhere, 'is the child of another blueprint'],
  ])('an agent identity that is %s', async (_, agent, words_) => {
    const { others, point } = await check(words(blueprint, agent));
    expect(others).toEqual({ [arm]: 'failed' });
    expect(point(arm).text).toContain(words_);
  });
});
