import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, entraError, startEmulator } from '../../emulator/emulator.ts';
import type { FederatedIdentityCredential } from '../../emulator/world.ts';
import { claimsOf } from './raw-request.ts';
import { askEntra, askImds, assertionOf, codeOf } from './token-requests.ts';

const { contoso, fabrikam } = tenantIds;
const { runner, second, system } = identities;
let azure: Emulator;
let genuine: string;

beforeAll(async () => {
  azure = await startEmulator();
  genuine = await assertionOf(azure);
});
afterAll(() => azure.stop());

/** A valid assertion with changed claims, signed with Entra's key. `undefined` removes a claim. */
const resigned = (changes: Record<string, unknown>): Promise<string> =>
  azure.entra.sign(
    JSON.parse(JSON.stringify({ ...claimsOf(genuine), ...changes })) as Record<string, unknown>,
  );

async function present(
  assertion: string,
  clientId: string = clientIds.deployer,
): Promise<[number, number, string]> {
  const answer = await askEntra(azure, { assertion, form: { client_id: clientId } });
  return [codeOf(answer), answer.status, String(answer.json()['error_description'])];
}

/** Runs a check while `deployer` has one more credential. */
async function trusting<T>(
  credential: Partial<FederatedIdentityCredential>,
  check: () => Promise<T>,
): Promise<T> {
  const before = azure.world;
  azure.setWorld({
    ...before,
    applications: before.applications.map((one) =>
      one.clientId === clientIds.deployer
        ? {
            ...one,
            federatedCredentials: one.federatedCredentials.flatMap((own) => [own, { ...own, ...credential }]),
          }
        : one,
    ),
  });
  try {
    return await check();
  } finally {
    azure.setWorld(before);
  }
}

describe('the federated credential is compared', () => {
  test('if there is one. An app without credentials gets AADSTS70025', async () => {
    const [code, status, text] = await present(genuine, clientIds.trustless);
    expect([code, status]).toEqual([70025, 401]);
    expect(text).toContain(`The client '${clientIds.trustless}'(no-credential) has no configured federated`);
  });

  test('by issuer first', async () => {
    const [code, status, text] = await present(genuine, clientIds.wrongIssuer);
    expect([code, status]).toEqual([700211, 401]);
    expect(text).toContain(`issuer 'https://login.microsoftonline.com/${contoso}/v2.0'`);
  });

  test('by subject second. The subject is the principal ID, not the client ID', async () => {
    const [code, status, text] = await present(genuine, clientIds.wrongSubject);
    expect([code, status]).toEqual([700213, 401]);
    expect(text).toContain(`subject '${runner.objectId}'`);
  });

  test('by subject with letter case. A different case has its own error', async () => {
    const [code, , text] = await present(genuine, clientIds.wrongCase);
    expect(code).toBe(7002138);
    expect(text).toContain('case-insensitive');
  });

  test('by audience last', async () => {
    const [code, status] = await present(genuine, clientIds.wrongAudience);
    expect([code, status]).toEqual([7002121, 401]);
  });

  test('with the subject of another identity of the same machine', async () => {
    expect((await present(await assertionOf(azure, second.clientId)))[0]).toBe(700213);
    expect((await present(genuine, clientIds.otherSubject))[0]).toBe(700213);
  });

  test('with a token for Resource Manager, whose issuer is wrong', async () => {
    const token = await askImds(azure, {
      client_id: runner.clientId,
      resource: 'https://management.azure.com/',
    });
    expect((await present(String(token.json()['access_token'])))[0]).toBe(700211);
  });

  test('by issuer with letter case and the trailing slash', async () => {
    for (const change of [
      (issuer: string) => issuer.replace('login', 'LOGIN'),
      (issuer: string) => issuer.toUpperCase(),
      (issuer: string) => `${issuer}/`,
    ]) {
      const iss = change(String(claimsOf(genuine)['iss']));
      const [code, status, text] = await present(await resigned({ iss }));
      expect([code, status]).toEqual([700211, 401]);
      expect(text).toContain(`issuer '${iss}'`);
    }
  });

  test('with the audience of another cloud, which has its own error', async () => {
    const assertion = await resigned({ aud: 'api://AzureADTokenExchangeChina' });
    expect((await present(assertion))[0]).toBe(7002206);
  });
});

