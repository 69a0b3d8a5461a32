import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { podToken, projectedToken } from '../scenarios/pods.ts';
import { goProgram, javaProgram, pythonWithSdk } from './installed.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { isTokenRequest, type Storage, shortenNextTokens, startStorage } from './storage.ts';
import { goModules, javaArchives, npmPackages, pythonPackages } from './versions.ts';

let machine: MachineWithClients;
let storage: Storage;
beforeAll(async () => {
  machine = await startMachineWithClients();
  storage = await startStorage(machine.azure);
  makeTrustStore();
});
afterAll(async () => {
  await storage.stop();
  await machine.stop();
});
beforeEach(() => {
  machine.azure.faults.clear();
  machine.azure.clearRequests();
});

interface Sdk {
  readonly tool: string;
  readonly versions: () => Readonly<Record<string, string>>;
  /** Asks one credential twice for a token, and lists blobs with it. */
  readonly command: () => readonly [string, ...string[]];
}

/** Java has a certificate store of its own, and takes proxies from properties. */
const trustStore = (): string => join(machine.workshop, 'trust.p12');
function makeTrustStore(): void {
  const words = ['-importcert', '-noprompt', '-file', machine.azure.ca.file, '-alias', 'azure'];
  const store = ['-keystore', trustStore(), '-storetype', 'PKCS12', '-storepass', 'changeit'];
  execFileSync('keytool', [...words, ...store], { stdio: 'ignore' });
}

function java(): readonly [string, ...string[]] {
  const classes = dirname(javaProgram.path);
  return [
    'java',
    `-Djavax.net.ssl.trustStore=${trustStore()}`,
    '-Djavax.net.ssl.trustStorePassword=changeit',
    '-Djava.net.useSystemProxies=true',
    '-classpath',
    `${classes}:${join(dirname(classes), 'lib')}/*`,
    'ExportedIdentity',
    `${storage.serviceUrl}${storage.container}`,
  ];
}

const python = (kind: 'sync' | 'async') => (): readonly [string, ...string[]] => [
  pythonWithSdk.path,
  resolve('test/clients/programs/exported-identity.py'),
  kind,
  storage.serviceUrl,
  storage.container,
];

const sdkForGo = 'github.com/Azure/azure-sdk-for-go/sdk';

const sdks: readonly Sdk[] = [
  {
    tool: 'Azure SDK for JavaScript',
    versions: () => npmPackages('@azure/identity', '@azure/storage-blob'),
    command: () => [
      'node',
      resolve('test/clients/programs/exported-identity.mjs'),
      storage.serviceUrl,
      storage.container,
    ],
  },
  {
    tool: 'Azure SDK for Python',
    versions: () => pythonPackages(pythonWithSdk.path, 'azure-identity', 'azure-storage-blob'),
    command: python('sync'),
  },
  {
    tool: 'Azure SDK for Python, async',
    versions: () => pythonPackages(pythonWithSdk.path, 'azure-identity', 'azure-storage-blob', 'aiohttp'),
    command: python('async'),
  },
  {
    tool: 'Azure SDK for Go',
    versions: () => goModules(`${sdkForGo}/azidentity`, `${sdkForGo}/storage/azblob`),
    command: () => [goProgram.path, 'azure-sdk', storage.serviceUrl, storage.container],
  },
  {
    tool: 'Azure SDK for Java',
    versions: () => javaArchives('azure-identity', 'azure-storage-blob'),
    command: java,
  },
];

describe.each(oneOfEach)('$title', (host) => {
  test.each(sdks)('$tool lists blobs as the app, and renews its token from the file', async (sdk) => {
    const { azure } = machine;
    const inputs = { export: 'azure-sdk' };
    const job = host.job(azure, machine);
    const { errors, outputs, variables } = await job.step({ ...goodInputs, ...inputs });
    expect(errors).toEqual([]);
    azure.clearRequests();
    const shortToken = await shortenNextTokens(azure, 0);

    const { tokens, blobs } = JSON.parse(await printedBy(job, sdk.command()));

    expect(blobs).toEqual([storage.blob]);
    expect(tokens[0]).toBe(shortToken);
    expect(tokens[1]).not.toBe(shortToken);
    expect(claimsOf(tokens[1])).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    const assertion = readFileSync(outputs['federated-token-file'] ?? '', 'utf8');
    const shown = azure.requests.filter(isTokenRequest).map(({ form }) => form.get('client_assertion'));
    expect(new Set(shown)).toEqual(new Set([assertion]));
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const names = Object.keys(variables).sort();
    expect(names).toContain('AZURE_FEDERATED_TOKEN_FILE');
    keepProof({
      tool: sdk.tool,
      versions: sdk.versions(),
      host: host.title,
      inputs,
      variables: host.kind === 'github' ? await variablesRead(job, names, sdk.command()) : notTested(names),
      renewal: 'by itself',
      did: ['Listed the blobs of a container.'],
    });
    await job.post();
    job.close();
  });

  test.each(sdks)(
    '$tool acts with the pod’s own token, and with the next one after it is replaced',
    async (sdk) => {
      const { azure } = machine;
      using pod = await projectedToken(azure);
      const first = readFileSync(pod.path, 'utf8');
      const job = host.job(azure, machine);
      const { errors, variables } = await job.step({ ...pod.inputs, export: 'azure-sdk' });
      expect(errors).toEqual([]);
      expect(variables['AZURE_FEDERATED_TOKEN_FILE']).toBe(pod.path);
      const act = async (): Promise<ReadonlySet<string | null>> => {
        azure.clearRequests();
        const { tokens, blobs } = JSON.parse(await printedBy(job, sdk.command()));
        expect(blobs).toEqual([storage.blob]);
        expect(claimsOf(tokens[1])).toMatchObject({ appid: clientIds.podDeployer, tid: tenantIds.contoso });
        expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);
        return new Set(azure.requests.filter(isTokenRequest).map(({ form }) => form.get('client_assertion')));
      };

      expect(await act()).toEqual(new Set([first]));
      // The first token is worth nothing now: the cluster no longer publishes its key.
      await azure.cluster.rotateKey();
      const second = await podToken(azure);
      pod.project(second);
      azure.cluster.retireOldKeys();
      expect(await act()).toEqual(new Set([second]));
      await job.post();
      job.close();
    },
  );
});
