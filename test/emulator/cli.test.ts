import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type CliProcess, startNode, startNpm } from './cli-process.ts';
import { ask, type RawAnswer } from './raw-request.ts';

const READY = 'Press Ctrl-C to stop.';
let folder: string;
const running = new Set<CliProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emulator-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const one of running) one.killGroup();
  running.clear();
});

function start(how: typeof startNpm, ...args: readonly string[]): CliProcess {
  const cli = how(args);
  running.add(cli);
  return cli;
}

/** The values of the first way in, by variable. */
function exported(page: string): Record<string, string> {
  return Object.fromEntries(
    [...page.matchAll(/^ {2}export (\w+)=(.*)$/gmu)].map(([, name, value]) => [name, value]),
  );
}

/** What an exchange sees: the machine's answer and Entra's. */
async function exchange(page: string, clientId: string, scope: string): Promise<readonly RawAnswer[]> {
  const variables = exported(page);
  const ca = readFileSync(variables['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8');
  const query = new URLSearchParams({
    'api-version': '2018-02-01',
    resource: 'api://AzureADTokenExchange',
    client_id: identities.runner.clientId,
  });
  const imds = variables['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
  const machine = await ask(`${imds}/metadata/identity/oauth2/token?${query}`, {
    headers: { Metadata: 'true' },
  });
  if (machine.status !== 200) return [machine];
  const authority = /authority-host: (\S+)/u.exec(page)?.[1];
  const entra = await ask(`${authority}/${tenantIds.contoso}/oauth2/v2.0/token`, {
    method: 'POST',
    ca,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: String(machine.json()['access_token']),
    }).toString(),
  });
  return [machine, entra];
}

/** There is no event for the end of a process that is not our child. */
async function untilGroupIsEmpty(cli: CliProcess): Promise<readonly string[]> {
  const end = Date.now() + 10_000;
  while (cli.group().length > 0 && Date.now() < end) await delay(50);
  return cli.group();
}

describe.each([
  ['npm run emulator', startNpm],
  ['the command without npm', startNode],
])('%s', (_title, how) => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'stops at %s and leaves no process and no file',
    async (signal) => {
      const envFile = join(folder, 'azure.env');
      const cli = start(how, '--env-file', envFile);
      const page = await cli.printed(READY);
      expect(cli.stderr()).toContain('Starting the embedded Azure');
      for (const text of [
        '1. Public names, through the proxy',
        '2. The input authority-host',
        'deployer',
        'AADSTS700213',
      ]) {
        expect(page).toContain(text);
      }
      const variables = exported(page);
      expect(variables['NO_PROXY']).toBe('127.0.0.1,localhost');
      expect(existsSync(variables['NODE_EXTRA_CA_CERTS'] ?? '')).toBe(true);
      const written = readFileSync(envFile, 'utf8');
      for (const [name, value] of Object.entries(variables)) expect(written).toContain(`${name}=${value}\n`);
      expect(statSync(envFile).mode & 0o777).toBe(0o600);
      expect(cli.group().join('\n')).toContain('azurite');

      cli.kill(signal);
      await cli.ended;
      expect(await untilGroupIsEmpty(cli)).toEqual([]);
      expect(existsSync(variables['NODE_EXTRA_CA_CERTS'] ?? '')).toBe(false);
      expect(existsSync(envFile)).toBe(false);
    },
  );
});

test('a killed emulator takes Azurite with it', async () => {
  const cli = start(startNode);
  await cli.printed(READY);
  expect(cli.group()).toHaveLength(2);
  cli.kill('SIGKILL');
  expect(await untilGroupIsEmpty(cli)).toEqual([]);
});

test('a killed npm takes everything with it', async () => {
  const cli = start(startNpm);
  await cli.printed(READY);
  cli.kill('SIGKILL');
  expect(await untilGroupIsEmpty(cli)).toEqual([]);
});

test('faults and delays apply, and the log has a line for each request without a token', async () => {
  const cli = start(
    startNode,
    ...['--log', '--fault', 'imds:410:1', '--fault', 'entra:53003:1', '--delay', 'imds:30'],
  );
  const page = await cli.printed(READY);
  const scope = 'https://storage.azure.com/.default';
  const first = await exchange(page, clientIds.deployer, scope);
  expect(first.map(({ status }) => status)).toEqual([410]);
  const second = await exchange(page, clientIds.deployer, scope);
  expect(second[1]?.json()).toMatchObject({ error_codes: [53003] });
  const [machine, entra] = await exchange(page, clientIds.deployer, scope);
  const token = String(entra?.json()['access_token']);

  const log = await cli.printed('client_id=deployer scope=https://storage.azure.com/.default → 200');
  const lines = log.slice(log.indexOf(READY)).split('\n').slice(1);
  expect(lines.filter((line) => / imds +GET .*→ 410 \((?:[3-9]\d|\d{3,}) ms\)$/u.test(line))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('→ 400 AADSTS53003'))).toHaveLength(1);
  for (const secret of [token, String(machine?.json()['access_token'])]) expect(log).not.toContain(secret);

  const { NODE_EXTRA_CA_CERTS: ca = '' } = exported(page);
  const blobs = /blobs \(Azurite\)\s+(\S+)/u.exec(page)?.[1]?.replace('devstoreaccount1', 'contosodata');
  const listed = await ask(`${blobs}/invoices?restype=container&comp=list`, {
    ca: readFileSync(ca, 'utf8'),
    headers: { authorization: `Bearer ${token}`, 'x-ms-version': '2021-12-02' },
  });
  expect([...listed.text.matchAll(/<Name>([^<]*)<\/Name>/gu)].map(([, name]) => name)).toEqual([
    '2026/report.csv',
    '2026/summary.txt',
    'readme.md',
  ]);
});

