import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { agentIdentityIds, clientIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask } from '../endpoint/endpoint-client.ts';
import {
  goodInputs,
  hostsUnderTest,
  type Inputs,
  type JobOptions,
  type JobUnderTest,
  type Outcome,
  oneOfEach,
} from './hosts-under-test.ts';
import { podToken, projectedToken } from './pods.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

let jobs: JobUnderTest[] = [];
afterEach(() => {
  for (const job of jobs) job.close();
  jobs = [];
  azure.clearRequests();
});

const endpointInputs: Inputs = { ...goodInputs, export: 'managed-identity' };
const arm = 'https://management.azure.com';

function jobOn(host: (typeof oneOfEach)[number], options: JobOptions = {}): JobUnderTest {
  const job = host.job(azure, options);
  jobs.push(job);
  return job;
}

interface Later {
  readonly claims: readonly Readonly<Record<string, unknown>>[];
  readonly failure?: string;
}

const identity = pathToFileURL(resolve('node_modules/@azure/identity/dist/esm/index.js')).href;

/** A later step whose program asks the SDK for tokens. What it finds goes to the test, not into the job's log. */
async function sdkStep(
  job: JobUnderTest,
  credential = 'new DefaultAzureCredential()',
  times = 1,
): Promise<Later> {
  const file = join(job.temp, 'later.json');
  const outcome = await job.script(`
    import { writeFileSync } from 'node:fs';
    import { DefaultAzureCredential, ManagedIdentityCredential } from '${identity}';
    const claims = [];
    let failure;
    try {
      for (let time = 0; time < ${times}; time += 1) {
        const { token } = await (${credential}).getToken('${arm}/.default');
        claims.push(JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()));
      }
    } catch (error) {
      failure = error.message;
    }
    writeFileSync(${JSON.stringify(file)}, JSON.stringify({ claims, failure }));
  `);
  expect(outcome.succeeded).toBe(true);
  return JSON.parse(readFileSync(file, 'utf8')) as Later;
}

const endpointOf = ({ variables }: Outcome): { readonly url: string; readonly secret: string } => ({
  url: variables['IDENTITY_ENDPOINT'] ?? '',
  secret: variables['IDENTITY_HEADER'] ?? '',
});

/** The process that runs the endpoint of this job, found as an administrator finds it: by the job’s marker. */
function processesOf(job: JobUnderTest): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const parent = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return /endpoint(\/index)?\.js/u.test(words) && parent.includes(trackingOf(job));
      } catch {
        return false;
      }
    })
    .map(Number);
}

const tracking = new WeakMap<JobUnderTest, string>();
const trackingOf = (job: JobUnderTest): string => tracking.get(job) ?? 'unknown';

/** Learns the host's tracking ID, which every process of the job has. */
async function learnTracking(job: JobUnderTest): Promise<void> {
  const file = join(job.temp, 'tracking');
  await job.script(`
    import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(file)}, process.env.RUNNER_TRACKING_ID ?? process.env.VSTS_PROCESS_LOOKUP_ID);
  `);
  tracking.set(job, readFileSync(file, 'utf8'));
}

/** Resolves when the process has ended. */
async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((next) => setTimeout(next, 20));
}

async function refused(url: string, secret: string): Promise<boolean> {
  return ask(url, { 'X-IDENTITY-HEADER': secret }).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
  );
}

