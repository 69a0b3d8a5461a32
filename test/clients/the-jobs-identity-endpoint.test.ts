import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { azureCli, azureCliOfDebian, goProgram, javaProgram, pythonWithSdk } from './installed.ts';
import { laterStep, printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { type Storage, startStorage } from './storage.ts';

/** Other people's clients, in later steps of a job with `export: managed-identity`, on a machine without IMDS. */

let machine: MachineWithClients;
let storage: Storage;
beforeAll(async () => {
  machine = await startMachineWithClients();
  storage = await startStorage(machine.azure);
  const words = ['-importcert', '-noprompt', '-file', machine.azure.ca.file, '-alias', 'azure'];
  const store = ['-keystore', trustStore(), '-storetype', 'PKCS12', '-storepass', 'changeit'];
  execFileSync('keytool', [...words, ...store], { stdio: 'ignore' });
});
afterAll(async () => {
  await storage.stop();
  await machine.stop();
});
beforeEach(() => machine.azure.clearRequests());

const trustStore = (): string => join(machine.workshop, 'trust.p12');
const python = (kind: 'sync' | 'async') => (): readonly [string, ...string[]] => [
  pythonWithSdk.path,
  resolve('test/clients/programs/exported-identity.py'),
  kind,
  storage.serviceUrl,
  storage.container,
];

const sdks: readonly { readonly tool: string; readonly command: () => readonly [string, ...string[]] }[] = [
  {
    tool: 'Azure SDK for JavaScript',
    command: () => [
      'node',
      resolve('test/clients/programs/exported-identity.mjs'),
      storage.serviceUrl,
      storage.container,
    ],
  },
  { tool: 'Azure SDK for Python', command: python('sync') },
  { tool: 'Azure SDK for Python, async', command: python('async') },
  {
    tool: 'Azure SDK for Go',
    command: () => [goProgram.path, 'azure-sdk', storage.serviceUrl, storage.container],
  },
  {
    tool: 'Azure SDK for Java',
    command: () => [
      'java',
      `-Djavax.net.ssl.trustStore=${trustStore()}`,
      '-Djavax.net.ssl.trustStorePassword=changeit',
      '-Djava.net.useSystemProxies=true',
      '-classpath',
      `${dirname(javaProgram.path)}:${join(dirname(dirname(javaProgram.path)), 'lib')}/*`,
      'ExportedIdentity',
      `${storage.serviceUrl}${storage.container}`,
    ],
  },
];

const inputs = { ...goodInputs, export: 'managed-identity' };

/** Every text below a folder. */
const textsIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

describe.each(oneOfEach)('$title', (host) => {
  test.each(sdks)('$tool lists blobs as the app, and no token is on the disk', async ({ command }) => {
    const job = host.job(machine.azure, machine);
    expect((await job.step(inputs)).errors).toEqual([]);
    const { tokens, blobs } = JSON.parse(await printedBy(job, command()));
    expect(blobs).toEqual([storage.blob]);
    for (const token of tokens) {
      expect(claimsOf(token)).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    }
    for (const text of textsIn(job.temp)) expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/u);
    await job.post();
    // The program does not become anybody else when the endpoint has ended.
    expect((await laterStep(job, command())).code).not.toBe(0);
    job.close();
  });

  test.each([
    ['az login --identity in a later step', {}],
    ['login: azure-cli beside it', { login: 'azure-cli', 'subscription-id': subscriptionIds.contosoTest }],
  ] as const)('the Azure CLI is the app: %s', async (_, more) => {
    const job = host.job(machine.azure, machine);
    expect((await job.step({ ...inputs, ...more })).errors).toEqual([]);
    if (!('login' in more)) await printedBy(job, ['az', 'login', '--identity', '--allow-no-subscriptions']);
    const { accessToken } = JSON.parse(
      await printedBy(job, [
        'az',
        'account',
        'get-access-token',
        '--resource',
        'https://graph.microsoft.com',
      ]),
    );
    expect(claimsOf(accessToken)).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    const account = JSON.parse(await printedBy(job, ['az', 'account', 'show']));
    expect(account).toMatchObject({ tenantId: tenantIds.contoso });
    if ('login' in more) expect(account).toMatchObject({ id: more['subscription-id'] });
    await job.post();
    job.close();
  });

  test('an az that does not know identity endpoints is refused before it signs in', async () => {
    const path = [dirname(azureCliOfDebian.path), process.env['PATH'] ?? ''].join(':');
    const job = host.job(machine.azure, { environment: { ...machine.environment, PATH: path } });
    const { errors, variables } = await job.step({ ...inputs, login: 'azure-cli' });
    expect(errors[0]).toMatch(/Azure CLI 2\.45\.0.*needs 2\.73\.0 or later/u);
    expect(variables).toEqual({});
    job.close();
  });
});

test('the Azure CLI that is found first is a new one', () => {
  expect(azureCli.path).toContain('azure-cli/bin/az');
});
