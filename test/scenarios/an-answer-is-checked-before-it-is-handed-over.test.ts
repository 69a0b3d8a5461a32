import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, oneOfEach, runStepOn, tokensIn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const tokenAnswer = async (claims: Record<string, unknown>, status = 200): Promise<Fault> => ({
  status,
  body: {
    token_type: 'Bearer',
    expires_in: 3599,
    access_token: await azure.entra.sign({ aud: 'x', ...claims }),
  },
});
const own = { appid: clientIds.deployer, tid: tenantIds.contoso };
const opaque = 'opaque-by-contract-0123456789';

/** The wording of every reason is tested in `test/messages/unusable-answers.test.ts`. */
const unusable: readonly (readonly [
  title: string,
  leg: 'imds' | 'entra',
  fault: () => Fault | Promise<Fault>,
  words: RegExp,
])[] = [
  ['a web page from Entra', 'entra', () => ({ kind: 'html', status: 200 }), /web page instead of a token/u],
  ['truncated JSON from the identity endpoint', 'imds', () => ({ kind: 'truncated' }), /not valid JSON/u],
  [
    'a redirect by Entra that keeps the method',
    'entra',
    () => ({ kind: 'redirect', location: 'https://evil.example/', status: 307 }),
    /never follows a redirect/u,
  ],
  [
    'a redirect by the identity endpoint',
    'imds',
    () => ({ kind: 'redirect', location: 'http://evil.example/' }),
    /never follows a redirect/u,
  ],
  [
    'a token with status 201',
    'entra',
    () => tokenAnswer(own, 201),
    /success status that a token response never has/u,
  ],
  [
    'an identity’s token without expires_on',
    'imds',
    () => ({ status: 200, body: { access_token: opaque } }),
    /without a valid expiry/u,
  ],
];

