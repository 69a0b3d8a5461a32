import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startBudget } from '../../src/exchange/budget.ts';
import { ExchangeError, type ExchangeProblem } from '../../src/exchange/errors.ts';
import { assertionFile, tokenFile } from '../../src/exchange/token-file.ts';
import { makeHugeFile, makePipe } from '../scenarios/pods.ts';
import { recordingObserver } from './recording-observer.ts';
import { virtualClock } from './virtual-clock.ts';

const now = Date.UTC(2030, 0, 1);
const audience = 'api://AzureADTokenExchange';
const tenant = 'c0470505-0000-4000-8000-00000000c001';
const issuer = `https://westeurope.oic.prod-aks.azure.com/${tenant}/c1057e20-4444-4000-8000-000000000001/`;
const subject = 'system:serviceaccount:ci:runner';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-file-'));
  path = join(folder, 'token');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const jwt = (claims: object): string =>
  [{ alg: 'RS256' }, claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
const good = { iss: issuer, sub: subject, aud: [audience], exp: now / 1000 + 3600 };

function source(kind: 'pod' | 'earlier' = 'pod') {
  const observer = recordingObserver();
  const clock = virtualClock(now);
  const budget = startBudget(120_000, clock, () => 0);
  const read = kind === 'pod' ? tokenFile(path, audience, observer) : assertionFile(path, observer);
  const problem = async (): Promise<ExchangeProblem> => {
    const error = await read(budget).catch((thrown: unknown) => thrown);
    if (!(error instanceof ExchangeError)) throw new Error(`no problem: ${JSON.stringify(error)}`);
    return error.detail;
  };
  return { observer, clock, read: () => read(budget), problem };
}

test.each(['pod', 'earlier'] as const)('a pipe is not waited for (%s)', async (kind) => {
  makePipe(path);
  await source(kind).problem();
  expect(existsSync(`${path}.let-go`)).toBe(false);
});

describe('a pod’s token', () => {
  test('is read at each call, with or without a line break at its end', async () => {
    const { read, observer } = source();
    const [first, second] = [jwt(good), jwt({ ...good, jti: 'b' })];
    writeFileSync(path, `${first}\n`);
    expect(await read()).toEqual({
      token: first,
      expiresOn: new Date(now + 3_600_000),
      claims: { issuer, subject, audience },
    });
    await read();
    writeFileSync(path, second);
    expect((await read()).token).toBe(second);
    expect(observer.secrets).toEqual([first, first, second]);
    // Its claims are shown once for each token, not for each try.
    expect(observer.events.filter((event) => event === 'accepted identity')).toHaveLength(2);
  });

  test.each([[[audience]], [audience], [['https://kubernetes.default.svc', audience]]])(
    'for %j is for Entra',
    async (aud) => {
      writeFileSync(path, jwt({ ...good, aud }));
      expect((await source().read()).claims.audience).toBe(audience);
    },
  );

  test.each([
    [
      'another audience',
      { aud: ['https://kubernetes.default.svc', 'x'] },
      'wrong-audience',
      'https://kubernetes.default.svc, x',
    ],
    ['no audience', { aud: undefined }, 'wrong-audience', ''],
    [
      'another letter case of the audience',
      { aud: audience.toLowerCase() },
      'wrong-audience',
      audience.toLowerCase(),
    ],
    ['its end in the past', { exp: now / 1000 - 1 }, 'expired', '2029-12-31T23:59:59.000Z'],
    ['its end just now', { exp: now / 1000 }, 'expired', '2030-01-01T00:00:00.000Z'],
    ['no expiry', { exp: undefined }, 'not-a-token', ''],
  ])('with %s is refused, and masked', async (_, change, problem, found) => {
    const token = jwt({ ...good, ...change });
    writeFileSync(path, token);
    const made = source();
    expect(await made.problem()).toMatchObject({
      kind: 'unusable-token-file',
      path,
      problem,
      found,
      audience,
    });
    expect(made.observer.events).toEqual([`secret ${token}`]);
  });

  test.each([
    `https://login.microsoftonline.com/${tenant}/v2.0`,
    `https://sts.windows.net/${tenant}/`,
    `https://login.partner.microsoftonline.cn/${tenant}/v2.0`,
    `https://login.sovcloud-identity.fr/${tenant}/v2.0`,
  ])('from Entra is refused: %s', async (iss) => {
    writeFileSync(path, jwt({ ...good, iss, tid: tenant }));
    expect(await source().problem()).toMatchObject({ problem: 'issued-by-entra', found: iss });
  });

  test('that was good before is said to be so', async () => {
    const { read, problem } = source();
    writeFileSync(path, jwt(good));
    await read();
    rmSync(path);
    expect(await problem()).toMatchObject({ problem: 'missing', readBefore: true });
    expect(await source().problem()).toMatchObject({ readBefore: false });
  });
});

describe.each(['pod', 'earlier'] as const)('the file of an assertion (%s)', (kind) => {
  test.each([
    ['missing', () => undefined, 'missing'],
    ['below a file', () => symlinkSync('/dev/null/token', path), 'missing'],
    ['a directory', () => mkdirSync(path), 'not-a-file'],
    ['a pipe without a writer', () => makePipe(path), 'not-a-file'],
    ['a device without an end', () => symlinkSync('/dev/zero', path), 'not-a-file'],
    ['a link to itself', () => symlinkSync(path, path), 'unreadable'],
    ['larger than any token', () => writeFileSync(path, 'a'.repeat(64 * 1024 + 1)), 'too-large'],
    ['huge', () => makeHugeFile(path), 'too-large'],
    ['empty', () => writeFileSync(path, ''), 'empty'],
    ['white space', () => writeFileSync(path, ' \n'), 'empty'],
    ['a word', () => writeFileSync(path, 'production'), 'not-a-token'],
    ['a JSON', () => writeFileSync(path, '{"clientSecret":"a.b.c"}'), 'not-a-token'],
    ['two tokens', () => writeFileSync(path, `${jwt(good)}\n${jwt(good)}`), 'not-a-token'],
    ['a key', () => writeFileSync(path, '-----BEGIN KEY-----\nabc\n'), 'not-a-token'],
  ])('that is %s is refused, and no word of it is registered as a secret', async (_, make, problem) => {
    make();
    const made = source(kind);
    const detail = await made.problem();
    expect(detail).toMatchObject({ problem });
    expect(JSON.stringify(detail)).not.toMatch(/production|clientSecret|BEGIN/u);
    expect(made.observer.events).toEqual([]);
  });

  test('with three parts that are not JSON is refused', async () => {
    writeFileSync(path, 'a.b.c');
    expect(await source(kind).problem()).toMatchObject({ problem: 'not-a-token' });
  });
});
