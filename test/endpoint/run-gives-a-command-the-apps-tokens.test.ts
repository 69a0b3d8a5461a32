import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, entraError, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { asking, run, runWords } from './a-run.ts';

const arm = 'https://management.azure.com';
const vault = 'https://vault.azure.net';

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

/** Who was asked, in order, apart from the proxy on the way. */
const legs = (): readonly string[] => azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy');

test('a command that asks for tokens gets the app’s, each with one line on stderr', async () => {
  const { code, stdout, stderr } = await run(azure, asking(arm, arm, vault));
  expect(stderr).toMatch(
    new RegExp(
      `^(?:Handed out a token for ${arm}, valid until [\\dT:-]+Z\\.\n){2}Handed out a token for ${vault}, valid until [\\dT:-]+Z\\.\n$`,
      'u',
    ),
  );
  expect(code).toBe(0);
  const answers = JSON.parse(stdout);
  for (const { access_token: token } of answers) {
    expect(claimsOf(token)).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    expect(stderr).not.toContain(token);
  }
  expect(answers[0]).toMatchObject({
    token_type: 'Bearer',
    resource: arm,
    expires_on: expect.stringMatching(/^\d+$/u),
  });
  // Entra says how long the token lives, so the end is known to a few seconds.
  const { exp } = claimsOf(answers[0].access_token);
  expect(Math.abs(Number(answers[0].expires_on) - Number(exp))).toBeLessThan(10);
  expect(answers[1].access_token).toBe(answers[0].access_token);
  // One request for the identity, one for each of the two resources, nothing else.
  expect(legs()).toEqual(['imds', 'entra', 'entra']);
});

test('a command that asks for nothing causes no request', async () => {
  expect(await run(azure, [process.execPath, '--version'])).toMatchObject({
    code: 0,
    stdout: `${process.version}\n`,
    stderr: '',
  });
  expect(legs()).toEqual([]);
});

test('tokens and assertions that end during the run are renewed', async () => {
  const world = worldFor('public');
  azure.setWorld({
    ...world,
    applications: world.applications.map((app) => ({ ...app, tokenLifetime: 60 })),
    identities: world.identities.map((identity) => ({ ...identity, tokenLifetime: 60 })),
  });
  const { code, stdout } = await run(azure, asking(arm, arm, arm));
  expect(code).toBe(0);
  expect(JSON.parse(stdout).map(({ status }: { status: number }) => status)).toEqual([200, 200, 200]);
  expect(legs()).toEqual(['imds', 'entra', 'imds', 'entra', 'imds', 'entra']);
});

test('what Entra refuses reaches the program, and stderr with its cause and its fix', async () => {
  azure.faults.queue('entra', entraError(7000229));
  const { code, stdout, stderr } = await run(azure, asking(arm, arm));
  expect(code).toBe(0);
  const [refused, later] = JSON.parse(stdout);
  expect(refused).toMatchObject({ status: 400, statusCode: 400 });
  expect(refused.message).toMatch(/^entra-app-token: .*AADSTS7000229.*Cause: .*Fix: /u);
  expect(stderr).toMatch(/AADSTS7000229.*\nCause: .*\nFix: .*\nHanded out a token/su);
  expect(later.status).toBe(200);
});

test('with --allow only these resources are handed out', async () => {
  const { stdout, stderr } = await run(azure, asking('https://management.core.windows.net/', vault), {
    allow: ['arm'],
  });
  const [given, refused] = JSON.parse(stdout);
  expect(given.status).toBe(200);
  expect(refused).toMatchObject({ status: 403, message: expect.stringContaining(`${arm}/.default`) });
  expect(stderr).toContain(`No token for ${vault}`);
});

test('on a machine with App Service’s endpoint the command sees only the app’s', async () => {
  const world = worldFor('public');
  azure.setWorld({ ...world, machine: { ...world.machine, kind: 'app-service' } });
  const { stdout, stderr } = await run(azure, asking(arm));
  expect(claimsOf(JSON.parse(stdout)[0].access_token)).toMatchObject({ appid: clientIds.deployer });
  expect(stderr).toMatch(/^MSI_ENDPOINT is not passed to the command: .*\nMSI_SECRET is not passed/u);
  expect(legs()).toEqual(['identity-endpoint', 'entra']);
});

