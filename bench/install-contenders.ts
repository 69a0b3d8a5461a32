import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { clientIds, identities, tenantIds } from '../emulator/default-world.ts';
import { closedWorld } from '../test/harness/closed-world.ts';
import { type NodeBinary, nodeOrOwn, nodes } from '../test/harness/nodes.ts';
import type { Addresses } from './azure-process.ts';
import type { Contender, ContenderName, FindContender } from './contenders.ts';
import { type InstalledStep, installAction, installTask } from './hosts.ts';
import type { Run } from './launcher.ts';
import { scopesFor } from './scopes.ts';

/** All contenders, installed as their users install them. */
export interface InstalledContenders {
  readonly find: FindContender;
  /** The versions of Node that are measured. */
  readonly nodeVersions: readonly string[];
  remove(): void;
}

type Draft = Omit<Contender, 'name' | 'scopes'> | undefined;

/** @param az path of the Azure CLI, if the machine has it */
export async function installContenders(
  root: string,
  folder: string,
  addresses: Addresses,
  az: string | undefined,
): Promise<InstalledContenders> {
  const action = await installAction(root, folder, addresses);
  const task = await installTask(root, folder, addresses);
  const baselines = join(folder, 'baselines');
  cpSync(join(root, 'bench', 'baselines'), baselines, { recursive: true });
  const identityBundle = bundleIdentity(root, join(folder, 'azure-identity'));

  const node24 = nodeOrOwn(24);
  const own = (major: number): NodeBinary | undefined => nodes.find((node) => node.major === major);
  const baselineVariables = (scopes: readonly string[]): Record<string, string> => ({
    IMDS: addresses.imds,
    AUTHORITY: addresses.authority,
    TENANT_ID: tenantIds.contoso,
    CLIENT_ID: clientIds.deployer,
    IDENTITY_CLIENT_ID: identities.runner.clientId,
    SCOPES: scopes.join(' '),
  });

  const ours = (step: InstalledStep, node: NodeBinary | undefined, scopes: number): Draft =>
    node && {
      launch: launch(node, step.main, step, step.environment(scopesFor(scopes))),
      before: step.reset,
      succeeded: (run) => run.code === 0 && step.handedOver(run),
    };
  /** A baseline script has the same environment, and gets its inputs in variables of its own. */
  const baseline = (
    step: InstalledStep,
    node: NodeBinary | undefined,
    script: string,
    scopes: number,
    more: Readonly<Record<string, string>> = {},
  ): Draft => {
    const wanted = scopesFor(scopes);
    const environment = { ...step.environment(wanted), ...baselineVariables(wanted), ...more };
    return (
      node && {
        launch: launch(node, script, step, environment),
        succeeded: (run) => printedTokens(run) === scopes,
      }
    );
  };
  /** It asks for one scope: text has room for one token. */
  const command = (node: NodeBinary | undefined): Draft => {
    const words = {
      'client-id': clientIds.deployer,
      'tenant-id': tenantIds.contoso,
      'managed-identity-client-id': identities.runner.clientId,
      'authority-host': addresses.authority,
      scopes: scopesFor(1).join(),
    };
    const { argv, ...rest } = launch(
      node ?? node24,
      join(root, 'dist', 'command', 'index.js'),
      action,
      action.environment(scopesFor(1)),
    );
    return (
      node && {
        launch: {
          ...rest,
          argv: [...argv, 'token', ...Object.entries(words).map(([name, value]) => `--${name}=${value}`)],
        },
        succeeded: (run) => printedTokens(run) === 1,
      }
    );
  };
  const idle = (step: InstalledStep, node: NodeBinary | undefined, script: string): Draft =>
    node && {
      launch: launch(node, script, step, step.environment([])),
      succeeded: ({ code, stdout }) => code === 0 && stdout === '',
    };
  const fetchScript = join(baselines, 'bare-fetch.cjs');
  const httpsScript = join(baselines, 'bare-https.cjs');
  const emptyScript = join(baselines, 'empty.cjs');
  const publicName = { ...addresses.proxy, AUTHORITY: '' };

  const drafts: Readonly<Record<ContenderName, (scopes: number) => Draft>> = {
    action: (scopes) => ours(action, node24, scopes),
    fetch: (scopes) => baseline(action, node24, fetchScript, scopes),
    https: (scopes) => baseline(action, node24, httpsScript, scopes),
    identity: (scopes) => baseline(action, node24, identityBundle, scopes),
    'identity-public': (scopes) => baseline(action, node24, identityBundle, scopes, publicName),
    'command-24': () => command(own(24)),
    'command-20': () => command(own(20)),
    'task-24': (scopes) => ours(task, own(24), scopes),
    'task-20': (scopes) => ours(task, own(20), scopes),
    'task-fetch-24': (scopes) => baseline(task, own(24), fetchScript, scopes),
    'task-fetch-20': (scopes) => baseline(task, own(20), fetchScript, scopes),
    'task-https-24': (scopes) => baseline(task, own(24), httpsScript, scopes),
    'task-https-20': (scopes) => baseline(task, own(20), httpsScript, scopes),
    post: () => idle(action, node24, action.post),
    empty: () => idle(action, node24, emptyScript),
    'task-post-24': () => idle(task, own(24), task.post),
    'task-post-20': () => idle(task, own(20), task.post),
    'task-empty-24': () => idle(task, own(24), emptyScript),
    'task-empty-20': () => idle(task, own(20), emptyScript),
    'azure-cli': (scopes) =>
      az === undefined
        ? undefined
        : azureCli(az, folder, baselines, addresses, baselineVariables(scopesFor(scopes))),
  };
  return {
    find: (name, scopes) => {
      const draft = drafts[name](scopes);
      return draft && { name, scopes, ...draft };
    },
    nodeVersions: [...new Set([node24, own(20) ?? node24].map(({ version }) => version))],
    remove: () => {
      action.remove();
      task.remove();
    },
  };
}