describe.each(hostsUnderTest)('$title', (host) => {
  test('an SDK in a later step is the app, and nothing is left after the job', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    const outcome = await job.step(endpointInputs);
    expect(outcome.errors).toEqual([]);
    expect(outcome.variables).toEqual({
      IDENTITY_ENDPOINT: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/entra-app-token\/msi\/token$/u),
      IDENTITY_HEADER: expect.stringMatching(/^[0-9a-f]{64}$/u),
      AZURE_CLIENT_ID: clientIds.deployer,
    });
    expect(outcome.outputs).toEqual({});
    const { url, secret } = endpointOf(outcome);
    // Hidden before anything can print it.
    expect(outcome.log).not.toContain(secret);
    const at = (kind: string): number =>
      outcome.order.findIndex((one) => one.kind === kind && one.text === secret);
    expect(at('mask')).toBeGreaterThanOrEqual(0);
    expect(at('mask')).toBeLessThan(at('value'));

    for (const credential of [
      'new DefaultAzureCredential()',
      'new ManagedIdentityCredential()',
      "new ManagedIdentityCredential({ clientId: 'a1b2c3d4-1111-4000-8000-000000000001' })",
    ]) {
      const { claims, failure } = await sdkStep(job, credential);
      expect(failure).toBeUndefined();
      expect(claims).toMatchObject([{ appid: clientIds.deployer }]);
    }
    // The exchange of the step, and one more for all three.
    expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(2);

    const [pid] = processesOf(job);
    expect(pid).toBeDefined();
    const posts = await job.post();
    expect(posts[0]?.log).toContain(`Ended the identity endpoint on ${new URL(url).host}.`);
    expect(posts[0]?.errors).toEqual([]);
    await gone(pid ?? 0);
    expect(await refused(url, secret)).toBe(true);
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('no token and nothing of the job is in the process’s arguments, its environment, or the temporary folder', async () => {
    const job = jobOn(host, { environment: { MY_OWN_VARIABLE: 'something of the job' } });
    await learnTracking(job);
    const { url, secret } = endpointOf(await job.step(endpointInputs));
    await sdkStep(job);
    const [pid = 0] = processesOf(job);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    const allowed =
      /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|TMPDIR|RUNNER_TRACKING_ID|VSTS_PROCESS_LOOKUP_ID|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE)=/u;
    expect(environment.filter((entry) => !allowed.test(entry))).toEqual([]);
    const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
    expect(sent.length).toBeGreaterThan(0);
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    for (const text of [secret, url, ...sent]) expect(words).not.toContain(text);
    for (const name of readdirSync(job.temp, { recursive: true, encoding: 'utf8' })) {
      const path = join(job.temp, name);
      const text = readOrEmpty(path);
      for (const token of sent) expect(text).not.toContain(token);
      expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/u);
    }
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[3]).toBe(String(pid));
  });

  test('a trust that does not hold fails the step, and leaves no process and no variable', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    const outcome = await job.step({
      ...endpointInputs,
      'client-id': clientIds.trustless,
      'timeout-seconds': '1',
    });
    expect(outcome.errors[0]).toMatch(/AADSTS/u);
    expect(outcome.variables).toEqual({});
    expect(processesOf(job)).toEqual([]);
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    expect((await job.post()).flatMap(({ errors }) => errors)).toEqual([]);
  });

  test('with an agent identity, an SDK in a later step acts as that agent identity', async () => {
    const job = jobOn(host);
    const { errors, variables } = await job.step({
      ...endpointInputs,
      'client-id': clientIds.blueprint,
      'agent-identity-id': agentIdentityIds.triage,
    });
    expect(errors).toEqual([]);
    expect(variables['AZURE_CLIENT_ID']).toBe(agentIdentityIds.triage);
    const { claims, failure } = await sdkStep(job);
    expect(failure).toBeUndefined();
    expect(claims).toMatchObject([{ appid: agentIdentityIds.triage, xms_par_app_azp: clientIds.blueprint }]);
    await job.post();
    expect(processesOf(job)).toEqual([]);
  });

  test('two uses: each has its own endpoint, the last one counts, and both end', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    const first = endpointOf(await job.step(endpointInputs));
    azure.clearRequests();
    const outcome = await job.step({ ...endpointInputs, 'client-id': clientIds.multitenant });
    expect(outcome.errors).toEqual([]);
    // The second use asks the machine itself, and not the first endpoint.
    expect(azure.requests.map(({ leg }) => leg)).toEqual(['imds', 'proxy', 'entra']);
    const second = endpointOf(outcome);
    expect(second.url).not.toBe(first.url);
    expect(processesOf(job)).toHaveLength(2);
    const pids = processesOf(job);
    expect((await sdkStep(job)).claims).toMatchObject([{ appid: clientIds.multitenant }]);
    await job.post();
    await Promise.all(pids.map(gone));
    expect(await refused(first.url, first.secret)).toBe(true);
    expect(await refused(second.url, second.secret)).toBe(true);
  });

  test('an endpoint that has died is a clear error for the next use, and for the clean-up no failure', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    await job.step(endpointInputs);
    const [pid = 0] = processesOf(job);
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    azure.clearRequests();
    const outcome = await job.step(goodInputs);
    expect(outcome.errors[0]).toMatch(/IDENTITY_ENDPOINT is the identity endpoint of an earlier use/u);
    expect(azure.requests).toEqual([]);
    const posts = await job.post();
    expect(posts.flatMap(({ errors }) => errors)).toEqual([]);
    expect(posts.map(({ log }) => log).join('\n')).toContain('Nothing to end');
  });

  test('another export later in the job is a conflict that names the endpoint', async () => {
    const job = jobOn(host);
    await job.step(endpointInputs);
    azure.clearRequests();
    const outcome = await job.step({ ...goodInputs, export: 'azure-sdk' });
    expect(outcome.errors[0]).toMatch(/IDENTITY_ENDPOINT is the identity endpoint of an earlier step/u);
    expect(azure.requests).toEqual([]);
    // Scoped tokens go on beside it.
    expect((await job.step(goodInputs)).errors).toEqual([]);
  });

  test('another export beside it is an error that explains the choice', async () => {
    const outcome = await jobOn(host).step({ ...goodInputs, export: 'managed-identity, terraform' });
    expect(outcome.errors[0]).toContain('managed-identity cannot stand beside terraform');
    expect(azure.requests).toEqual([]);
  });

  test('it ends when the marker is gone', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    await job.step(endpointInputs);
    const [pid = 0] = processesOf(job);
    const marker = readdirSync(job.temp).find((name) => name.endsWith('.endpoint'));
    rmSync(join(job.temp, marker ?? 'missing'));
    await gone(pid);
  });

  test('it ends after its longest time', async () => {
    const job = jobOn(host, { environment: { ENTRA_APP_TOKEN_ENDPOINT_SECONDS: '1' } });
    await learnTracking(job);
    await job.step(endpointInputs);
    await Promise.all(processesOf(job).map(gone));
  });

  test('the host ends it without post, when the job ends', async () => {
    const job = jobOn(host);
    await learnTracking(job);
    await job.step(endpointInputs);
    const [pid = 0] = processesOf(job);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    job.close();
    await gone(pid);
  });
});

