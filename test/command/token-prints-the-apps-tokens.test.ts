import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { command, commandNodes, identityWords, legsOf } from './a-command.ts';

const arm = 'https://management.azure.com';
const token = (...words: readonly string[]): readonly string[] => ['token', ...identityWords(), ...words];

/** A token that is too short is refused. */
const more = 'x'.repeat(100);

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

describe.each(commandNodes)('on Node $major', ({ path: node }) => {
  test('one token is alone on stdout, and costs the action’s two requests', async () => {
    const { code, stdout, stderr } = await command(azure, token(), { node });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w.-]+\n$/u);
    expect(claimsOf(stdout.trim())).toMatchObject({
      appid: clientIds.deployer,
      tid: tenantIds.contoso,
      aud: expect.stringContaining(arm),
    });
    expect(legsOf(azure)).toEqual(['imds', 'entra']);
  });

  test('JSON has every token with its scope as written, its name, and its expiry', async () => {
    const words = [
      '--scopes=GRAPH = graph, arm',
      '--scopes',
      'ACR_PASSWORD=acr:contoso.azurecr.io',
      '--output=json',
    ];
    const { code, stdout, stderr } = await command(azure, token(...words), { node });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { tokens } = JSON.parse(stdout);
    expect(tokens).toEqual([
      { name: 'GRAPH', scope: 'graph', token: expect.any(String), expiresOn: expect.any(String) },
      { scope: 'arm', token: expect.any(String), expiresOn: expect.any(String) },
      {
        name: 'ACR_PASSWORD',
        scope: 'acr:contoso.azurecr.io',
        token: expect.any(String),
        expiresOn: expect.any(String),
      },
    ]);
    for (const { token: one, expiresOn } of tokens) {
      // Entra's answer says the seconds that are left, so the end is a second or two later than the token's own.
      expect(Math.abs(Date.parse(expiresOn) / 1000 - Number(claimsOf(one)['exp']))).toBeLessThan(30);
    }
    expect(claimsOf(tokens[2].token)).toMatchObject({ aud: 'contoso.azurecr.io' });
    // One for the identity, one for each scope, and two for the registry.
    expect([...legsOf(azure)].sort()).toEqual(['entra', 'entra', 'entra', 'imds', 'registry']);
  });

  test('a shell takes the lines of --output env, whatever the tokens are', async () => {
    const odd = `${more}it's"$HOME"\`id\`$(id)\\n&;#!''*~`;
    azure.faults.queue('entra', {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3600, access_token: odd },
    });
    const { code, stdout } = await command(azure, token('--output=env'), { node });
    expect(code).toBe(0);
    expect(execFileSync('sh', ['-c', `${stdout} printf %s "$ACCESS_TOKEN"`], { encoding: 'utf8' })).toBe(odd);
  });
});

test('each scope becomes a variable of its name, and one without a name ACCESS_TOKEN', async () => {
  const words = token('--scopes=GRAPH = graph', '--scopes=arm', '--output=env');
  const { stdout } = await command(azure, words);
  const shown = execFileSync('sh', ['-c', `${stdout} env`], { encoding: 'utf8', env: {} });
  expect([...shown.matchAll(/^(?:GRAPH|ACCESS_TOKEN)=eyJ/gmu)]).toHaveLength(2);
});

test('PowerShell has its own quotes', async () => {
  azure.faults.queue('entra', {
    status: 200,
    body: { token_type: 'Bearer', expires_in: 3600, access_token: `a'b\`c$d${more}` },
  });
  const { stdout } = await command(azure, token('--output=env', '--shell=pwsh', '--scopes=TOKEN = arm'));
  expect(stdout).toBe(`$env:TOKEN = 'a''b\`c$d${more}'\n`);
});

describe('what cannot be printed is refused before any request', () => {
  test.each([
    ['several tokens as text', ['--scopes=arm,graph'], /Several scopes need --output json or --output env/u],
    [
      'two variables without a name',
      ['--scopes=arm,graph', '--output=env'],
      /only one scope can be without a name, which is ACCESS_TOKEN/u,
    ],
    [
      'two variables of one name',
      ['--scopes=A=arm,a=graph', '--output=env'],
      /^entra-app-token: Option --scopes: /u,
    ],
    [
      'a name that changes a shell',
      ['--scopes=PATH=arm', '--output=env'],
      /^entra-app-token: Option --scopes: /u,
    ],
  ])('%s', async (_, words, message) => {
    const { code, stdout, stderr } = await command(azure, token(...words));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(azure.requests).toEqual([]);
  });
});

describe('a failure', () => {
  test('shows its cause and its fix on stderr, prints nothing, and exits with 1', async () => {
    const words = ['token', ...identityWords({ 'client-id': clientIds.wrongSubject })];
    const { code, stdout, stderr } = await command(azure, words, { environment: {} });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/AADSTS700213/u);
    expect(stderr).toMatch(/\nCause: .*\nFix: /su);
    expect(stderr).toContain('az ad app federated-credential create');
    expect(stderr).not.toMatch(/\n\s+at /u);
  }, 60_000);

  test('of one scope gives no token at all', async () => {
    azure.faults.queue('entra', { kind: 'entra', code: 7000229 });
    const { code, stdout, stderr } = await command(azure, token('--scopes=arm,graph', '--output=json'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/AADSTS7000229.*\nCause: .*\nFix: /su);
  });

  test('of the machine sends nothing', async () => {
    const { code, stdout, stderr } = await command(azure, token(), {
      environment: { MSI_ENDPOINT: 'http://127.0.0.1:9/oauth2/token' },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/Azure Cloud Shell/u);
    expect(azure.requests).toEqual([]);
  });

  test('certificate checks that are off are refused', async () => {
    const { code, stderr } = await command(azure, token(), {
      environment: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED=0/u);
    expect(azure.requests).toEqual([]);
  });
});
