import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import type { Emulator } from '../../emulator/emulator.ts';
import { camelCase, outputNames } from '../../src/contract.ts';
import { AgentJob } from '../harness/agent.ts';
import { RunnerJob } from '../harness/runner.ts';
import type { Transcript } from '../harness/transcript.ts';
import { StandIns } from './stand-ins.ts';
import { drive, prefix, windowsPath } from './wine.ts';

/** Inputs as GitHub writes them. */
export type Inputs = Readonly<Record<string, string>>;

export const goodInputs: Inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
};

/** What a step did, in words common to both hosts. */
export interface Outcome {
  readonly succeeded: boolean;
  readonly transcript: Transcript;
  readonly errors: readonly string[];
  /** Outputs by GitHub's names, and variables for later steps. */
  readonly values: Readonly<Record<string, string>>;
  /** What was registered as secret, in order. */
  readonly masks: readonly string[];
}

export interface JobOptions {
  /** The name of the folder that the host's own folders lie in. */
  readonly agentFolder?: string;
  /** A folder that comes first in `Path`, as Windows writes it. */
  readonly path?: string;
}

/** A job on a Windows machine of its own. */
export interface WindowsJob extends Disposable {
  readonly standIns: StandIns;
  /** The job's temporary folder, as Windows names it. */
  readonly temp: string;
  /** The names of the private directories in it. */
  left(): readonly string[];
  step(inputs: Inputs): Promise<Outcome>;
  /** A later step: an ES module, which prints one JSON value. */
  laterStep(source: string): Promise<unknown>;
  post(): Promise<readonly Outcome[]>;
}

export interface WindowsHost {
  readonly title: string;
  start(azure: Emulator, options?: JobOptions): WindowsJob;
}

/** What a job on either host starts from. */
function windowsMachine(azure: Emulator, { agentFolder = 'agent', path = '' }: JobOptions) {
  mkdirSync(join(drive, 'jobs'), { recursive: true });
  const folder = mkdtempSync(join(drive, 'jobs', 'job-'));
  const temp = join(folder, agentFolder, '_work', '_temp');
  const standIns = new StandIns(join(folder, 'stand-ins'));
  return {
    standIns,
    temp: windowsPath(temp),
    left: () => readdirSync(temp).filter((name) => /^entra-app-token-[0-9a-f]{32}$/u.test(name)),
    settings: {
      node: resolve('test/windows/node.mjs'),
      temp,
      environment: {
        ...azure.environment('machine', 'ca', 'proxy'),
        ...standIns.environment,
        WINEPREFIX: prefix,
        // Wine puts it before its own folders in `Path`.
        WINEPATH: path,
      },
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const github: WindowsHost = {
  title: 'GitHub Actions',
  start: (azure, options = {}) => {
    const { settings, ...machine } = windowsMachine(azure, options);
    const job = new RunnerJob({ actionDirectory: process.cwd(), ...settings });
    const outcome = (result: Awaited<ReturnType<typeof job.step>>): Outcome => ({
      ...common(result),
      succeeded: result.conclusion === 'success',
      values: { ...result.outputs, ...result.exported },
      masks: result.events.flatMap((event) => (event.kind === 'mask' ? [event.value] : [])),
    });
    return {
      ...machine,
      step: async (inputs) => outcome(await job.step({ inputs })),
      laterStep: async (source) => printed(await job.script(source)),
      post: async () => (await job.post()).map(outcome),
      [Symbol.dispose]: () => {
        job.close();
        machine[Symbol.dispose]();
      },
    };
  },
};

const azurePipelines: WindowsHost = {
  title: 'Azure Pipelines',
  start: (azure, options = {}) => {
    const { settings, ...machine } = windowsMachine(azure, options);
    const job = new AgentJob({
      taskDirectory: resolve('ado-task/EntraAppToken'),
      proxy: { url: azure.proxy.url },
      ...settings,
    });
    const outcome = (result: Awaited<ReturnType<typeof job.step>>): Outcome => ({
      ...common(result),
      succeeded: result.result === 'Succeeded',
      values: Object.fromEntries(
        Object.entries(result.variables).map(([name, { value }]) => [
          outputNames.find((output) => camelCase(output) === name) ?? name,
          value,
        ]),
      ),
      masks: result.events.flatMap((event) => (event.kind === 'mask' ? [event.value] : [])),
    });
    return {
      ...machine,
      step: async (inputs) => {
        const own = Object.entries(inputs).map(([name, value]) => [camelCase(name), value]);
        return outcome(await job.step({ inputs: Object.fromEntries(own) }));
      },
      laterStep: async (source) => printed(await job.script(source)),
      post: async () => (await job.post()).map(outcome),
      [Symbol.dispose]: () => {
        job.close();
        machine[Symbol.dispose]();
      },
    };
  },
};

/** A job on one of them runs on a Windows machine. */
export const windowsHosts: readonly WindowsHost[] = [github, azurePipelines];

function common(transcript: Transcript) {
  const errors = transcript.annotations.filter(({ level }) => level === 'error');
  return { transcript, errors: errors.map(({ message }) => message) };
}

function printed({ raw, exitCode }: Transcript): unknown {
  if (exitCode !== 0) throw new Error(`The later step ended with ${exitCode}:\n${raw.stderr}`);
  return JSON.parse(raw.stdout);
}
