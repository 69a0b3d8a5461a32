import { join } from 'node:path';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import type { Emulator } from '../../emulator/emulator.ts';
import { camelCase } from '../../src/contract.ts';
import { AgentJob } from '../harness/agent.ts';
import { agentNodes, nodes } from '../harness/nodes.ts';
import { RunnerJob } from '../harness/runner.ts';
import { assertNoSecretLeaks, type HandedOver } from '../harness/secret-leaks.ts';
import type { Transcript } from '../harness/transcript.ts';

const root = process.cwd();

/** Inputs as GitHub writes them; each host under test gets them in its own spelling. */
export type Inputs = Readonly<Record<string, string>>;

/** The inputs of a step that just works in the default world. */
export const goodInputs: Inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
};

/** What a step did, in words common to both hosts. */
export interface Outcome {
  readonly succeeded: boolean;
  /** The log as a person sees it. */
  readonly log: string;
  readonly errors: readonly string[];
  /** By the contract's names: `access-token`. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Further variables for the job's later steps. */
  readonly variables: Readonly<Record<string, string>>;
  readonly transcript: Transcript;
  /** The order of what matters: masks, then values. */
  readonly order: readonly Ordered[];
}

export interface Ordered {
  readonly kind: 'mask' | 'value' | 'text';
  readonly text: string;
}

export interface JobOptions {
  /** The host's debug switch (`ACTIONS_STEP_DEBUG`, `System.Debug`) is on. */
  readonly debug?: boolean;
  /** Extra variables of the machine or job. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `false`: no proxy is configured at all, and `authority-host` must be on loopback. */
  readonly proxy?:
    | false
    | {
        readonly url: string;
        readonly username?: string;
        readonly password?: string;
        readonly bypass?: readonly string[];
      };
  /** The agent's own certificate authority (`--sslcacert`); a GitHub runner has none. */
  readonly caFile?: string;
  readonly event?: { readonly name: string; readonly payload: unknown };
  /** For Azure Pipelines: System.PullRequest.IsFork. */
  readonly fork?: boolean;
}

export interface JobUnderTest {
  step(inputs: Inputs): Promise<Outcome>;
  /** A later step of the job itself: an ES module's source. */
  script(source: string, environment?: Readonly<Record<string, string>>): Promise<Outcome>;
  post(): Promise<readonly Outcome[]>;
  readonly temp: string;
  close(): void;
}

export interface HostUnderTest {
  readonly title: string;
  readonly kind: 'github' | 'azure-pipelines';
  job(azure: Emulator, options?: JobOptions): JobUnderTest;
  /** How users write an input here. */
  inputLabel(name: string): string;
}

/** The values a good step may hand over; anywhere else a token is a leak. */
export const published: HandedOver = {
  outputs: ['access-token', 'access-tokens', 'accessToken', 'accessTokens'],
};

const names = [
  'access-token',
  'access-tokens',
  'expires-on',
  'federated-token-file',
  'federated-token-expires-on',
];

const github: HostUnderTest = {
  title: 'GitHub Actions',
  kind: 'github',
  inputLabel: (name) => name,
  job: (azure, options = {}) => {
    const { proxy } = options;
    const job = new RunnerJob({
      actionDirectory: root,
      environment: {
        ...azure.environment('machine', 'ca'),
        ...(proxy === undefined ? azure.environment('proxy') : proxy === false ? {} : githubProxy(proxy)),
        ...options.environment,
      },
      ...(options.event && { event: options.event }),
      ...(options.debug === true && { debug: true }),
    });
    const outcome = (result: Awaited<ReturnType<typeof job.step>>): Outcome => ({
      succeeded: result.conclusion === 'success',
      log: result.displayed,
      errors: result.annotations.filter(({ level }) => level === 'error').map(({ message }) => message),
      outputs: result.outputs,
      variables: result.exported,
      transcript: result,
      order: result.events.flatMap((event): readonly Ordered[] => {
        if (event.kind === 'mask') return [{ kind: 'mask', text: event.value }];
        if (event.kind === 'output' || event.kind === 'environment')
          return [{ kind: 'value', text: event.value }];
        if (event.kind === 'log') return [{ kind: 'text', text: event.text }];
        return [];
      }),
    });
    return {
      step: async (inputs) => {
        const result = await job.step({ inputs });
        refuseLeaks(result, azure, inputs);
        return outcome(result);
      },
      script: async (source, environment) => outcome(await job.script(source, environment)),
      post: async () => (await job.post()).map(outcome),
      temp: job.temp,
      close: () => job.close(),
    };
  },
};

