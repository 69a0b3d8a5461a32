import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Exchanged } from '../../src/exchange/request.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { prepareTools } from '../../src/handover/tools.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { keepSession, standInAz, type TempFolder, tempFolder } from './temp-folder.ts';

const app = '11111111-2222-3333-4444-555555555555';
const subscription = '99999999-8888-7777-6666-555555555555';

/** What these tests need of a host. */
const hostFor = (place: TempFolder) => ({
  temporaryFolder: () => place.folder,
  saveState: (_name: string): void => undefined,
  debug: (_text: string): void => undefined,
  inputLabel: (name: string) => name,
  gitCredentialHelper: () => '/dist/git-credential/index.js',
  certificateAuthority: () => undefined,
  endpointProgram: () => '',
  oneSpelling: false,
  registerSecret: () => undefined,
});

/** The tools of a step with these inputs, in a folder of their own. */
function prepare(
  place: TempFolder,
  inputs: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
) {
  const given: Readonly<Record<string, string>> = {
    'client-id': app,
    'tenant-id': 'contoso.onmicrosoft.com',
    'managed-identity-client-id': app,
    ...inputs,
  };
  const debugLines: string[] = [];
  const host = {
    ...hostFor(place),
    debug: (text: string) => void debugLines.push(text),
  };
  const request = readStepRequest((name) => given[name] ?? '');
  const prepared = prepareTools(host, request, { variables, windows: false }, undefined);
  return { ...prepared, debugLines };
}

/** An exchange whose assertion expires after so many milliseconds. */
const exchanged = (lasts = 86_400_000): Exchanged => ({
  assertion: { token: 'head.body.sign', expiresOn: new Date(Date.now() + lasts), claims: {} },
  tokens: new Map(),
  registryTokens: new Map(),
});

test('the variables of each tool, in the order of `export`, and where the file is', async () => {
  using place = tempFolder();
  const { handOver, directory } = prepare(place, { export: 'azure-sdk, terraform' });
  const { assertion } = exchanged();
  const { variables, replaced, kept, publications, expiresOn } = await handOver({
    assertion: { ...assertion, expiresOn: new Date('2030-01-02T03:04:05.678Z') },
    tokens: new Map(),
    registryTokens: new Map(),
    tenantId: 'the-tenants-guid',
  });
  const file = join(directory, 'federated-token');
  expect(readFileSync(file, 'utf8')).toBe('head.body.sign');
  const pairs = variables.map(({ tool, name, value }) => `${tool} ${name}=${value}`);
  expect(pairs).toEqual([
    `azure-sdk AZURE_CLIENT_ID=${app}`,
    'azure-sdk AZURE_TENANT_ID=the-tenants-guid',
    `azure-sdk AZURE_FEDERATED_TOKEN_FILE=${file}`,
    'azure-sdk AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/',
    `terraform ARM_CLIENT_ID=${app}`,
    'terraform ARM_TENANT_ID=the-tenants-guid',
    'terraform ARM_USE_OIDC=true',
    `terraform ARM_OIDC_TOKEN_FILE_PATH=${file}`,
    'terraform ARM_ENVIRONMENT=public',
  ]);
  expect({ replaced, kept }).toEqual({ replaced: [], kept: [] });
  expect(expiresOn).toEqual(new Date('2030-01-02T03:04:05.678Z'));
  expect(publications).toEqual([
    { kind: 'variable', name: 'AZURE_CLIENT_ID', value: app, secrecy: 'plain' },
    { kind: 'variable', name: 'AZURE_TENANT_ID', value: 'the-tenants-guid', secrecy: 'plain' },
    { kind: 'variable', name: 'AZURE_FEDERATED_TOKEN_FILE', value: file, secrecy: 'plain' },
    {
      kind: 'variable',
      name: 'AZURE_AUTHORITY_HOST',
      value: 'https://login.microsoftonline.com/',
      secrecy: 'plain',
    },
    { kind: 'variable', name: 'ARM_CLIENT_ID', value: app, secrecy: 'plain' },
    { kind: 'variable', name: 'ARM_TENANT_ID', value: 'the-tenants-guid', secrecy: 'plain' },
    { kind: 'variable', name: 'ARM_USE_OIDC', value: 'true', secrecy: 'plain' },
    { kind: 'variable', name: 'ARM_OIDC_TOKEN_FILE_PATH', value: file, secrecy: 'plain' },
    { kind: 'variable', name: 'ARM_ENVIRONMENT', value: 'public', secrecy: 'plain' },
    { kind: 'output', name: 'federated-token-file', value: file, secrecy: 'plain' },
    {
      kind: 'output',
      name: 'federated-token-expires-on',
      value: '2030-01-02T03:04:05Z',
      secrecy: 'plain',
    },
  ]);
});

