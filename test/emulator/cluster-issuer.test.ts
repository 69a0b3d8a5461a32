import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  clientIds,
  clusterIssuer,
  runnerServiceAccount,
  subscriptionIds,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';
import { askEntra, codeOf } from './token-requests.ts';

let azure: Emulator;

beforeEach(async () => {
  azure = await startEmulator();
});
afterEach(() => azure.stop());

const present = (assertion: string, clientId: string = clientIds.podDeployer): Promise<RawAnswer> =>
  askEntra(azure, { assertion, form: { client_id: clientId } });

const get = async (path: string): Promise<Record<string, unknown>> =>
  (await ask(`${azure.cluster.url}${new URL(clusterIssuer).pathname}${path}`, { ca: azure.ca.pem })).json();

test('a service account token has the claims of Kubernetes', async () => {
  const token = await azure.cluster.token(runnerServiceAccount);
  expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'))).toEqual({
    alg: 'RS256',
    kid: expect.any(String),
  });
  expect(claimsOf(token)).toMatchObject({
    aud: ['api://AzureADTokenExchange'],
    iss: clusterIssuer,
    sub: 'system:serviceaccount:ci:runner',
    'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'runner' } },
  });
});

test('Entra exchanges the token of the trusted service account', async () => {
  const answer = await present(await azure.cluster.token(runnerServiceAccount));
  expect(answer.status).toBe(200);
  const token = String(answer.json()['access_token']);
  expect(claimsOf(token)['appid']).toBe(clientIds.podDeployer);
  const url = `${azure.arm.url}/subscriptions/${subscriptionIds.contosoProduction}?api-version=2022-12-01`;
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask(url, { ca: azure.ca.pem, headers })).status).toBe(200);
});

describe('Entra rejects a token', () => {
  test.each([
    ['of another service account', { serviceAccount: 'default' }, 700213],
    ['of another namespace', { namespace: 'kube-system' }, 700213],
    ['of another letter case', { serviceAccount: 'Runner' }, 7002138],
    ['for another audience', { audience: 'https://kubernetes.default.svc' }, 7002121],
    ['that expired more than five minutes ago', { lifetime: -320 }, 700024],
  ])('%s', async (_what, difference, code) => {
    const token = await azure.cluster.token({ ...runnerServiceAccount, ...difference });
    expect(codeOf(await present(token))).toBe(code);
  });

  test('if the app trusts no cluster', async () => {
    const token = await azure.cluster.token(runnerServiceAccount);
    expect(codeOf(await present(token, clientIds.deployer))).toBe(700211);
  });

  test('with the cluster’s issuer and Entra’s key', async () => {
    const claims = claimsOf(await azure.cluster.token(runnerServiceAccount));
    expect(codeOf(await present(await azure.entra.sign(claims)))).toBe(700027);
  });

  test('if the issuer’s discovery document is not reachable', async () => {
    const iss = 'https://unreachable.example/';
    const { world } = azure;
    azure.setWorld({
      ...world,
      applications: world.applications.map((one) => ({
        ...one,
        federatedCredentials: one.federatedCredentials.map((own) => ({ ...own, issuer: iss })),
      })),
    });
    const claims = claimsOf(await azure.cluster.token(runnerServiceAccount));
    expect(codeOf(await present(await azure.entra.sign({ ...claims, iss })))).toBe(50166);
  });
});

test('after a rotation, old tokens are valid until the old keys are retired', async () => {
  const before = await azure.cluster.token(runnerServiceAccount);
  await azure.cluster.rotateKey();
  const after = await azure.cluster.token(runnerServiceAccount);
  expect((await get('openid/v1/jwks'))['keys']).toHaveLength(2);
  expect([(await present(before)).status, (await present(after)).status]).toEqual([200, 200]);
  azure.cluster.retireOldKeys();
  expect((await get('openid/v1/jwks'))['keys']).toHaveLength(1);
  expect(codeOf(await present(before))).toBe(700027);
  expect((await present(after)).status).toBe(200);
});

test('the discovery document leads to the published keys', async () => {
  const document = await get('.well-known/openid-configuration');
  expect(document).toMatchObject({ issuer: clusterIssuer, jwks_uri: `${clusterIssuer}openid/v1/jwks` });
  expect((await get('openid/v1/jwks'))['keys']).toEqual([
    { kty: 'RSA', use: 'sig', alg: 'RS256', kid: expect.any(String), n: expect.any(String), e: 'AQAB' },
  ]);
});