test('--state keeps the certificate authority and the keys, --port keeps the addresses', async () => {
  const state = join(folder, 'state');
  const port = await freePort();
  const pages: string[] = [];
  const keys: unknown[] = [];
  for (let round = 1; round <= 2; round += 1) {
    const cli = start(startNode, '--state', state, '--port', String(port));
    const page = await cli.printed(READY);
    pages.push(page);
    const ca = readFileSync(join(state, 'ca.pem'), 'utf8');
    const url = `https://localhost:${port + 1}/${tenantIds.contoso}/discovery/v2.0/keys`;
    keys.push([ca, (await ask(url, { ca })).json()['keys']]);
    expect(page).toContain(`export HTTPS_PROXY=http://127.0.0.1:${port}\n`);
    if (round === 2) {
      const second = start(startNode, '--port', String(port));
      expect(await second.ended).toBe(1);
      expect(second.stderr()).toMatch(/Port \d+ is in use\. Choose another first port with --port\./u);
    }
    cli.kill('SIGTERM');
    expect(await cli.ended).toBe(0);
  }
  expect(pages[1]).toBe(pages[0]);
  expect(keys[1]).toEqual(keys[0]);
  expect(statSync(join(state, 'state.json')).mode & 0o777).toBe(0o600);
});

describe('--run', () => {
  test('shows the log of the built action, the names of its outputs and its requests', async () => {
    const cli = start(startNpm, '--run', 'client-id=deployer', 'scopes=TOKEN = storage,graph');
    expect(await cli.ended).toBe(0);
    const printed = cli.stdout();
    expect(printed).toContain(`became app ${clientIds.deployer}`);
    expect(printed).toContain('Outputs: access-token, access-tokens, expires-on\n');
    expect(printed).toContain('Variables of later steps: TOKEN\n');
    expect(printed.match(/ entra +POST .* client_id=deployer scope=\S+ → 200 /gu)).toHaveLength(2);
    expect(printed).not.toMatch(/eyJ[\w-]+\./u);
    expect(await untilGroupIsEmpty(cli)).toEqual([]);
  });

  test('fails with the message of the step and its exit code', async () => {
    const cli = start(startNode, '--run', 'client-id=disabled', 'scopes=arm');
    expect(await cli.ended).toBe(1);
    expect(cli.stdout()).toContain('AADSTS7000112');
    expect(cli.stdout()).toContain('Result: failure\n');
  });
});

test.each([
  [['--fualt', 'entra:53003'], 'There is no option --fualt. Did you mean --fault?'],
  [['--fault', 'entra:53004'], 'Did you mean 53003?'],
  [['client-id=deployer'], 'Inputs of the step follow --run.'],
  [['--run', 'client-id=wrong-subjekt'], 'Did you mean wrong-subject?'],
])('%j is a mistake that the command explains', (args, text) => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--', 'scripts/start.mjs', 'emulator/cli', ...args],
    {
      encoding: 'utf8',
    },
  );
  expect(status).toBe(2);
  expect(stderr).toContain(text);
  expect(stderr).toContain('npm run emulator -- --help');
});

test('--help lists every option', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--', 'scripts/start.mjs', 'emulator/cli', '--help'],
    { encoding: 'utf8' },
  );
  expect(status).toBe(0);
  for (const name of ['run', 'port', 'state', 'env-file', 'log', 'fault', 'delay', 'help']) {
    expect(stdout).toMatch(new RegExp(`^ {2}--${name}\\b`, 'mu'));
  }
});

test('the sources are compiled only after a change', () => {
  const run = (): string =>
    spawnSync(process.execPath, ['--', 'scripts/start.mjs', 'emulator/cli', '--help'], { encoding: 'utf8' })
      .stderr;
  expect(run()).toMatch(/^(?:Compiling .*\n)?$/u);
  expect(run()).toBe('');
});

test('--env-file does not overwrite a file that it did not write', async () => {
  const file = join(folder, 'own.env');
  writeFileSync(file, 'MINE=1\n');
  const cli = start(startNode, '--env-file', file);
  expect(await cli.ended).toBe(2);
  expect(cli.stderr()).toContain('was not written by this command');
  expect(readFileSync(file, 'utf8')).toBe('MINE=1\n');
});

/** A port with free ports after it, as far as one can know. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port < 20_000 ? port : port - 10_000;
}
