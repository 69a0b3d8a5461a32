import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientIds, identities, tenantIds } from '../emulator/default-world.ts';
import { taskFolder } from '../scripts/bundles.ts';
import { camelCase } from '../src/contract.ts';
import { readActionManifest } from '../test/harness/action-manifest.ts';
import { AgentJob } from '../test/harness/agent.ts';
import { RunnerJob } from '../test/harness/runner.ts';
import { readTaskManifest } from '../test/harness/task-manifest.ts';
import { throwAwayAction, throwAwayTask } from '../test/harness/throw-away.ts';
import type { Addresses } from './azure-process.ts';
import type { Run } from './launcher.ts';
import { codeFiles } from './limits.ts';

type Variables = Readonly<Record<string, string>>;

/** The step as a host starts it: where its code is, and its environment. */
export interface InstalledStep {
  readonly main: string;
  readonly post: string;
  readonly workingDirectory: string;
  /** The environment for these scopes. */
  environment(scopes: readonly string[]): Variables;
  /** Empties the files in which the last run gave values to the host. */
  reset(): void;
  handedOver(run: Run): boolean;
  remove(): void;
}

/** A script that prints the environment that the test harness gives to a step. The harness starts no measured run. */
const showEnvironment = 'process.stdout.write(JSON.stringify(process.env));';

function inputsOf({ authority }: Addresses): Variables {
  return {
    'client-id': clientIds.deployer,
    'tenant-id': tenantIds.contoso,
    'managed-identity-client-id': identities.runner.clientId,
    'authority-host': authority,
  };
}

/** The runner has the action's whole repository, with its package.json. */
export async function installAction(
  root: string,
  folder: string,
  addresses: Addresses,
): Promise<InstalledStep> {
  const home = join(folder, '_actions', 'entra-app-token');
  mkdirSync(home, { recursive: true });
  cpSync(join(root, 'package.json'), join(home, 'package.json'));
  cpSync(join(root, 'dist'), join(home, 'dist'), { recursive: true });

  const declared = Object.entries(readActionManifest(root).inputs ?? {});
  using manifest = throwAwayAction(showEnvironment, {
    inputs: Object.fromEntries(declared.map(([name, input]) => [name, input.default ?? ''])),
  });
  const job = new RunnerJob({ actionDirectory: manifest.directory, environment: addresses.machine });
  const { raw } = await job.step({ inputs: inputsOf(addresses) });
  const environment = JSON.parse(raw.stdout) as Variables;
  const files = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'].map((name) => environment[name] ?? '');
  return {
    main: join(home, 'dist', 'main', 'index.js'),
    post: join(home, 'dist', 'post', 'index.js'),
    workingDirectory: job.workspace,
    environment: (scopes) => ({ ...environment, INPUT_SCOPES: scopes.join('\n') }),
    reset: () => {
      for (const file of files) writeFileSync(file, '');
    },
    handedOver: () => /^access-token<<[^\n]+\neyJ/mu.test(readFileSync(files[0] ?? '', 'utf8')),
    remove: () => job.close(),
  };
}

/** The agent copies a task into a folder without a package.json, so Node reads its files as CommonJS. */
export async function installTask(
  root: string,
  folder: string,
  addresses: Addresses,
): Promise<InstalledStep> {
  const source = join(root, taskFolder);
  const home = join(folder, '_tasks', 'EntraAppToken');
  mkdirSync(home, { recursive: true });
  for (const name of codeFiles(source)) cpSync(join(source, name), join(home, name));

  const { inputs = [] } = readTaskManifest(source);
  using manifest = throwAwayTask(showEnvironment, { manifest: { inputs } });
  const job = new AgentJob({ taskDirectory: manifest.directory, environment: addresses.machine });
  const given = Object.entries(inputsOf(addresses)).map(([name, value]) => [camelCase(name), value]);
  const { raw } = await job.step({ inputs: Object.fromEntries(given) as Record<string, string> });
  const environment = JSON.parse(raw.stdout) as Variables;
  return {
    main: join(home, 'index.js'),
    post: join(home, 'post.js'),
    workingDirectory: job.workspace,
    environment: (scopes) => ({ ...environment, INPUT_SCOPES: scopes.join('\n') }),
    reset: () => undefined,
    handedOver: ({ stdout }) => /^##vso\[task\.setvariable variable=accessToken;[^\]]*\]eyJ/mu.test(stdout),
    remove: () => job.close(),
  };
}
