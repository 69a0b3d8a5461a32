import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, subscriptionIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { camelCase } from '../../src/contract.ts';
import { AgentJob } from '../harness/agent.ts';
import { RunnerJob } from '../harness/runner.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { type AzCall, keepSession, recordCall, standInAz, tempFolder } from './temp-folder.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const inputs = { ...goodInputs, login: 'azure-cli', 'subscription-id': subscriptionIds.contosoTest };
const callsIn = (folder: string): readonly AzCall[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AzCall);

describe.each(oneOfEach)('$title', (host) => {
  test('az signs in with the file, in a directory that the clean-up removes', async () => {
    using place = tempFolder();
    standInAz(place.folder, recordCall);
    const job = host.job(azure, { environment: { PATH: place.folder } });
    const { succeeded, log, variables, outputs, transcript } = await job.step(inputs);
    expect(log).toContain('azure-cli is signed in');
    expect(succeeded).toBe(true);
    const file = outputs['federated-token-file'] ?? '';
    const calls = callsIn(place.folder);
    expect(calls.map(({ words }) => words.join(' '))).toEqual([
      `login --service-principal --username ${clientIds.deployer} --tenant ${tenantIds.contoso} --federated-token @${file} --allow-no-subscriptions --output none`,
      `account set --subscription ${subscriptionIds.contosoTest} --output none`,
    ]);
    const assertion = calls[0]?.token ?? '';
    expect(assertion).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/u);
    expect(JSON.stringify(calls.map(({ words }) => words))).not.toContain(assertion);
    expect(variables).toEqual({
      AZURE_CONFIG_DIR: join(dirname(file), 'azure-cli'),
      AZURE_EXTENSION_DIR: expect.stringMatching(/\/\.azure\/cliextensions$/u),
    });
    expect(calls[0]?.environment).toMatchObject(variables);
    assertNoSecretLeaks(transcript, [assertion], {});
    const [post] = await job.post();
    expect(post?.log).toContain(`Removed ${dirname(file)}`);
    expect(existsSync(dirname(file))).toBe(false);
    job.close();
  });

  test('without az the step fails before any request', async () => {
    using place = tempFolder();
    azure.clearRequests();
    const { succeeded, errors } = await runStepOn(host, azure, inputs, {
      environment: { PATH: place.folder },
    });
    expect(succeeded).toBe(false);
    expect(errors).toEqual([
      expect.stringContaining('https://learn.microsoft.com/cli/azure/install-azure-cli'),
    ]);
    expect(azure.requests).toEqual([]);
  });

  test.each([
    ['does nothing', ''],
    [
      'removes the private directory',
      `require('node:fs').rmSync(process.cwd(), { recursive: true }); require('node:fs').mkdirSync(process.cwd());`,
    ],
  ])('an az that reports success and %s has not signed in', async (_, body) => {
    using place = tempFolder();
    standInAz(place.folder, body);
    const job = host.job(azure, { environment: { PATH: place.folder } });
    const { errors, outputs, variables, log } = await job.step(inputs);
    expect(errors).toHaveLength(1);
    expect(log).not.toContain('azure-cli is signed in');
    expect([outputs, variables]).toEqual([{}, {}]);
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    job.close();
  });

  test('if az fails, its words are shown, nothing is handed over, and nothing is left even before the clean-up', async () => {
    using place = tempFolder();
    standInAz(
      place.folder,
      `${keepSession} if (process.argv[2] === 'account') { console.error("ERROR: The subscription doesn't exist.\\n::error::forged ##vso[task.complete]"); process.exit(1); }`,
    );
    const job = host.job(azure, { environment: { PATH: place.folder } });
    const { errors, log, outputs, variables } = await job.step({
      ...inputs,
      export: 'azure-sdk',
      scopes: 'TOKEN = graph',
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`could not select subscription ${subscriptionIds.contosoTest}`);
    expect(log).toContain("| ERROR: The subscription doesn't exist.");
    expect(errors[0]).toContain(
      `az role assignment create --assignee ${clientIds.deployer} --role Reader --scope /subscriptions/${subscriptionIds.contosoTest}`,
    );
    expect([outputs, variables]).toEqual([{}, {}]);
    // A host may run the step again (retryCountOnTaskFailure), and its clean-up then knows only the last run.
    expect(readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    const [post] = await job.post();
    expect(post?.succeeded).toBe(true);
    expect(post?.log).toContain('Nothing to remove: ');
    job.close();
  });
});

/** Knows which processes still run: each keeps a connection open until it ends. */
class ProcessRegister {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  #arrived: () => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.#sockets.push(socket.resume());
      this.#arrived();
    });
  }

  static async open(): Promise<ProcessRegister> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ProcessRegister(server);
  }

  /** JavaScript that connects a process to this register and keeps it running, whatever signals it gets. */
  get stay(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); require('node:net').connect(${port}, '127.0.0.1').on('error', () => {});`;
  }

  async until(count: number): Promise<void> {
    while (this.#sockets.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Resolves when every process has ended. */
  async empty(): Promise<void> {
    await Promise.all(
      this.#sockets.map((socket) =>
        socket.closed ? undefined : new Promise((resolve) => socket.once('close', resolve)),
      ),
    );
    this.#server.close();
  }
}

describe('a step that is cancelled while az runs', () => {
  const patience = { interruptMilliseconds: 30_000, terminateMilliseconds: 30_000 };
  const environmentWith = (path: string) => ({
    ...azure.environment('machine', 'ca', 'proxy'),
    PATH: path,
  });
  const jobs = {
    'GitHub Actions': (path: string) => {
      const job = new RunnerJob({
        actionDirectory: process.cwd(),
        environment: environmentWith(path),
        patience,
      });
      return { job, running: job.start({ inputs }) };
    },
    'Azure Pipelines': (path: string) => {
      const job = new AgentJob({
        taskDirectory: join(process.cwd(), 'ado-task', 'EntraAppToken'),
        environment: environmentWith(path),
        proxy: { url: azure.proxy.url },
        patience,
      });
      const own = Object.entries(inputs).map(([name, value]) => [camelCase(name), value] as const);
      return { job, running: job.start({ inputs: Object.fromEntries(own) }) };
    },
  };

  test.each(Object.entries(jobs))(
    '%s: az and its child processes end, and the clean-up runs',
    async (_, start) => {
      using place = tempFolder();
      const register = await ProcessRegister.open();
      standInAz(
        place.folder,
        `${register.stay} require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(register.stay)}], { stdio: 'ignore' });`,
      );
      const { job, running } = start(place.folder);
      await register.until(2);
      const { exitCode } = await running.cancel();
      expect(exitCode).toBe(130);
      await register.empty();
      const [post] = await job.post();
      expect(post?.displayed).toContain('Removed ');
      // The step has not said that it ended, so an empty file keeps it from making its directory again.
      const left = readdirSync(job.temp).filter((name) => name.startsWith('entra-app-token-'));
      expect(left.map((name) => readFileSync(join(job.temp, name), 'utf8'))).toEqual(['']);
      job.close();
    },
  );
});
