/**
 * `npm run demo`: the main use of this product, on the embedded Azure. The built bundles of the action and of the task
 * exchange the machine's managed identity for the app's tokens. A later step reads blobs with them from Azurite,
 * Microsoft's storage emulator.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAzurite } from '../emulator/azurite.ts';
import { clientIds, identities, tenantIds } from '../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { AgentJob } from '../test/harness/agent.ts';
import { agentNodes, nodeOrOwn } from '../test/harness/nodes.ts';
import { RunnerJob } from '../test/harness/runner.ts';
import { assertNoSecretLeaks } from '../test/harness/secret-leaks.ts';
import { type Container, fillContainer, listBlobs, rejectToken } from './blobs.ts';
import { buildBundles, builtBundles } from './bundles.ts';

const scopes = 'STORAGE_TOKEN = storage\nARM_TOKEN = arm';
const blobs = ['2026/report.csv', '2026/summary.txt', 'readme.md'];

let filled: Promise<Container> | undefined;

/** What the later steps of a job get. */
interface JobResult {
  readonly host: string;
  readonly log: string;
  readonly storageToken: string;
  readonly armToken: string;
}

const started = performance.now();
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

print(
  'The demo runs the action and the task on an embedded Azure on this machine. It needs no account and no network.',
);
// dist/ is committed, so in a fresh clone the action runs before anything is built.
if (builtBundles(root).action === 'changed') await build('The sources have changed. Building the bundles');

progress('Starting the embedded Azure');
const azure = await startEmulator();
const starting = startAzurite(azure.ca.issue);
// The error is thrown where it is awaited. Until then, a failed job must not hide it.
starting.catch(() => {});
try {
  progress('Running the action as GitHub’s runner does');
  await show(onGitHub);
  if (builtBundles(root).task !== 'current') await build('Building the task for Azure Pipelines');
  for (const node of agentNodes) {
    progress(`Running the task as an Azure Pipelines agent does, on Node ${node.version}`);
    await show(onAzurePipelines(node));
  }
  title(`The demo succeeded in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  print('Try more of the embedded Azure: npm run emulator');
} finally {
  await starting.then((azurite) => azurite.stop()).catch(() => {});
  await azure.stop();
}

async function build(what: string): Promise<void> {
  progress(`${what} (up to a minute, only after a change)`);
  const start = performance.now();
  await buildBundles(root);
  progress(`The build took ${((performance.now() - start) / 1000).toFixed(0)} s`, '.');
}

/** Runs a job and shows what a user sees, and what a later step can do with the tokens. */
async function show(run: (emulator: Emulator) => Promise<JobResult>): Promise<void> {
  azure.clearRequests();
  const { host, log, storageToken, armToken } = await run(azure);
  title(`${host}: the log as users see it`);
  print(log);
  const requests = azure.requests.filter(({ leg }) => leg !== 'proxy');
  print(
    `Requests: ${requests.map(({ leg, method, path }) => `${leg} ${method} ${path}`).join('\n          ')}`,
  );
  expect(requests.length === 3, 'there is one request for the identity and one for each of the two scopes');

  const container = await filledContainer();
  const listed = await listBlobs(container, storageToken);
  print(`Blobs that STORAGE_TOKEN lists in Azurite, Microsoft’s storage emulator: ${listed.join(', ')}`);
  expect(JSON.stringify(listed) === JSON.stringify(blobs), 'the list has the uploaded blobs');
  const rejection = await rejectToken(container, armToken);
  print(`The same with ARM_TOKEN, which has another audience: ${rejection}`);
}

/** Azurite starts while the first job runs. */
function filledContainer(): Promise<Container> {
  filled ??= starting.then(async ({ blobUrl }) => {
    const container = { url: `${blobUrl}/invoices`, ca: azure.ca.pem };
    await fillContainer(container, blobs);
    return container;
  });
  return filled;
}

async function onGitHub(emulator: Emulator): Promise<JobResult> {
  const job = new RunnerJob({
    actionDirectory: process.cwd(),
    environment: emulator.environment(),
    node: nodeOrOwn(24).path,
  });
  try {
    const result = await job.step({
      inputs: {
        'client-id': clientIds.deployer,
        'tenant-id': tenantIds.contoso,
        'managed-identity-client-id': identities.runner.clientId,
        scopes,
      },
    });
    await job.script("console.log('A later step that prints its token:', process.env.STORAGE_TOKEN);");
    await job.post();
    const { outputs, exported } = result;
    const { STORAGE_TOKEN: storageToken = '', ARM_TOKEN: armToken = '' } = exported;
    expect(result.conclusion === 'success', 'the step succeeds');
    expect(!job.displayed.includes(storageToken), 'the log masks the token everywhere');
    expect(outputs['access-token'] === storageToken, 'access-token is the first scope’s token');
    assertNoSecretLeaks(result, [storageToken, armToken], {
      outputs: ['access-token', 'access-tokens'],
      variables: ['STORAGE_TOKEN', 'ARM_TOKEN'],
    });
    return {
      host: `GitHub Actions on Node ${nodeOrOwn(24).version}`,
      log: job.displayed,
      storageToken,
      armToken,
    };
  } finally {
    job.close();
  }
}

function onAzurePipelines(node: (typeof agentNodes)[number]): (emulator: Emulator) => Promise<JobResult> {
  return async (emulator) => {
    const job = new AgentJob({
      taskDirectory: join(process.cwd(), 'ado-task', 'EntraAppToken'),
      node: node.path,
      environment: emulator.environment('machine', 'ca'),
      proxy: { url: emulator.proxy.url },
    });
    try {
      const result = await job.step({
        inputs: {
          clientId: clientIds.deployer,
          tenantId: tenantIds.contoso,
          managedIdentityClientId: identities.runner.clientId,
          scopes,
        },
      });
      await job.script("console.log('A later step that prints its token:', process.env.STORAGE_TOKEN);", {
        STORAGE_TOKEN: '$(STORAGE_TOKEN)',
      });
      await job.post();
      const value = (name: string): string => result.variables[name]?.value ?? '';
      const [storageToken, armToken] = [value('STORAGE_TOKEN'), value('ARM_TOKEN')];
      expect(result.result === 'Succeeded', 'the task succeeds');
      expect(!job.displayed.includes(storageToken), 'the log masks the token everywhere');
      expect(value('accessToken') === storageToken, 'accessToken is the first scope’s token');
      assertNoSecretLeaks(result, [storageToken, armToken], {
        variables: ['accessToken', 'accessTokens', 'STORAGE_TOKEN', 'ARM_TOKEN'],
      });
      return { host: `Azure Pipelines on Node ${node.version}`, log: job.displayed, storageToken, armToken };
    } finally {
      job.close();
    }
  };
}

/** What happens next, beside the output itself. */
function progress(text: string, end = ' …'): void {
  process.stderr.write(`${text}${end}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function title(text: string): void {
  print(`\n── ${text} ──`);
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`The demo expected that ${what}.`);
}