test('the debug line names the file, and no debug line has the token', async () => {
  using place = tempFolder();
  const { handOver, directory, debugLines } = prepare(place, { export: 'azure-sdk' });
  await handOver(exchanged());
  expect(debugLines).toEqual([`Wrote ${join(directory, 'federated-token')}.`]);
});

test('without the tenant’s GUID the tools receive what the user wrote', async () => {
  using place = tempFolder();
  const { variables } = await prepare(place, { export: 'terraform' }).handOver(exchanged());
  expect(variables).toContainEqual({
    tool: 'terraform',
    name: 'ARM_TENANT_ID',
    value: 'contoso.onmicrosoft.com',
  });
});

test('two tools that read the same variables: the job receives each once', async () => {
  using place = tempFolder();
  const { variables, publications } = await prepare(place, { export: 'azure-sdk, azcopy' }).handOver(
    exchanged(),
  );
  expect(variables.map(({ name }) => name)).toHaveLength(9);
  expect(publications.map(({ name }) => name)).toEqual([
    'AZURE_CLIENT_ID',
    'AZURE_TENANT_ID',
    'AZURE_FEDERATED_TOKEN_FILE',
    'AZURE_AUTHORITY_HOST',
    'AZCOPY_AUTO_LOGIN_TYPE',
    'federated-token-file',
    'federated-token-expires-on',
  ]);
});

describe('values that the job has already', () => {
  test('another value is replaced, and named once; an equal or empty one is not named', async () => {
    using place = tempFolder();
    const { replaced } = await prepare(
      place,
      { export: 'terraform, pulumi' },
      { ARM_CLIENT_ID: 'another-app', ARM_TENANT_ID: '', ARM_USE_OIDC: 'true', OTHER: 'x' },
    ).handOver(exchanged());
    expect(replaced).toEqual(['ARM_CLIENT_ID']);
  });

  test('a subscription stays if the step has none, and is named once', async () => {
    using place = tempFolder();
    const { kept, variables } = await prepare(
      place,
      { export: 'terraform, pulumi, ansible' },
      { ARM_SUBSCRIPTION_ID: 'x', AZURE_SUBSCRIPTION_ID: '' },
    ).handOver(exchanged());
    expect(kept).toEqual(['ARM_SUBSCRIPTION_ID']);
    expect(variables.map(({ name }) => name)).not.toContain('ARM_SUBSCRIPTION_ID');
  });

  test('a subscription of the step replaces it', async () => {
    using place = tempFolder();
    const { kept, replaced, variables } = await prepare(
      place,
      { export: 'terraform', 'subscription-id': subscription },
      { ARM_SUBSCRIPTION_ID: 'x' },
    ).handOver(exchanged());
    expect({ kept, replaced }).toEqual({ kept: [], replaced: ['ARM_SUBSCRIPTION_ID'] });
    expect(variables).toContainEqual({
      tool: 'terraform',
      name: 'ARM_SUBSCRIPTION_ID',
      value: subscription,
    });
  });
});

test.each([
  [59, true],
  [61, false],
])('an assertion that lasts %i minutes expires soon: %s', async (minutes, expected) => {
  using place = tempFolder();
  const { expiresSoon } = await prepare(place, { export: 'azure-sdk' }).handOver(exchanged(minutes * 60_000));
  expect(expiresSoon).toBe(expected);
});

/** Appends the words of each call to the file `words` beside the stand-in. */
const recordWords = `${keepSession}; require('node:fs').appendFileSync(require('node:path').join(__dirname, 'words'),
  process.argv.slice(2).join(' ') + '\\n');`;

