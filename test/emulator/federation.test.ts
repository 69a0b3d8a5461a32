import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import type { FederatedIdentityCredential } from '../../emulator/world.ts';
import { askEntra, askImds, assertionOf, codeOf } from './exchange.ts';
import { claimsOf } from './raw-request.ts';

const { contoso, fabrikam } = tenantIds;
const { runner, second, system } = identities;
let azure: Emulator;
let genuine: string;

beforeAll(async () => {
  azure = await startEmulator();
  genuine = await assertionOf(azure);
});
afterAll(() => azure.stop());

/** A genuine assertion with some claims changed, signed by Entra all the same; `undefined` takes one away. */
const resigned = (changes: Record<string, unknown>): Promise<string> =>
  azure.entra.sign(
    JSON.parse(JSON.stringify({ ...claimsOf(genuine), ...changes })) as Record<string, unknown>,
  );

async function verdict(
  assertion: string,
  clientId: string = clientIds.deployer,
): Promise<[number, number, string]> {
  const answer = await askEntra(azure, { assertion, form: { client_id: clientId } });
  return [codeOf(answer), answer.status, String(answer.json()['error_description'])];
}

/** The world with one credential more on the deployer, for the duration of a check. */
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

describe('the credential is looked for', () => {
  test('and when the app has none at all, that is said first', async () => {
    const [code, status, text] = await verdict(genuine, clientIds.trustless);
    expect([code, status]).toEqual([70025, 401]);
    expect(text).toContain(`The client '${clientIds.trustless}'(trustless) has no configured federated`);
  });

  test('by issuer first', async () => {
    const [code, status, text] = await verdict(genuine, clientIds.wrongIssuer);
    expect([code, status]).toEqual([700211, 401]);
    expect(text).toContain(`issuer 'https://login.microsoftonline.com/${contoso}/v2.0'`);
  });

  test('then by subject, which is the principal ID, not the client ID', async () => {
    const [code, status, text] = await verdict(genuine, clientIds.wrongSubject);
    expect([code, status]).toEqual([700213, 401]);
    expect(text).toContain(`subject '${runner.objectId}'`);
  });

  test('with an error of its own when only the letter case differs', async () => {
    const [code, , text] = await verdict(genuine, clientIds.wrongCase);
    expect(code).toBe(7002138);
    expect(text).toContain('case-insensitive');
  });

  test('then by audience', async () => {
    const [code, status] = await verdict(genuine, clientIds.wrongAudience);
    expect([code, status]).toEqual([7002121, 401]);
  });

  test('and another identity of the same machine is another subject', async () => {
    expect((await verdict(await assertionOf(azure, second.clientId)))[0]).toBe(700213);
    expect((await verdict(genuine, clientIds.otherSubject))[0]).toBe(700213);
  });

  test('and a token for Resource Manager has the wrong issuer and never counts', async () => {
    const token = await askImds(azure, {
      client_id: runner.clientId,
      resource: 'https://management.azure.com/',
    });
    expect((await verdict(String(token.json()['access_token'])))[0]).toBe(700211);
  });

  test('and the audience of another cloud has an error of its own', async () => {
    const assertion = await resigned({ aud: 'api://AzureADTokenExchangeChina' });
    expect((await verdict(assertion))[0]).toBe(7002206);
  });
});

describe('the assertion itself', () => {
  test.each([
    ['no token at all', 'nonsense'],
    ['four parts', 'a.b.c.d'],
    ['a header that is no JSON', `${Buffer.from('x').toString('base64url')}.e30.c2ln`],
    ['padding', 'e30=.e30=.c2ln'],
  ])('with %s is malformed', async (_what, assertion) => {
    expect((await verdict(assertion)).slice(0, 2)).toEqual([50027, 400]);
  });

  test('signed by another key is forged, whatever it calls the key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const header = JSON.parse(Buffer.from(genuine.split('.')[0] ?? '', 'base64url').toString('utf8'));
    for (const kid of [header.kid, 'unknown']) {
      const forged = await new SignJWT(claimsOf(genuine))
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(privateKey);
      expect((await verdict(forged)).slice(0, 2)).toEqual([700027, 401]);
    }
  });

  test('with one claim changed under the old signature is forged', async () => {
    const [header, , signature] = genuine.split('.');
    const claims = Buffer.from(JSON.stringify({ ...claimsOf(genuine), exp: 9_999_999_999 }));
    expect((await verdict(`${header}.${claims.toString('base64url')}.${signature}`))[0]).toBe(700027);
  });

  test.each(['none', 'HS256'])('of algorithm %s is refused', async (alg) => {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    const [, claims, signature] = genuine.split('.');
    expect((await verdict(`${header}.${claims}.${signature}`))[0]).toBe(700027);
  });

  test.each([
    ['expired', { exp: 1_600_000_000 }],
    ['not yet valid', { nbf: 4_000_000_000, exp: 4_000_003_600 }],
    ['without an expiry', { exp: undefined }],
  ])('%s is out of its time', async (_what, claims) => {
    const [code, status, text] = await verdict(await resigned(claims));
    expect([code, status]).toEqual([700024, 401]);
    expect(text).toMatch(/Current time: \d{4}-.*Z, assertion valid from .*Z, expiry time of assertion .*Z\./);
  });
});

describe('of the tokens that Entra itself issued', () => {
  test('one that came through a federation may not be used again', async () => {
    const assertion = await resigned({ xms_ficinfo: 'CAAQABgAIAAoAjAA' });
    expect((await verdict(assertion))[0]).toBe(700231);
  });

  test('an application gets one for the exchange, and cannot use it', async () => {
    const chained = await askEntra(azure, { form: { scope: 'api://AzureADTokenExchange/.default' } });
    const token = String(chained.json()['access_token']);
    const code = await trusting({ name: 'chain', subject: String(claimsOf(token)['sub']) }, async () => {
      const [found] = await verdict(token);
      return found;
    });
    expect(code).toBe(700231);
  });

  test('only a managed identity’s may be used', async () => {
    expect((await verdict(await resigned({ xms_mirid: undefined })))[0]).toBe(700226);
  });

  test('only an app-only one may be used', async () => {
    expect((await verdict(await resigned({ idtyp: 'user' })))[0]).toBe(700229);
  });

  test('a system-assigned identity’s may not be used', async () => {
    const assertion = await assertionOf(azure, system.clientId);
    expect((await verdict(assertion, clientIds.trustsSystem))[0]).toBe(700222);
  });

  test('a v1.0 one may not be used, even where its issuer is trusted', async () => {
    const issuer = `https://sts.windows.net/${contoso}/`;
    const assertion = await resigned({ iss: issuer });
    const code = await trusting({ name: 'v1', issuer }, async () => (await verdict(assertion))[0]);
    expect(code).toBe(700227);
  });

  test('one of another tenant than the app’s home may not be used', async () => {
    const answer = await askEntra(azure, {
      assertion: genuine,
      tenant: fabrikam,
      form: { client_id: clientIds.foreign },
    });
    expect(codeOf(answer)).toBe(700236);
  });
});
