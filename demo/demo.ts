/**
 * `npm run demo`: the main use of this product, on the embedded Azure. The built bundles of the action and of the task
 * exchange the machine's managed identity for the app's tokens. A later step reads blobs with them from Azurite,
 * Microsoft's storage emulator.
 */
import { join } from 'node:path';
import { startAzurite } from '../emulator/azurite.ts';
import { clientIds, identities, tenantIds } from '../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { AgentJob } from '../test/harness/agent.ts';
import { agentNodes, nodeOrOwn } from '../test/harness/nodes.ts';
import { RunnerJob } from '../test/harness/runner.ts';
import { assertNoSecretLeaks } from '../test/harness/secret-leaks.ts';
import { fillContainer, listBlobs, rejectToken } from './blobs.ts';

const scopes = 'STORAGE_TOKEN = storage\nARM_TOKEN = arm';
const blobs = ['2026/report.csv', '2026/summary.txt', 'readme.md'];

/** What the later steps of a job get. */
interface JobResult {
  readonly host: string;
  readonly log: string;
  readonly storageToken: string;
  readonly armToken: string;
}

const started = performance.now();
const azure = await startEmulator();
const azurite = await startAzurite(azure.ca.issue);
try {
  const container = { url: `${azurite.blobUrl}/invoices`, ca: azure.ca.pem };
  await fillContainer(container, blobs);
  print(`The embedded Azure is running. Azurite has the container "invoices" with ${blobs.length} blobs.`);

  for (const run of [onGitHub, ...agentNodes.map((node) => onAzurePipelines(node))]) {
    azure.clearRequests();
    const { host, log, storageToken, armToken } = await run(azure);
    title(`${host}: the log as users see it`);
    print(log);
    const requests = azure.requests.filter(({ leg }) => leg !== 'proxy');
    print(
      `Requests: ${requests.map(({ leg, method, path }) => `${leg} ${method} ${path}`).join('\n          ')}`,
    );
    expect(requests.length === 3, 'there is one request for the identity and one for each of the two scopes');

    const listed = await listBlobs(container, storageToken);
    print(`Blobs that STORAGE_TOKEN lists: ${listed.join(', ')}`);
    expect(JSON.stringify(listed) === JSON.stringify(blobs), 'the list has the uploaded blobs');
    const rejection = await rejectToken(container, armToken);
    print(`The same with ARM_TOKEN, which has another audience: ${rejection}`);
  }
  title(`The demo succeeded in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
} finally {
  await azurite.stop();
  await azure.stop();
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

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function title(text: string): void {
  print(`\n── ${text} ──`);
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`The demo expected that ${what}.`);
}