describe('the command’s environment', () => {
  const printing = [process.execPath, '--print', 'JSON.stringify(process.env)'];

  test('has the endpoint, keeps the rest, and lacks what would win over it', async () => {
    const removed = {
      AZURE_CLIENT_SECRET: 'hush-hush',
      AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem',
      AZURE_USERNAME: 'me',
      AZURE_PASSWORD: 'hush-hush',
      AZURE_FEDERATED_TOKEN_FILE: '/token',
      AZURE_TOKEN_CREDENTIALS: 'dev',
      IDENTITY_SERVER_THUMBPRINT: '',
      IMDS_ENDPOINT: '',
      AZCOPY_AUTO_LOGIN_TYPE: 'WORKLOAD',
      AAD_LOGIN_METHOD: 'workloadidentity',
      ARM_USE_MSI: 'true',
    };
    const kept = { MINE: 'stays', AZURE_TENANT_ID: tenantIds.contoso, ARM_USE_OIDC: 'true', DEBUG: 'x' };
    const { stdout, stderr } = await run(azure, printing, {
      environment: { ...removed, ...kept, AZURE_CLIENT_ID: 'another' },
    });
    const variables = JSON.parse(stdout);
    expect(variables).toMatchObject({
      ...kept,
      ...azure.environment(),
      IDENTITY_ENDPOINT: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/entra-app-token\/msi\/token$/u),
      IDENTITY_HEADER: expect.stringMatching(/^[0-9a-f]{64}$/u),
      AZURE_CLIENT_ID: clientIds.deployer,
      NO_PROXY: '127.0.0.1',
      no_proxy: '127.0.0.1',
    });
    for (const [name, value] of Object.entries(removed)) {
      if (value === '') continue;
      expect(variables).not.toHaveProperty(name);
      expect(stderr).toMatch(new RegExp(`^${name} is not passed to the command: it [a-z].*\\.$`, 'mu'));
    }
    expect(stderr).not.toContain('hush-hush');
    expect(stderr).not.toContain(variables.IDENTITY_HEADER);
  });

  test.each([
    [{ NO_PROXY: 'a.example' }, 'a.example,127.0.0.1', 'a.example,127.0.0.1'],
    [{ no_proxy: 'b.example,' }, 'b.example,127.0.0.1', 'b.example,127.0.0.1'],
    [{ NO_PROXY: 'a.example', no_proxy: 'b.example' }, 'a.example,127.0.0.1', 'b.example,127.0.0.1'],
    [{ NO_PROXY: '*' }, '*', '*'],
    [{ NO_PROXY: 'localhost, 127.0.0.1' }, 'localhost, 127.0.0.1', 'localhost, 127.0.0.1'],
  ])('reaches loopback without a proxy: %j', async (environment, upper, lower) => {
    const { stdout } = await run(azure, printing, { environment });
    expect(JSON.parse(stdout)).toMatchObject({ NO_PROXY: upper, no_proxy: lower });
  });
});

describe('inside a run', () => {
  test('another run, of another app, asks the real machine', async () => {
    const inner = runWords(asking(arm), { inputs: { 'client-id': clientIds.multitenant } });
    const { code, stdout, stderr } = await run(azure, inner);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(claimsOf(JSON.parse(stdout)[0].access_token)).toMatchObject({ appid: clientIds.multitenant });
    expect(legs()).toEqual(['imds', 'entra']);
    expect(azure.requests[0]?.query.get('client_id')).toBe(identities.runner.clientId);
  });

  test('a server that has ended is an error, and the machine is not asked', async () => {
    const { code, stderr } = await run(azure, ['true'], {
      environment: {
        IDENTITY_ENDPOINT: 'http://127.0.0.1:9/entra-app-token/msi/token',
        IDENTITY_HEADER: 'of an earlier run',
      },
    });
    expect(code).toBe(125);
    expect(stderr).toMatch(/127\.0\.0\.1:9.*\nCause: .*has ended\.\nFix: /su);
    expect(legs()).toEqual([]);
  });
});

describe('an az before 2.73, which asks IMDS whatever it finds in its environment', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'old-az-'));
    writeFileSync(join(folder, 'az'), '#!/bin/sh\n', { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    [['login', '--identity'], true],
    [['login', '-i', '--output', 'none'], true],
    [['login', '--service-principal'], false],
    [['version'], false],
  ])('%j is warned about: %s', async (words, warned) => {
    const { code, stderr } = await run(azure, [join(folder, 'az'), ...words]);
    expect(code).toBe(0);
    expect(stderr).toMatch(warned ? /^Warning: az did not ask .*2\.73/u : /^$/u);
  });
});
