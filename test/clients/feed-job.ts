import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import type { HostUnderTest, JobUnderTest } from '../scenarios/hosts-under-test.ts';
import { type ExampleStep, exampleJobs } from './example-jobs.ts';
import { uv } from './installed.ts';
import { type LaterStep, laterStep } from './later-step.ts';
import type { MachineWithClients } from './machine-with-clients.ts';

const variables = {
  APP_TENANT_ID: tenantIds.contoso,
  IDENTITY_CLIENT_ID: identities.runner.clientId,
};

/** Java has a certificate store of its own. */
function trustStoreOf({ workshop, azure }: MachineWithClients): string {
  const path = join(workshop, 'trust.p12');
  if (!existsSync(path)) {
    const words = ['-importcert', '-noprompt', '-file', azure.ca.file, '-alias', 'azure'];
    const store = ['-keystore', path, '-storetype', 'PKCS12', '-storepass', 'changeit'];
    execFileSync('keytool', [...words, ...store], { stdio: 'ignore' });
  }
  return path;
}

/** What this machine has set for every job, besides the usual: its proxy and certificates for Java and pip. */
function machineSettings(machine: MachineWithClients, home: string): Record<string, string> {
  const proxy = new URL(machine.azure.proxy.url);
  return {
    ...machine.environment,
    HOME: home,
    PATH: [dirname(uv.path), machine.environment['PATH']].join(delimiter),
    // The settings of the machine that runs this test.
    PIP_CONFIG_FILE: '/dev/null',
    npm_config_globalconfig: '/dev/null',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    UV_PYTHON_DOWNLOADS: 'never',
    // Java takes the home folder from the list of users.
    MAVEN_OPTS: `-Duser.home=${home} -Dhttps.proxyHost=${proxy.hostname} -Dhttps.proxyPort=${proxy.port} -Djavax.net.ssl.trustStore=${trustStoreOf(machine)} -Djavax.net.ssl.trustStorePassword=changeit`,
  };
}

export type Tool = 'npm' | 'pip and twine' | 'uv' | 'Maven';
const commandsOf: Readonly<Record<Tool, RegExp>> = {
  npm: /^(?:set -e\n)?npm /u,
  'pip and twine': /twine upload/u,
  uv: /\buv sync\b/u,
  Maven: /^mvn /u,
};
export const tools = Object.keys(commandsOf) as Tool[];
/** dotnet is in none of the registries that this project installs from. */
export const notRun = /\bdotnet\b/u;

/** A job of the example, in a workspace with the example's files. `app` is the one that the step becomes. */
export class FeedJob {
  readonly home: string;
  readonly workspace: string;
  readonly #job: JobUnderTest;
  readonly #host: HostUnderTest;
  readonly #steps: readonly ExampleStep[];
  #variables: Readonly<Record<string, string>> = {};

  constructor(
    machine: MachineWithClients,
    host: HostUnderTest,
    name: string,
    app: string = clientIds.deployer,
  ) {
    this.#host = host;
    this.home = join(machine.workshop, `home-${name}`);
    this.workspace = join(machine.workshop, `workspace-${name}`);
    mkdirSync(this.home);
    const [job, ...others] = exampleJobs('azure-artifacts', host, { ...variables, APP_CLIENT_ID: app }, {});
    if (job === undefined || others.length > 0) throw new Error('The example has one job.');
    this.#steps = job.steps;
    cpSync(job.folder, this.workspace, { recursive: true });
    this.#job = host.job(machine.azure, { environment: machineSettings(machine, this.home) });
  }

  /** The step itself. Returns its token. */
  async signIn(): Promise<string> {
    const [step] = this.#steps;
    if (step?.kind !== 'entra-app-token') throw new Error('The example starts with the step.');
    const outcome = await this.#job.step(step.inputs);
    if (outcome.errors.length > 0) throw new Error(outcome.errors.join('\n'));
    this.#variables = outcome.variables;
    return outcome.variables['FEED_TOKEN'] ?? '';
  }

  /** The example's step for this tool, with a shell as on the host. */
  runTool(tool: Tool, environment: Readonly<Record<string, string>> = {}): Promise<LaterStep> {
    const [found, ...others] = this.commands().filter(({ command }) => commandsOf[tool].test(command));
    if (found === undefined || others.length > 0) throw new Error(`The example has one step for ${tool}.`);
    return this.run(found.command, { ...found.environment, ...environment });
  }

  run(command: string, environment: Readonly<Record<string, string>> = {}): Promise<LaterStep> {
    const options = this.#host.kind === 'github' ? ['-e', '-o', 'pipefail'] : [];
    return laterStep(this.#job, ['bash', '--noprofile', '--norc', ...options, '-c', command], {
      environment: Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, this.#withVariables(value)]),
      ),
      workingDirectory: this.workspace,
    });
  }

  /** The token for a command that is not the example's: on Azure Pipelines no step has it without `env`. */
  get mapped(): Readonly<Record<string, string>> {
    return this.#host.kind === 'github' ? {} : { FEED_TOKEN: '$(FEED_TOKEN)' };
  }

  commands() {
    return this.#steps.filter((step) => step.kind === 'command');
  }

  /** The job's end: the clean-up. Returns the folders that stay. */
  async end(): Promise<readonly string[]> {
    await this.#job.post();
    return [this.home, this.workspace, this.#job.temp];
  }

  close(): void {
    this.#job.close();
  }

  /** A macro of Azure Pipelines. */
  #withVariables(value: string): string {
    return value.replaceAll(/\$\((\w+)\)/gu, (whole, name: string) => this.#variables[name] ?? whole);
  }
}

/** A developer's part: the lock file is written once, and committed. */
export async function writeNpmLock(job: FeedJob): Promise<void> {
  const { code, stderr } = await job.run('npm install --package-lock-only', job.mapped);
  if (code !== 0) throw new Error(stderr);
}