function githubProxy({
  url,
  username,
  password,
  bypass,
}: Exclude<JobOptions['proxy'], false | undefined>): Record<string, string> {
  const address = new URL(url);
  address.username = encodeURIComponent(username ?? '');
  address.password = encodeURIComponent(password ?? '');
  return { HTTPS_PROXY: address.href, ...(bypass && { NO_PROXY: bypass.join(',') }) };
}

const azurePipelines = (node: { readonly major: number; readonly path: string }): HostUnderTest => ({
  title: `Azure Pipelines on Node ${node.major}`,
  kind: 'azure-pipelines',
  inputLabel: camelCase,
  job: (azure, options = {}) => {
    const { proxy = { url: azure.proxy.url } } = options;
    const job = new AgentJob({
      taskDirectory: join(root, 'ado-task', 'EntraAppToken'),
      node: node.path,
      environment: { ...azure.environment('machine', 'ca'), ...options.environment },
      ...(proxy !== false && { proxy }),
      ...(options.caFile !== undefined && { caFile: options.caFile }),
      ...(options.debug === true && { debug: true }),
      variables: { 'System.PullRequest.IsFork': options.fork === true ? 'True' : 'False' },
    });
    const outcome = (result: Awaited<ReturnType<typeof job.step>>): Outcome => {
      const known = Object.entries(result.variables).map(([name, { value }]) => [name, value] as const);
      const outputOf = (name: string): string | undefined =>
        names.find((output) => camelCase(output) === name);
      return {
        succeeded: result.result === 'Succeeded',
        log: result.displayed,
        errors: result.annotations.filter(({ level }) => level === 'error').map(({ message }) => message),
        outputs: Object.fromEntries(
          known.flatMap(([name, value]) => {
            const output = outputOf(name);
            return output === undefined ? [] : [[output, value]];
          }),
        ),
        variables: Object.fromEntries(known.filter(([name]) => outputOf(name) === undefined)),
        transcript: result,
        order: result.events.flatMap((event): readonly Ordered[] => {
          if (event.kind === 'mask') return [{ kind: 'mask', text: event.value }];
          if (event.kind === 'variable') return [{ kind: 'value', text: event.value }];
          if (event.kind === 'log') return [{ kind: 'text', text: event.text }];
          return [];
        }),
      };
    };
    return {
      step: async (inputs) => {
        const spelled = Object.entries(inputs).map(([name, value]) => [camelCase(name), value] as const);
        const result = await job.step({ inputs: Object.fromEntries(spelled) });
        refuseLeaks(result, azure, inputs);
        return outcome(result);
      },
      script: async (source, environment) => outcome(await job.script(source, environment)),
      post: async () => (await job.post()).map(outcome),
      temp: job.temp,
      close: () => job.close(),
    };
  },
});

/** Both hosts; the task on every Node an agent may run it with. */
export const hostsUnderTest: readonly HostUnderTest[] = [github, ...agentNodes.map(azurePipelines)];
/** One of each host, for scenarios in which the Node's version cannot matter. */
export const oneOfEach: readonly HostUnderTest[] = [
  github,
  azurePipelines(agentNodes[0] ?? nodes[0] ?? { major: 0, path: process.execPath }),
];

/** Runs one step in a job of its own. */
export async function runStepOn(
  host: HostUnderTest,
  azure: Emulator,
  inputs: Inputs,
  options: JobOptions = {},
): Promise<Outcome> {
  const job = host.job(azure, options);
  try {
    return await job.step(inputs);
  } finally {
    job.close();
  }
}

/**
 * Holds every step of every scenario to the one rule: no token and no assertion anywhere but in the host's own mask
 * command and in the values that are handed over. Tokens are known from both sides: from what the step masked, and
 * from what it sent to Entra.
 */
function refuseLeaks(result: Transcript, azure: Emulator, inputs: Inputs): void {
  const sent = azure.requests.flatMap(({ form }) => form.get('client_assertion') ?? []);
  const secrets = [...new Set([...tokensIn(result.raw.stdout + result.raw.stderr), ...sent])];
  if (secrets.length === 0) return;
  const named = [...(inputs['scopes'] ?? '').matchAll(/(?:^|[\n,])\s*(\w+)\s*=/gu)].map(
    ([, name = '']) => name,
  );
  const values = [...(published.outputs ?? []), ...named];
  assertNoSecretLeaks(result, secrets, { outputs: values, variables: values });
}

/** Every token the embedded Azure handed out, as found in what a step was given. */
export function tokensIn(text: string): readonly string[] {
  return [...new Set(text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/gu) ?? [])];
}