describe('with `login`', () => {
  test('az signs in with the file, and the job receives the two variables of its session', async () => {
    using place = tempFolder();
    standInAz(place.folder, recordWords);
    const { handOver, directory, debugLines } = prepare(
      place,
      { login: 'azure-cli', 'subscription-id': subscription },
      { PATH: place.folder, HOME: '/home/user' },
    );
    const { variables, publications } = await handOver(exchanged());
    const file = join(directory, 'federated-token');
    expect(readFileSync(join(place.folder, 'words'), 'utf8').split('\n')).toEqual([
      `login --service-principal --username ${app} --tenant contoso.onmicrosoft.com --federated-token @${file} --allow-no-subscriptions --output none`,
      `account set --subscription ${subscription} --output none`,
      '',
    ]);
    expect(variables).toEqual([
      { tool: 'azure-cli', name: 'AZURE_CONFIG_DIR', value: join(directory, 'azure-cli') },
      { tool: 'azure-cli', name: 'AZURE_EXTENSION_DIR', value: '/home/user/.azure/cliextensions' },
    ]);
    expect(publications.map(({ name }) => name)).toEqual([
      'AZURE_CONFIG_DIR',
      'AZURE_EXTENSION_DIR',
      'federated-token-file',
      'federated-token-expires-on',
    ]);
    // One line for the file and one for each command.
    expect(debugLines).toHaveLength(3);
    expect(debugLines[1]).toContain('az login');
  });

  test('only `export`: no az is looked for, and none is started', async () => {
    using place = tempFolder();
    standInAz(place.folder, recordWords);
    await prepare(place, { export: 'azure-sdk' }, { PATH: place.folder }).handOver(exchanged());
    expect(existsSync(join(place.folder, 'words'))).toBe(false);
  });

  test('a variable that would make az work elsewhere is a conflict, also beside `export`', () => {
    using place = tempFolder();
    standInAz(place.folder, recordWords);
    const attempt = () =>
      prepare(
        place,
        { export: 'terraform', login: 'azure-cli' },
        { PATH: place.folder, AZURE_CLOUD_NAME: 'AzureChinaCloud', ARM_USE_MSI: '1' },
      );
    expect(attempt).toThrow(
      expect.objectContaining({
        detail: expect.objectContaining({
          variables: [
            expect.objectContaining({ name: 'ARM_USE_MSI' }),
            expect.objectContaining({ name: 'AZURE_CLOUD_NAME' }),
          ],
        }),
      }),
    );
  });
});

describe('a step that fails', () => {
  test('removes the directory and the file in it', async () => {
    using place = tempFolder();
    const { handOver, undo, directory } = prepare(place, { export: 'azure-sdk' });
    await handOver(exchanged());
    expect(readdirSync(directory)).toEqual(['federated-token']);
    undo();
    expect(readdirSync(place.folder)).toEqual([]);
  });

  test('removes nothing but its own directory', async () => {
    using place = tempFolder();
    writeFileSync(join(place.folder, 'other'), '');
    const { handOver, undo, directory } = prepare(place, { export: 'azure-sdk' });
    await handOver(exchanged());
    expect(dirname(directory)).toBe(place.folder);
    undo();
    expect(readdirSync(place.folder)).toEqual(['other']);
  });

  test('a directory that somebody made first is not used', async () => {
    using place = tempFolder();
    const { handOver, directory } = prepare(place, { export: 'azure-sdk' });
    mkdirSync(directory);
    await expect(handOver(exchanged())).rejects.toThrow(HandoverError);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('the record for the clean-up', () => {
  const inputs: Readonly<Record<string, string>> = {
    'client-id': app,
    'tenant-id': app,
    'managed-identity-client-id': app,
    export: 'azure-sdk',
  };
  const request = readStepRequest((name) => inputs[name] ?? '');
  const environment = { variables: {}, windows: false };

  test('has the name under which the clean-up looks for it', () => {
    using place = tempFolder();
    const names: string[] = [];
    const saveState = (name: string) => void names.push(name);
    const host = { ...hostFor(place), saveState };
    prepareTools(host, request, environment, undefined).finish();
    expect(names).toEqual(['cleanup', 'cleanup']);
  });

  test('if it cannot be saved, the step ends before any request, with the system’s words', () => {
    using place = tempFolder();
    const full = new Error('ENOSPC: no space left on device');
    const saveState = () => {
      throw full;
    };
    const host = { ...hostFor(place), saveState };
    expect(() => prepareTools(host, request, environment, undefined)).toThrow(
      expect.objectContaining({
        detail: { kind: 'not-recorded', detail: 'ENOSPC: no space left on device' },
        cause: full,
      }),
    );
  });

  test('if only its end cannot be saved, the step goes on', () => {
    using place = tempFolder();
    let calls = 0;
    const saveState = () => {
      calls += 1;
      if (calls > 1) throw new Error('ENOSPC');
    };
    const host = { ...hostFor(place), saveState };
    const { finish } = prepareTools(host, request, environment, undefined);
    expect(finish).not.toThrow();
    expect(calls).toBe(2);
  });
});