describe.each(oneOfEach)('$title, the proxies of the job', (host) => {
  const variablesOf = async (environment: Readonly<Record<string, string>>) => {
    const outcome = await jobOn(host, { environment }).step(endpointInputs);
    expect(outcome.errors).toEqual([]);
    const { NO_PROXY, no_proxy } = outcome.variables;
    return { NO_PROXY, no_proxy };
  };
  const github = host.kind === 'github';

  test('without a proxy for http, its lists stay as they are', async () => {
    const none = { HTTP_PROXY: '', http_proxy: '', ALL_PROXY: '', NO_PROXY: 'corp.example' };
    expect(await variablesOf(none)).toEqual({});
  });

  test('an SDK reaches the endpoint past a proxy that is closed', async () => {
    const environment = { http_proxy: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1', no_proxy: '' };
    const job = jobOn(host, { environment: { ...environment, NO_PROXY: 'corp.example' } });
    expect((await job.step(endpointInputs)).errors).toEqual([]);
    expect((await sdkStep(job)).claims).toMatchObject([{ appid: clientIds.deployer }]);
  });

  test('with one, loopback is added to them', async () => {
    const proxy = { http_proxy: 'http://127.0.0.1:9' };
    expect(await variablesOf({ ...proxy, no_proxy: 'corp.example' })).toEqual(
      github
        ? { NO_PROXY: 'corp.example,127.0.0.1', no_proxy: 'corp.example,127.0.0.1' }
        : { no_proxy: 'corp.example,127.0.0.1' },
    );
    expect(await variablesOf({ HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: 'corp.example' })).toEqual(
      github
        ? { NO_PROXY: 'corp.example,127.0.0.1', no_proxy: 'corp.example,127.0.0.1' }
        : { NO_PROXY: 'corp.example,127.0.0.1' },
    );
  });
});

describe.each(oneOfEach)('$title, variables that would win over the endpoint', (host) => {
  test('are an error', async () => {
    const environment = { AZURE_CLIENT_SECRET: 'x', AZURE_FEDERATED_TOKEN_FILE: '/somewhere/else' };
    const outcome = await jobOn(host, { environment }).step(endpointInputs);
    expect(outcome.errors[0]).toMatch(/AZURE_CLIENT_SECRET/u);
    expect(outcome.errors[0]).toMatch(/AZURE_FEDERATED_TOKEN_FILE/u);
    expect(azure.requests).toEqual([]);
  });

  test('are emptied if AKS or an earlier use of this step set them', async () => {
    const job = jobOn(host, { environment: { MSI_ENDPOINT: '', MSI_SECRET: '' } });
    const earlier = await job.step({ ...goodInputs, export: 'azure-sdk, azcopy, kubelogin' });
    expect(earlier.errors).toEqual([]);
    const outcome = await job.step(endpointInputs);
    expect(outcome.errors).toEqual([]);
    expect(outcome.variables).toMatchObject({
      AZURE_FEDERATED_TOKEN_FILE: '',
      AZCOPY_AUTO_LOGIN_TYPE: '',
      AAD_LOGIN_METHOD: 'msi',
    });
    expect(outcome.log).toContain('AZURE_FEDERATED_TOKEN_FILE does not keep its value');
    expect((await sdkStep(job)).claims).toMatchObject([{ appid: clientIds.deployer }]);
    const aks = { AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/azure/tokens/azure-identity-token' };
    const onAks = await jobOn(host, { environment: aks }).step(endpointInputs);
    expect(onAks.variables).toMatchObject({ AZURE_FEDERATED_TOKEN_FILE: '' });
  });
});

describe.each(oneOfEach)('$title, in a pod', (host) => {
  test('the endpoint presents the pod’s own token, also after it was replaced', async () => {
    using pod = await projectedToken(azure);
    const job = jobOn(host);
    const outcome = await job.step({ ...pod.inputs, export: 'managed-identity' });
    expect(outcome.errors).toEqual([]);
    azure.clearRequests();
    const second = await podToken(azure);
    pod.project(second);
    expect((await sdkStep(job)).claims).toMatchObject([{ appid: clientIds.podDeployer }]);
    const shown = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
    expect(shown).toEqual([second]);
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);
    // A use after two of them still finds the machine itself.
    expect((await job.step({ ...pod.inputs, export: 'managed-identity' })).errors).toEqual([]);
    expect((await job.step(goodInputs)).errors).toEqual([]);
  });
});

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
