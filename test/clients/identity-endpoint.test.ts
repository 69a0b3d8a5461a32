import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, identities, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { run } from '../endpoint/a-run.ts';
import { azcopy, azureCliOfDebian, goProgram, javaProgram, kubelogin, pythonWithSdk } from './installed.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { isTokenRequest, type Storage, shortenNextTokens, startStorage } from './storage.ts';

/** `run` of the command gives unmodified clients the app's tokens. Nothing here can reach a real metadata service. */

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
beforeEach(() => {
  machine.azure.faults.clear();
  machine.azure.clearRequests();
});

type Command = readonly [string, ...string[]];
const app = { appid: clientIds.deployer, tid: tenantIds.contoso };
/** Java has a certificate store of its own. */
const trustStore = (): string => join(machine.workshop, 'trust.p12');

/** Runs a client as the app, and returns what it prints and what `run` says about it. */
async function asApp(
  command: Command,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const outcome = await run(machine.azure, command, {
    environment: { ...machine.environment, ...environment },
  });
  if (outcome.code !== 0) throw new Error(`${command.join(' ')}: ${JSON.stringify(outcome, null, 2)}`);
  return outcome;
}

interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the client sends, in order. */
async function recordedFrom(
  command: Command,
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly Recorded[]> {
  const file = join(machine.workshop, 'requests.json');
  await asApp(
    [process.execPath, resolve('test/clients/programs/recording-endpoint.mjs'), file, ...command],
    environment,
  );
  const requests: readonly { method: string; url: string; headers: readonly string[] }[] = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  if (process.env['SHOW_REQUESTS'])
    process.stderr.write(`${JSON.stringify({ command, requests }, null, 1)}\n`);
  return requests.map(({ method, url, headers }) => {
    const [path = '', query = ''] = url.split('?');
    return {
      method,
      path,
      query: Object.fromEntries(new URLSearchParams(query)),
      headers: Object.fromEntries(
        headers.flatMap((name, index) =>
          index % 2 === 0 ? [[name.toLowerCase(), headers[index + 1] ?? '']] : [],
        ),
      ),
    };
  });
}

/** Node finds modules from its folder, as in a checked-out repository. */
const javaScript = (source: string): Command => ['node', '--input-type=module', '--eval', source];

const sdks: Readonly<Record<string, () => Command>> = {
  JavaScript: () => [
    'node',
    resolve('test/clients/programs/exported-identity.mjs'),
    storage.serviceUrl,
    storage.container,
  ],
  Python: () => [
    pythonWithSdk.path,
    resolve('test/clients/programs/exported-identity.py'),
    'sync',
    storage.serviceUrl,
    storage.container,
  ],
  'Python, async': () => [
    pythonWithSdk.path,
    resolve('test/clients/programs/exported-identity.py'),
    'async',
    storage.serviceUrl,
    storage.container,
  ],
  Go: () => [goProgram.path, 'azure-sdk', storage.serviceUrl, storage.container],
  Java: () => [
    'java',
    `-Djavax.net.ssl.trustStore=${trustStore()}`,
    '-Djavax.net.ssl.trustStorePassword=changeit',
    '-Djava.net.useSystemProxies=true',
    '-classpath',
    `${dirname(javaProgram.path)}:${join(dirname(dirname(javaProgram.path)), 'lib')}/*`,
    'ExportedIdentity',
    `${storage.serviceUrl}${storage.container}`,
  ],
};

describe('DefaultAzureCredential lists blobs as the app, and renews its token during the run', () => {
  test.each(Object.entries(sdks))('%s', async (sdk, command) => {
    const shortToken = await shortenNextTokens(machine.azure, 60);
    const { stdout, stderr } = await asApp(command());
    const { tokens, blobs } = JSON.parse(stdout);
    expect(blobs).toEqual([storage.blob]);
    expect(tokens[0]).toBe(shortToken);
    // This one keeps every token for half a minute, as long as it is valid.
    expect(tokens[1] === shortToken).toBe(sdk === 'Python, async');
    expect(claimsOf(tokens[1])).toMatchObject(app);
    expect(stderr).toMatch(/^Handed out a token for https:\/\/storage\.azure\.com, valid until .*\.$/mu);
    for (const token of tokens) expect(stderr).not.toContain(token);
    expect(machine.azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(1);
  });

  test.each(Object.entries(sdks))('%s sends one request in the documented form', async (_, command) => {
    const [request, ...more] = await recordedFrom(command());
    expect(more).toEqual([]);
    expect(request).toMatchObject({
      method: 'GET',
      path: '/entra-app-token/msi/token',
      query: {
        'api-version': '2019-08-01',
        resource: 'https://storage.azure.com',
        client_id: clientIds.deployer,
      },
      headers: { 'x-identity-header': expect.stringMatching(/^[0-9a-f]{64}$/u) },
    });
  });
});

describe('ManagedIdentityCredential is the app, whatever identity the program names', () => {
  const { clientId, objectId, resourceId } = identities.runner;
  /** What a program can name, and what its request then has. */
  const selectors: readonly {
    readonly named: { readonly client?: string; readonly object?: string; readonly resource?: string };
    readonly sent: Readonly<Record<string, string>>;
  }[] = [
    { named: {}, sent: {} },
    { named: { client: clientIds.deployer }, sent: { client_id: clientIds.deployer } },
    { named: { client: clientId }, sent: { client_id: clientId } },
    { named: { object: objectId }, sent: { object_id: objectId } },
    { named: { resource: resourceId }, sent: { mi_res_id: resourceId } },
  ];
  const languages: Readonly<Record<string, (named: (typeof selectors)[number]['named']) => Command>> = {
    JavaScript: ({ client: clientId, object: objectId, resource: resourceId }) =>
      javaScript(`import { ManagedIdentityCredential } from '@azure/identity';
        const credential = new ManagedIdentityCredential(${JSON.stringify({ clientId, objectId, resourceId })});
        console.log((await credential.getToken('https://vault.azure.net/.default')).token);`),
    Python: ({ client, object, resource }) => {
      const named =
        client !== undefined
          ? `client_id='${client}'`
          : object !== undefined
            ? `identity_config={'object_id': '${object}'}`
            : resource !== undefined
              ? `identity_config={'resource_id': '${resource}'}`
              : '';
      return [
        pythonWithSdk.path,
        '-c',
        `from azure.identity import ManagedIdentityCredential
print(ManagedIdentityCredential(${named}).get_token('https://vault.azure.net/.default').token)`,
      ];
    },
  };
  test.each(
    Object.entries(languages).flatMap(([language, command]) =>
      selectors.map(({ named, sent }) => [language, named, sent, command] as const),
    ),
  )('%s %j', async (_, selector, sent, command) => {
    const { stdout } = await asApp(command(selector));
    expect(claimsOf(stdout.trim())).toMatchObject({ ...app, aud: 'https://vault.azure.net' });
    const [request] = await recordedFrom(command(selector));
    const { 'api-version': version, resource, ...rest } = request?.query ?? {};
    expect([version, resource]).toEqual(['2019-08-01', 'https://vault.azure.net']);
    expect(rest).toEqual(sent);
  });
});

const azcopyLibraries = join(dirname(azcopy.path), '../../../../../debian/usr/lib/x86_64-linux-gnu');
/** The application ID of AKS's API server, the same in every tenant of the public cloud. */
const aksServer = '6dae42f8-4368-4678-94ff-3960e28e3630';

describe('command-line tools', () => {
  test('azcopy lists a container, and names no identity', async () => {
    const environment = { AZCOPY_AUTO_LOGIN_TYPE: 'MSI', LD_LIBRARY_PATH: azcopyLibraries };
    const list: Command = [azcopy.path, 'list', `${storage.serviceUrl}${storage.container}`];
    const { stdout } = await asApp(list, environment);
    expect(stdout).toContain(storage.blob);
    expect(new Set((await recordedFrom(list, environment)).map(({ query }) => query))).toEqual(
      new Set([{ 'api-version': '2019-08-01', resource: 'https://storage.azure.com' }]),
    );
  });

  test('kubelogin gets kubectl a token for AKS', async () => {
    const command: Command = [kubelogin.path, 'get-token', '--login', 'msi', '--server-id', aksServer];
    const { status } = JSON.parse((await asApp(command)).stdout);
    expect(claimsOf(status.token)).toMatchObject({ ...app, aud: aksServer });
    expect((await recordedFrom(command)).map(({ query }) => query)).toEqual([
      { 'api-version': '2019-08-01', resource: aksServer, client_id: clientIds.deployer },
    ]);
  });

  test('az signs in as the app, and names no identity', async () => {
    const commands = [
      'az login --identity --output none',
      `az account set --subscription ${subscriptionIds.contosoTest}`,
      'az account list',
      'echo ,',
      'az account get-access-token --resource https://vault.azure.net',
    ].join(' && ');
    const environment = { AZURE_CONFIG_DIR: join(machine.workshop, 'new-az') };
    const command: Command = ['bash', '-c', commands];
    const { stdout, stderr } = await asApp(command, environment);
    const [subscriptions, { accessToken, subscription }] = JSON.parse(`[${stdout}]`);
    expect(subscriptions.map(({ id }: { id: string }) => id)).toContain(subscriptionIds.contosoTest);
    expect(subscription).toBe(subscriptionIds.contosoTest);
    expect(claimsOf(accessToken)).toMatchObject({ ...app, aud: 'https://vault.azure.net' });
    expect(stderr).not.toContain('2.73');
    expect(
      new Set((await recordedFrom(command, environment)).map(({ query }) => JSON.stringify(query))),
    ).toEqual(
      new Set(
        ['https://management.core.windows.net/', 'https://vault.azure.net'].map((resource) =>
          JSON.stringify({ 'api-version': '2019-08-01', resource }),
        ),
      ),
    );
  });

  test('an az before 2.73 asks IMDS, and run warns', async () => {
    const environment = { AZURE_CONFIG_DIR: join(machine.workshop, 'old-az') };
    const { stderr } = await asApp(
      [azureCliOfDebian.path, 'login', '--identity', '--allow-no-subscriptions'],
      environment,
    );
    expect(stderr).toMatch(/^Warning: az did not ask the identity endpoint\. .*2\.73/mu);
    expect(machine.azure.requests.filter(isTokenRequest)).toEqual([]);
  });
});