describe('the assertion', () => {
  test.each([
    ['text that is not a token', 'not-a-token'],
    ['four parts', 'a.b.c.d'],
    ['a header that is not JSON', `${Buffer.from('x').toString('base64url')}.e30.c2ln`],
    ['padding', 'e30=.e30=.c2ln'],
  ])('with %s is malformed', async (_what, assertion) => {
    expect((await present(assertion)).slice(0, 2)).toEqual([50027, 400]);
  });

  test('signed by another key is rejected, with any key ID', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const header = JSON.parse(Buffer.from(genuine.split('.')[0] ?? '', 'base64url').toString('utf8'));
    for (const kid of [header.kid, 'unknown']) {
      const forged = await new SignJWT(claimsOf(genuine))
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(privateKey);
      expect((await present(forged)).slice(0, 2)).toEqual([700027, 401]);
    }
  });

  test('with a changed claim and the old signature is rejected', async () => {
    const [header, , signature] = genuine.split('.');
    const claims = Buffer.from(JSON.stringify({ ...claimsOf(genuine), exp: 9_999_999_999 }));
    expect((await present(`${header}.${claims.toString('base64url')}.${signature}`))[0]).toBe(700027);
  });

  test.each(['none', 'HS256'])('with the algorithm %s is rejected', async (alg) => {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    const [, claims, signature] = genuine.split('.');
    expect((await present(`${header}.${claims}.${signature}`))[0]).toBe(700027);
  });

  test.each([
    ['expired', { exp: 1_600_000_000 }],
    ['not yet valid', { nbf: 4_000_000_000, exp: 4_000_003_600 }],
    ['without an expiry', { exp: undefined }],
  ])('%s is outside its lifetime', async (_what, claims) => {
    const [code, status, text] = await present(await resigned(claims));
    expect([code, status]).toEqual([700024, 401]);
    expect(text).toMatch(/Current time: \d{4}-.*Z, assertion valid from .*Z, expiry time of assertion .*Z\./);
  });

  // The 20 seconds leave room for a slow test machine.
  test.each([
    ['expired 280 seconds ago', { exp: -280 }, 200],
    ['expired 320 seconds ago', { exp: -320 }, 401],
    ['valid in 280 seconds', { nbf: 280 }, 200],
    ['valid in 320 seconds', { nbf: 320 }, 401],
  ])('%s, with an allowed clock skew of five minutes', async (_what, offsets, status) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]));
    const answer = await askEntra(azure, { assertion: await resigned(claims) });
    expect(answer.status).toBe(status);
    if (status === 401) expect(codeOf(answer)).toBe(700024);
  });

  test.each([
    ['exp', 1e300],
    ['nbf', 1e18],
    ['nbf', -1e18],
    ['nbf', '1600000000'],
    ['exp', '9999999999'],
    ['exp', null],
    ['exp', true],
  ])('with the %s %j is malformed', async (name, value) => {
    expect((await present(await resigned({ [name]: value }))).slice(0, 2)).toEqual([50027, 400]);
  });

  test.each([1e300, -1e300, '1e300', 'soon'])(
    'with the date %j does not break a queued error',
    async (nbf) => {
      azure.faults.queue('entra', entraError(700024));
      expect((await present(await resigned({ nbf })))[0]).toBe(700024);
    },
  );
});

describe('a token that Entra issued', () => {
  test('through a federated credential is rejected', async () => {
    const assertion = await resigned({ xms_ficinfo: 'CAAQABgAIAAoAjAA' });
    expect((await present(assertion))[0]).toBe(700231);
  });

  test('to an application for the token exchange is rejected', async () => {
    const chained = await askEntra(azure, { form: { scope: 'api://AzureADTokenExchange/.default' } });
    const token = String(chained.json()['access_token']);
    const code = await trusting({ name: 'chain', subject: String(claimsOf(token)['sub']) }, async () => {
      const [found] = await present(token);
      return found;
    });
    expect(code).toBe(700231);
  });

  test('to something other than a managed identity is rejected', async () => {
    expect((await present(await resigned({ xms_mirid: undefined })))[0]).toBe(700226);
  });

  test('to a user is rejected', async () => {
    expect((await present(await resigned({ idtyp: 'user' })))[0]).toBe(700229);
  });

  test('to a system-assigned identity is rejected', async () => {
    const assertion = await assertionOf(azure, system.clientId);
    expect((await present(assertion, clientIds.trustsSystem))[0]).toBe(700222);
  });

  test('with version 1.0 is rejected, even if its issuer is trusted', async () => {
    const issuer = `https://sts.windows.net/${contoso}/`;
    const assertion = await resigned({ iss: issuer });
    const code = await trusting({ name: 'v1', issuer }, async () => (await present(assertion))[0]);
    expect(code).toBe(700227);
  });

  test('in another tenant than the app’s home is rejected', async () => {
    const answer = await askEntra(azure, {
      assertion: genuine,
      tenant: fabrikam,
      form: { client_id: clientIds.foreign },
    });
    expect(codeOf(answer)).toBe(700236);
  });
});
