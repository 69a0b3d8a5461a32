import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, oneOfEach, runStepOn, tokensIn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const tokenAnswer = async (claims: Record<string, unknown>): Promise<Fault> => ({
  status: 200,
  body: {
    token_type: 'Bearer',
    expires_in: 3599,
    access_token: await azure.entra.sign({ aud: 'x', ...claims }),
  },
});

describe.each(oneOfEach)('$title', (host) => {
  const unusable: readonly (readonly [title: string, leg: 'imds' | 'entra', fault: Fault, words: RegExp])[] =
    [
      ['a web page from Entra', 'entra', { kind: 'html', status: 200 }, /web page, not a token/u],
      [
        'a web page from the identity endpoint',
        'imds',
        { kind: 'html', status: 200 },
        /web page, not a token/u,
      ],
      ['truncated JSON from Entra', 'entra', { kind: 'truncated' }, /no readable JSON/u],
      ['truncated JSON from the identity endpoint', 'imds', { kind: 'truncated' }, /no readable JSON/u],
      [
        'no token from Entra',
        'entra',
        { status: 200, body: { token_type: 'Bearer', expires_in: 1 } },
        /without a token/u,
      ],
      [
        'no token from the identity endpoint',
        'imds',
        { status: 200, body: { expires_on: '4102444800' } },
        /without a token/u,
      ],
      ['an array', 'entra', { status: 200, body: [] }, /no readable JSON/u],
      [
        'a redirect by Entra',
        'entra',
        { kind: 'redirect', location: 'https://evil.example/' },
        /redirection.*never followed/u,
      ],
      [
        'a redirect that keeps the method',
        'entra',
        { kind: 'redirect', location: 'https://evil.example/', status: 307 },
        /redirection/u,
      ],
      [
        'a redirect by the identity endpoint',
        'imds',
        { kind: 'redirect', location: 'http://evil.example/' },
        /redirection/u,
      ],
      ['a web page with status 403', 'entra', { kind: 'html', status: 403 }, /web page, not a token/u],
    ];
  test.each(unusable)('%s', async (_, leg, fault, words) => {
    azure.clearRequests();
    azure.faults.queue(leg, fault, 99);
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toMatch(words);
    expect(outcome.outputs).toEqual({});
    expect(azure.requests.filter((request) => request.leg === leg)).toHaveLength(1);
    expect(azure.requests.filter(({ host: asked }) => asked.includes('evil'))).toEqual([]);
  });

  test('the token of another app', async () => {
    azure.faults.queue('entra', await tokenAnswer({ appid: clientIds.multitenant, tid: tenantIds.contoso }));
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors[0]).toContain(`the token of another app than ${clientIds.deployer}`);
    expect(outcome.errors[0]).toContain(clientIds.multitenant);
    expect(outcome.outputs).toEqual({});
    assertNoSecretLeaks(outcome.transcript, tokensIn(outcome.transcript.raw.stdout));
  });

  test('a token for another tenant', async () => {
    azure.faults.queue('entra', await tokenAnswer({ azp: clientIds.deployer, tid: tenantIds.fabrikam }));
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.errors[0]).toContain(`a token for another tenant than ${tenantIds.contoso}`);
    expect(outcome.outputs).toEqual({});
  });

  test('a token that cannot be read is not judged', async () => {
    const opaque = 'opaque-by-contract-0123456789';
    azure.faults.queue('entra', {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3599, access_token: opaque },
    });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(true);
    expect(outcome.outputs['access-token']).toBe(opaque);
  });

  test('one scope of several fails: it is named, and nothing is handed over', async () => {
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      scopes: 'A = arm\nB = api://unknown-api\nC = graph',
    });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toContain('api://unknown-api/.default');
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
    assertNoSecretLeaks(outcome.transcript, tokensIn(outcome.transcript.raw.stdout));
  });

  test('a certificate nobody vouches for is named, with what mends it, after one try', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'authority-host': azure.entra.url },
      { proxy: false, environment: { NODE_EXTRA_CA_CERTS: '' } },
    );
    expect(outcome.errors[0]).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)/u);
    expect(outcome.errors[0]).toContain('NODE_EXTRA_CA_CERTS');
    expect(outcome.errors[0]).not.toContain('Tried');
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toEqual([]);
  });

  test('a broken connection is tried again', async () => {
    azure.clearRequests();
    azure.faults.queue('imds', { kind: 'reset' });
    azure.faults.queue('entra', { kind: 'cut' });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(true);
    expect(azure.requests.filter(({ leg }) => leg !== 'proxy').map(({ leg }) => leg)).toEqual([
      'imds',
      'imds',
      'entra',
      'entra',
    ]);
    expect(outcome.log).toContain('try 2 in');
  });

  test.each([
    ['that never answers', { kind: 'hang' }],
    ['that stops in the middle', { kind: 'stall' }],
  ] as const)('an Entra %s is cut off by the time budget', async (_, fault) => {
    azure.faults.queue('entra', fault, 99);
    const outcome = await runStepOn(host, azure, { ...goodInputs, 'timeout-seconds': '2' });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors[0]).toContain(`time budget of 2 s (${host.spell('timeout-seconds')}) ends`);
    expect(outcome.errors[0]).toContain('no answer within');
  });
});
