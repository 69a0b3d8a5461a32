import { request } from 'node:https';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, entraError, type Fault, startEmulator } from '../../emulator/emulator.ts';
import { runsOf, samples } from './generated.ts';
import { faultsOf, type HostName, hostNames, inParallel, measureSlowness, runStep } from './step-runs.ts';

/**
 * Generated steps, through the bundles: an app that trusts the identity or does not, odd inputs, and answers with
 * faults. Each ends in tokens that Entra signed for exactly this app, tenant and API, or in one clear error.
 */

/** Apps to which the runner's identity may become in its own tenant, from the notes in the emulator's default world. */
const trusting: readonly string[] = [
  clientIds.deployer,
  clientIds.multitenant,
  clientIds.unprovisioned,
  clientIds.disabledInFabrikam,
  clientIds.administrator,
];

const atOnce = 6;
const limit = 3;

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'reset' },
    { kind: 'hang' },
    { kind: 'stall' },
    { kind: 'truncated' },
    { kind: 'cut' },
    { kind: 'html', status: 200 },
    { kind: 'html', status: 503 },
    { kind: 'redirect', location: 'https://evil.example/::error::pwned' },
    { status: 429, headers: { 'retry-after': '1' }, body: {} },
    { status: 410, body: {} },
    { status: 503, body: '' },
    { status: 201, body: { access_token: 'forged-by-a-server', expires_in: 1, expires_on: '4102444800' } },
  ),
  fc.constantFrom(90033, 700213, 7000216, 50196, 700016, 123456789).map((code) => entraError(code)),
  fc
    .record({
      status: fc.integer({ min: 200, max: 599 }),
      text: fc.string({ unit: 'binary', maxLength: 200 }),
    })
    .map(
      ({ status, text }): Fault => ({
        status,
        body: { error: text, error_description: `\n::set-env name=PWNED::${text}` },
      }),
    ),
);

const step = fc.record({
  host: fc.constantFrom<HostName>(...hostNames),
  app: fc.oneof(
    { weight: 3, arbitrary: fc.constant(clientIds.deployer) },
    fc.constantFrom(...Object.values(clientIds)),
  ),
  tenant: fc.constantFrom(tenantIds.contoso, tenantIds.contoso, 'contoso.example', tenantIds.fabrikam),
  identity: fc.oneof(
    { weight: 4, arbitrary: fc.constant(identities.runner.clientId) },
    fc.constantFrom(identities.second.clientId, identities.elsewhere.clientId, identities.system.clientId),
  ),
  more: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.dictionary(
      fc.constantFrom(
        'scopes',
        'export',
        'audience',
        'cloud',
        'subscription-id',
        'timeout-seconds',
        'allow-fork-pull-requests',
      ),
      fc.oneof(
        fc.constantFrom(
          '',
          'arm',
          'NAMED = graph',
          'arm\ngraph\nstorage',
          'azure-sdk',
          'true',
          'public',
          '2',
          '##vso[task.complete]',
        ),
        // An environment variable cannot hold a null character.
        fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll('\0', '')),
      ),
      { maxKeys: 2 },
    ),
  ),
  faults: fc.array(fc.record({ leg: fc.constantFrom<'imds' | 'entra'>('imds', 'entra'), fault }), {
    maxLength: 3,
  }),
  debug: fc.boolean(),
});
type GeneratedStep = typeof step extends fc.Arbitrary<infer One> ? One : never;

let emulators: readonly Emulator[];
let keys: ReadonlyMap<Emulator, ReturnType<typeof createLocalJWKSet>>;
let slowness = 1;
beforeAll(async () => {
  // Faults are queued for a whole emulator, so each of the steps that run at once has its own.
  emulators = await Promise.all(Array.from({ length: atOnce }, () => startEmulator(worldFor('public'))));
  keys = new Map(
    await Promise.all(
      emulators.map(async (azure) => [azure, createLocalJWKSet(await keysOf(azure))] as const),
    ),
  );
  const [azure] = emulators;
  if (azure) {
    slowness = await measureSlowness(azure, atOnce, {
      'client-id': clientIds.deployer,
      'tenant-id': tenantIds.contoso,
      'managed-identity-client-id': identities.runner.clientId,
    });
  }
});
afterAll(() => Promise.all(emulators.map((azure) => azure.stop())));

function keysOf(azure: Emulator): Promise<JSONWebKeySet> {
  return new Promise((resolve, reject) => {
    request(`${azure.entra.url}/common/discovery/v2.0/keys`, { ca: azure.ca.pem, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(JSON.parse(text) as JSONWebKeySet));
    })
      .on('error', reject)
      .end();
  });
}

async function tryStep(
  azure: Emulator,
  { host, app, tenant, identity, more, faults, debug }: GeneratedStep,
): Promise<readonly string[]> {
  azure.clearRequests();
  azure.faults.clear();
  for (const one of faults) azure.faults.queue(one.leg, one.fault);
  const inputs = {
    'timeout-seconds': String(limit),
    ...more,
    'client-id': app,
    'tenant-id': tenant,
    'managed-identity-client-id': identity,
    'authority-host': azure.entra.url,
  };
  const run = await runStep({ host, inputs, environment: azure.environment('machine', 'ca'), debug });
  const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
  const tokens = Object.values({ ...run.outputs, ...run.variables }).flatMap(
    (value) => value.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/gu) ?? [],
  );
  const names = Object.entries(inputs).flatMap(([, value]) =>
    [...value.matchAll(/(\w+)\s*=/gu)].map(([, name = '']) => name),
  );
  const problems = [
    ...faultsOf(run, {
      budget: 120_000,
      slowness,
      names,
      secrets: [...new Set([...sent, ...tokens])],
    }),
  ];
  for (const token of new Set(tokens)) {
    const verify = keys.get(azure);
    if (verify === undefined) throw new Error('no keys');
    const claims = await jwtVerify(token, verify).then(
      ({ payload }) => payload,
      () => undefined,
    );
    if (claims === undefined) problems.push('a token that Entra did not sign');
    else if ((claims['azp'] ?? claims['appid']) !== app) problems.push('a token of another app');
    else if (tenant === tenantIds.contoso && claims['tid'] !== tenant)
      problems.push('a token for another tenant');
  }
  if (tokens.length > 0) {
    const contoso = tenant !== tenantIds.fabrikam;
    const justified = contoso
      ? (trusting.includes(app) && identity === identities.runner.clientId) ||
        (app === clientIds.otherSubject && identity === identities.second.clientId)
      : [clientIds.multitenant, clientIds.administrator].some((one) => one === app);
    if (!justified) problems.push(`a token that the world does not justify: ${app}, ${tenant}, ${identity}`);
  }
  // Nothing is lost either: a step without a fault and with an app that trusts the identity succeeds.
  if (
    faults.length === 0 &&
    Object.keys(more).length === 0 &&
    app === clientIds.deployer &&
    tenant !== tenantIds.fabrikam &&
    identity === identities.runner.clientId &&
    !run.succeeded
  ) {
    problems.push(`a step that must succeed failed: ${run.errors[0]}`);
  }
  return problems.length === 0 ? [] : [...problems, JSON.stringify({ host, inputs, faults })];
}

test('generated steps', async () => {
  const free = [...emulators];
  const found = await inParallel(samples(step, runsOf(300)), atOnce, async (one) => {
    const azure = free.pop();
    if (azure === undefined) throw new Error('more steps at once than emulators');
    try {
      return await tryStep(azure, one);
    } finally {
      free.push(azure);
    }
  });
  expect(found.flat()).toEqual([]);
});
