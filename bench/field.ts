import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { clientIds, identities, tenantIds } from '../emulator/default-world.ts';
import { closedWorld } from '../test/harness/closed-world.ts';
import { type NodeBinary, nodeOrOwn, nodes } from '../test/harness/nodes.ts';
import type { Addresses } from './azure-process.ts';
import type { Contender, ContenderName, Field } from './contenders.ts';
import { type InstalledStep, installAction, installTask } from './hosts.ts';
import type { Run } from './launcher.ts';
import { scopesFor } from './scopes.ts';

/** Everything installed as its users have it, ready to be started. */
export interface InstalledField {
  readonly contender: Field;
  /** Node versions that take part. */
  readonly nodeVersions: readonly string[];
  remove(): void;
}

type Draft = Omit<Contender, 'name' | 'scopes'> | undefined;

/** @param az path of the Azure CLI, where there is one */
export async function installField(
  root: string,
  folder: string,
  addresses: Addresses,
  az: string | undefined,
): Promise<InstalledField> {
  const action = await installAction(root, folder, addresses);
  const task = await installTask(root, folder, addresses);
  const rivals = join(folder, 'rivals');
  cpSync(join(root, 'bench', 'rivals'), rivals, { recursive: true });
  const identityBundle = bundleIdentity(root, join(folder, 'azure-identity'));

  const node24 = nodeOrOwn(24);
  const own = (major: number): NodeBinary | undefined => nodes.find((node) => node.major === major);
  const rivalVariables = (scopes: readonly string[]): Record<string, string> => ({
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
  /** A rival finds the same environment, and what it asks for in variables of its own. */
  const rival = (
    step: InstalledStep,
    node: NodeBinary | undefined,
    script: string,
    scopes: number,
    more: Readonly<Record<string, string>> = {},
  ): Draft => {
    const wanted = scopesFor(scopes);
    const environment = { ...step.environment(wanted), ...rivalVariables(wanted), ...more };
    return (
      node && {
        launch: launch(node, script, step, environment),
        succeeded: (run) => printedTokens(run) === scopes,
      }
    );
  };
  const idle = (step: InstalledStep, node: NodeBinary | undefined, script: string): Draft =>
    node && {
      launch: launch(node, script, step, step.environment([])),
      succeeded: ({ code, stdout }) => code === 0 && stdout === '',
    };
  const fetchScript = join(rivals, 'bare-fetch.cjs');
  const httpsScript = join(rivals, 'bare-https.cjs');
  const emptyScript = join(rivals, 'empty.cjs');
  const publicName = { ...addresses.proxy, AUTHORITY: '' };

  const drafts: Readonly<Record<ContenderName, (scopes: number) => Draft>> = {
    action: (scopes) => ours(action, node24, scopes),
    fetch: (scopes) => rival(action, node24, fetchScript, scopes),
    https: (scopes) => rival(action, node24, httpsScript, scopes),
    identity: (scopes) => rival(action, node24, identityBundle, scopes),
    'identity-public': (scopes) => rival(action, node24, identityBundle, scopes, publicName),
    'task-24': (scopes) => ours(task, own(24), scopes),
    'task-20': (scopes) => ours(task, own(20), scopes),
    'task-fetch-24': (scopes) => rival(task, own(24), fetchScript, scopes),
    'task-fetch-20': (scopes) => rival(task, own(20), fetchScript, scopes),
    'task-https-24': (scopes) => rival(task, own(24), httpsScript, scopes),
    'task-https-20': (scopes) => rival(task, own(20), httpsScript, scopes),
    post: () => idle(action, node24, action.post),
    empty: () => idle(action, node24, emptyScript),
    'task-post-24': () => idle(task, own(24), task.post),
    'task-post-20': () => idle(task, own(20), task.post),
    'task-empty-24': () => idle(task, own(24), emptyScript),
    'task-empty-20': () => idle(task, own(20), emptyScript),
    'azure-cli': (scopes) =>
      az === undefined
        ? undefined
        : azureCli(az, folder, rivals, addresses, rivalVariables(scopesFor(scopes))),
  };
  return {
    contender: (name, scopes) => {
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

/** As the script's author would: `ncc build`, minified. */
function bundleIdentity(root: string, folder: string): string {
  const ncc = join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js');
  const entry = join(root, 'bench', 'rivals', 'azure-identity.mjs');
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
 * The Azure CLI knows the public names only, so it goes through the embedded Azure's proxy. Its home stays from run
 * to run, as on a machine that has used it before; its sessions do not, or it would ask for nothing.
 */
function azureCli(
  az: string,
  folder: string,
  rivals: string,
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
  // Older releases take the identity's client ID for a user's name, newer ones refuse that.
  const { stdout } = spawnSync(az, ['login', '--help'], { encoding: 'utf8', env: own });
  const IDENTITY_OPTION = stdout.includes('--client-id') ? '--client-id' : '--username';
  const environment = { ...own, ...variables, IDENTITY_OPTION };
  return {
    launch: { argv: ['/bin/sh', join(rivals, 'azure-cli.sh')], environment, workingDirectory: home },
    before: () => {
      spawnSync(az, ['account', 'clear'], { env: environment });
    },
    succeeded: (run) => printedTokens(run) === 1,
  };
}

/** The Azure CLI, in the folder of the other clients' environment (`CLIENTS_VENV`) or on the path. */
export function findAzureCli(): string | undefined {
  const { CLIENTS_VENV, PATH = '' } = process.env;
  const folders = [
    ...(CLIENTS_VENV === undefined ? [] : [join(CLIENTS_VENV, 'bin')]),
    ...PATH.split(delimiter),
  ];
  return folders.map((folder) => join(folder, 'az')).find((path) => existsSync(path));
}