function launch(
  node: NodeBinary,
  script: string,
  { workingDirectory }: InstalledStep,
  environment: Readonly<Record<string, string>>,
): Contender['launch'] {
  return { argv: [node.path, script], environment, workingDirectory };
}

function printedTokens({ code, stdout }: Run): number {
  return code === 0 ? stdout.split('\n').filter((line) => line.startsWith('eyJ')).length : 0;
}

/** Bundled as the author of such a script would do it: `ncc build --minify`. */
function bundleIdentity(root: string, folder: string): string {
  const ncc = join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js');
  const entry = join(root, 'bench', 'baselines', 'azure-identity.mjs');
  const { status, stderr } = spawnSync(
    process.execPath,
    [ncc, 'build', entry, '--out', folder, '--minify', '--no-cache', '--quiet'],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`ncc could not bundle the @azure/identity script: ${stderr}`);
  const bundle = ['index.mjs', 'index.js'].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (bundle === undefined) throw new Error('ncc wrote no bundle');
  return bundle;
}

/**
 * The Azure CLI accepts only the public host names, so it goes through the embedded Azure's proxy. It keeps its home
 * folder between runs, as on a machine that has used it before. It is signed out between runs, so that it has to ask.
 */
function azureCli(
  az: string,
  folder: string,
  baselines: string,
  addresses: Addresses,
  variables: Readonly<Record<string, string>>,
): Draft {
  const home = join(folder, 'azure-cli');
  mkdirSync(home, { recursive: true });
  const own = {
    ...closedWorld({ ...addresses.machine, ...addresses.proxy }),
    PATH: `${dirname(az)}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: home,
    AZURE_CONFIG_DIR: join(home, '.azure'),
    AZURE_CORE_COLLECT_TELEMETRY: 'false',
  };
  // Older releases take the identity's client ID as a user name. Newer ones reject that.
  const { stdout } = spawnSync(az, ['login', '--help'], { encoding: 'utf8', env: own });
  const IDENTITY_OPTION = stdout.includes('--client-id') ? '--client-id' : '--username';
  const environment = { ...own, ...variables, IDENTITY_OPTION };
  return {
    launch: { argv: ['/bin/sh', join(baselines, 'azure-cli.sh')], environment, workingDirectory: home },
    before: () => {
      spawnSync(az, ['account', 'clear'], { env: environment });
    },
    succeeded: (run) => printedTokens(run) === 1,
  };
}

/** The Azure CLI that `scripts/install-clients.sh` installed, or the one on the path. */
export function findAzureCli(): string | undefined {
  const { PATH = '' } = process.env;
  const folders = [resolve('build/clients/azure-cli/bin'), ...PATH.split(delimiter)];
  return folders.map((folder) => join(folder, 'az')).find((path) => existsSync(path));
}