describe.each(oneOfEach)('$title', (host) => {
  test.each(unusable)(
    '%s: one request, one error, no output, and no token in the log',
    async (_, leg, fault, words) => {
      azure.clearRequests();
      azure.faults.queue(leg, await fault(), 99);
      const outcome = await runStepOn(host, azure, goodInputs);
      expect(outcome.succeeded).toBe(false);
      expect(outcome.errors).toHaveLength(1);
      expect(outcome.errors[0]).toMatch(words);
      expect(outcome.outputs).toEqual({});
      expect(azure.requests.filter((request) => request.leg === leg)).toHaveLength(1);
      expect(azure.requests.filter(({ host: asked }) => asked.includes('evil'))).toEqual([]);
      assertNoSecretLeaks(outcome.transcript, [opaque]);
    },
  );

  test.each([
    ['appid', { appid: clientIds.multitenant, tid: tenantIds.contoso }],
    ['azp alone', { azp: clientIds.multitenant, tid: tenantIds.contoso }],
    ['azp beside the right appid', { ...own, azp: clientIds.multitenant }],
  ])('a token that names another app by %s is masked and not handed over', async (_, claims) => {
    azure.faults.queue('entra', await tokenAnswer(claims));
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors[0]).toContain(`a token of an app other than ${clientIds.deployer}`);
    expect(outcome.errors[0]).toContain(clientIds.multitenant);
    expect(outcome.outputs).toEqual({});
    // The assertion, and the token that was rejected.
    const tokens = tokensIn(outcome.transcript.raw.stdout);
    expect(tokens).toHaveLength(2);
    for (const token of tokens) expect(outcome.order).toContainEqual({ kind: 'mask', text: token });
    assertNoSecretLeaks(outcome.transcript, tokens);
  });

  test.each<[string, Record<string, unknown>, Record<string, string>, RegExp]>([
    ['an appid that is a list', { ...own, appid: [clientIds.deployer] }, {}, /a token of an app other than/u],
    [
      'another tenant’s issuer and no tid',
      { appid: clientIds.deployer, iss: `https://sts.windows.net/${tenantIds.fabrikam}/` },
      {},
      /a token for a tenant other than/u,
    ],
    ['an end in 1970', { ...own, exp: 1000 }, {}, /expired at 1970-01-01T00:16:40/u],
    [
      'another resource',
      { ...own, aud: 'https://graph.microsoft.com' },
      {},
      /a token for another resource than/u,
    ],
  ])('a token with %s is not handed over', async (_, claims, inputs, words) => {
    azure.faults.queue('entra', await tokenAnswer(claims));
    const outcome = await runStepOn(host, azure, { ...goodInputs, ...inputs });
    expect(outcome.errors).toEqual([expect.stringMatching(words)]);
    expect(outcome.outputs).toEqual({});
  });

  test.each(['e', 'x'.repeat(20_000)])(
    'a token of an impossible length is neither masked nor handed over',
    async (text) => {
      azure.faults.queue('entra', {
        status: 200,
        body: { token_type: 'Bearer', expires_in: 3599, access_token: text },
      });
      const outcome = await runStepOn(host, azure, goodInputs);
      expect(outcome.errors[0]).toContain(`a token of ${text.length} characters`);
      expect(outcome.order).not.toContainEqual({ kind: 'mask', text });
      expect(outcome.transcript.raw.stdout.length).toBeLessThan(64_000);
    },
  );

  test('a domain name is one tenant: tokens for two tenants are not handed over', async () => {
    azure.faults.queue('entra', await tokenAnswer({ ...own, tid: tenantIds.fabrikam }));
    const inputs = { ...goodInputs, 'tenant-id': 'contoso.example', scopes: 'A = arm\nB = graph' };
    const outcome = await runStepOn(host, azure, inputs);
    expect(outcome.errors).toEqual([
      expect.stringContaining('a token for a tenant other than contoso.example'),
    ]);
    expect(outcome.errors[0]).toContain(tenantIds.fabrikam);
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
  });

  test('the token of another identity is not presented to Entra', async () => {
    azure.clearRequests();
    const { clientId, objectId } = identities.second;
    const access_token = await azure.entra.sign({ azp: clientId, oid: objectId, sub: objectId });
    azure.faults.queue('imds', {
      status: 200,
      body: { access_token, expires_on: '4102444800', token_type: 'Bearer' },
    });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors).toEqual([expect.stringContaining('an identity other than the selected one')]);
    expect(outcome.errors[0]).toContain(clientId);
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
  });

  test('a token for another tenant is not handed over', async () => {
    azure.faults.queue('entra', await tokenAnswer({ azp: clientIds.deployer, tid: tenantIds.fabrikam }));
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors[0]).toContain(`a token for a tenant other than ${tenantIds.contoso}`);
    expect(outcome.outputs).toEqual({});
  });

  test('the token of an answer that cannot be used is masked', async () => {
    azure.faults.queue('entra', { status: 200, body: { access_token: opaque, token_type: 'Bearer' } });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors[0]).toContain('without a valid expiry');
    expect(outcome.order).toContainEqual({ kind: 'mask', text: opaque });
  });

  test('a token that cannot be read is not judged', async () => {
    azure.faults.queue('entra', {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3599, access_token: opaque },
    });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(true);
    expect(outcome.outputs['access-token']).toBe(opaque);
  });

  test('a certificate that nobody vouches for is named with its fix, after one try', async () => {
    azure.clearRequests();
    const inputs = { ...goodInputs, 'authority-host': azure.entra.url };
    const outcome = await runStepOn(host, azure, inputs, {
      proxy: false,
      environment: { NODE_EXTRA_CA_CERTS: '' },
    });
    expect(outcome.errors[0]).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)/u);
    expect(outcome.errors[0]).toContain('Fix: Set NODE_EXTRA_CA_CERTS');
    expect(outcome.errors[0]).not.toContain('Tried');
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
  });

  test.each([
    ['that never answers', { kind: 'hang' }],
    ['that stops in the middle', { kind: 'stall' }],
  ] as const)('an Entra %s is cut off by the time budget', async (_, fault) => {
    azure.faults.queue('entra', fault, 99);
    const outcome = await runStepOn(host, azure, { ...goodInputs, 'timeout-seconds': '2' });
    expect(outcome.errors[0]).toContain(
      `The time budget of 2 s (${host.inputLabel('timeout-seconds')}) is used up.`,
    );
    expect(outcome.errors[0]).toContain('no answer within');
  });
});

describe.each(hostsUnderTest)('$title', (host) => {
  test('one scope of several fails: it is named, and nothing is handed over', async () => {
    const scopes = 'A = arm\nB = api://unknown-api\nC = graph';
    const outcome = await runStepOn(host, azure, { ...goodInputs, scopes });
    expect(outcome.errors).toEqual([expect.stringContaining('api://unknown-api/.default')]);
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
    assertNoSecretLeaks(outcome.transcript, tokensIn(outcome.transcript.raw.stdout));
  });

  test('a broken connection is tried again', async () => {
    azure.clearRequests();
    azure.faults.queue('imds', { kind: 'reset' });
    azure.faults.queue('entra', { kind: 'cut' });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(true);
    const legs = azure.requests.filter(({ leg }) => leg !== 'proxy').map(({ leg }) => leg);
    expect(legs).toEqual(['imds', 'imds', 'entra', 'entra']);
    expect(outcome.log).toMatch(/The machine’s identity endpoint: ECONNRESET\. Try 2 starts in 1 s\./u);
    expect(outcome.log).toMatch(/Entra for https:\S+: \S.*\. Try 2 starts in/u);
  });
});
