import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { OAuth2Server } from 'oauth2-mock-server';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, type Inputs, type JobUnderTest, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { assertClosedNetwork } from './closed-network.ts';

/**
 * An Entra that others wrote and that checks nothing: it signs a token for whoever asks. What the step hands over here
 * it hands over by its own checks alone.
 */
let azure: Emulator;
let entra: OAuth2Server;
let folder: string;
beforeAll(async () => {
  assertClosedNetwork();
  azure = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'lenient-entra-'));
  const { cert, key } = await azure.ca.issue(['localhost']);
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  entra = new OAuth2Server(files.key, files.cert, {
    endpoints: { token: `/${tenantIds.contoso}/oauth2/v2.0/token` },
  });
  await entra.issuer.keys.generate('RS256');
  await entra.start(0, 'localhost');
});
afterEach(() => {
  entra.service.removeAllListeners();
});
afterAll(async () => {
  await entra.stop();
  await azure.stop();
  rmSync(folder, { recursive: true });
});

const inputs = (): Inputs => ({
  ...goodInputs,
  'authority-host': `https://localhost:${entra.address().port}`,
  scopes: 'TOKEN = https://vault.azure.net',
});
type Claims = Readonly<Record<string, unknown>>;
const signWith = (claims: Claims): void => {
  entra.service.on('beforeTokenSigning', ({ payload }) => Object.assign(payload, claims));
};
const respondWith = (change: (body: Record<string, unknown>) => void): void => {
  entra.service.on('beforeResponse', ({ body }) => change(body as Record<string, unknown>));
};

const own = { appid: clientIds.deployer, tid: tenantIds.contoso };
/** What the lenient Entra does, of which the step hands over nothing. */
const unusable: Readonly<Record<string, () => void>> = {
  'a token of another app': () => signWith({ ...own, appid: clientIds.administrator }),
  'a token of another app, as v2.0 names it': () => signWith({ tid: own.tid, azp: clientIds.administrator }),
  'a token of another tenant': () => signWith({ ...own, tid: tenantIds.fabrikam }),
  'a token without an end': () => respondWith((body) => delete body['expires_in']),
  'a token that has ended': () => respondWith((body) => Object.assign(body, { expires_in: 0 })),
  'a token that is no text': () => respondWith((body) => Object.assign(body, { access_token: 42 })),
  'a token with a line break': () =>
    respondWith((body) => Object.assign(body, { access_token: `${body['access_token']}\n::set-output` })),
  'another kind of token': () =>
    respondWith((body) => {
      body['id_token'] = body['access_token'];
      delete body['access_token'];
    }),
};

describe.each(oneOfEach)('$title', (host) => {
  let job: JobUnderTest;
  const step = async () => {
    job = host.job(azure, { proxy: false });
    return job.step(inputs());
  };
  afterEach(() => job.close());

  test('the app’s token is handed over', async () => {
    signWith(own);
    const { errors, outputs, variables } = await step();
    expect(errors).toEqual([]);
    expect(claimsOf(variables['TOKEN'])).toMatchObject(own);
    expect(outputs['access-token']).toBe(variables['TOKEN']);
  });

  test('a token that names nobody is opaque, and is handed over', async () => {
    const { errors, variables } = await step();
    expect(errors).toEqual([]);
    expect(claimsOf(variables['TOKEN'])).not.toHaveProperty('appid');
  });

  test.each(Object.entries(unusable))('%s is not handed over', async (_, prepare) => {
    prepare();
    const asked = once(entra.service, 'beforeResponse');
    const { succeeded, errors, outputs, variables } = await step();
    await asked;
    expect(succeeded).toBe(false);
    expect(errors).toHaveLength(1);
    expect([outputs, variables]).toEqual([{}, {}]);
  });

  test('the lenient Entra is asked once for each scope, with the machine’s assertion', async () => {
    signWith(own);
    const asked = once(entra.service, 'beforeResponse');
    await step();
    const [, { body }] = await asked;
    expect(body).toMatchObject({
      client_id: clientIds.deployer,
      grant_type: 'client_credentials',
      scope: 'https://vault.azure.net/.default',
    });
    expect(claimsOf(body.client_assertion)).toMatchObject({ tid: tenantIds.contoso });
  });
});
