import { isAbsolute } from 'node:path';
import { type Cloud, clouds } from '../azure/clouds.ts';
import { type ExportTarget, exportTargets, type LoginTarget, loginTargets } from '../azure/tools.ts';
import type { InputName } from '../contract.ts';
import type { IdentitySelector } from '../exchange/request.ts';
import { type Authority, readAuthority } from './authority.ts';
import { InputError, showValue } from './errors.ts';
import { readScopeLines, type ScopeLine } from './scope-lines.ts';
import { guid, identityResourceId, listOf, seconds, tenant, trueOrFalse } from './values.ts';

/** Where the user wants the client assertion to come from. */
export type RequestedOrigin =
  | { readonly kind: 'managed-identity'; readonly identity: IdentitySelector }
  | { readonly kind: 'token-file'; readonly path: string };

/** A container registry for which the user wants a token. */
export interface RequestedRegistry {
  readonly loginServer: string;
  /** The scope of the app's token that the registry exchanges for one of its own. */
  readonly scope: string;
}

/** All inputs, validated. After this nothing reads an input. */
export interface StepRequest {
  readonly clientId: string;
  readonly tenantId: string;
  /** The agent identity to act as; `clientId` is then its blueprint. */
  readonly agentIdentityId?: string;
  readonly origin: RequestedOrigin;
  readonly cloud: Cloud;
  readonly authorityHost: string;
  readonly audience: string;
  /** The scopes whose tokens are wanted themselves, each once. */
  readonly scopes: readonly string[];
  /** Container registries, each once. */
  readonly registries: readonly RequestedRegistry[];
  /** The tokens to publish, in the user's order; none if the exchange only proves the trust. */
  readonly published: readonly ScopeLine[];
  readonly exports: readonly ExportTarget[];
  readonly logins: readonly LoginTarget[];
  readonly subscriptionId?: string;
  readonly allowForkPullRequests: boolean;
  /** Milliseconds. */
  readonly timeBudget: number;
}

/**
 * Reads every input, through `input`.
 *
 * @throws InputError naming the first input that is wrong
 */
export function readStepRequest(input: (name: InputName) => string): StepRequest {
  const clientId = guid('client-id', input('client-id'), 'the app registration’s application (client) ID');
  const tenantId = tenant(input('tenant-id'));
  const origin = readOrigin(input);
  const agentIdentityId = readAgentIdentity(input('agent-identity-id'), clientId);
  const authority = readAuthority(input('cloud'), input('authority-host'), input('audience'));
  const exports = listOf('export', input('export'), exportTargets);
  const logins = listOf('login', input('login'), loginTargets);
  requireOneWay(exports);
  requireKnownTools(authority, exports, logins);

  const { cloud, cloudWithoutPreset } = authority;
  const aliases = { cloud, ...(cloudWithoutPreset !== undefined && { cloudWithoutPreset }) };
  const written = readScopeLines(input('scopes'), aliases);
  if (written.length === 0) requireDefaultScope(authority);
  // Without scopes the token is for Azure Resource Manager; beside a tool it only proves that the trust works.
  const defaultScope = written.length > 0 ? [] : readScopeLines('arm', aliases);
  const published = written.length > 0 || exports.length + logins.length > 0 ? written : defaultScope;
  const lines = [...written, ...defaultScope];
  const scopes = new Set(lines.filter(({ registry }) => registry === undefined).map(({ scope }) => scope));
  const registries = new Map(
    lines.flatMap(({ registry, scope }) =>
      registry === undefined ? [] : [[registry, { loginServer: registry, scope }] as const],
    ),
  );

  const subscription = input('subscription-id');
  return {
    clientId,
    tenantId,
    ...(agentIdentityId !== undefined && { agentIdentityId }),
    origin,
    cloud,
    authorityHost: authority.host,
    audience: authority.audience,
    scopes: [...scopes],
    registries: [...registries.values()],
    published,
    exports,
    logins,
    ...(subscription !== '' && {
      subscriptionId: guid('subscription-id', subscription, 'the subscription’s ID'),
    }),
    allowForkPullRequests: trueOrFalse('allow-fork-pull-requests', input('allow-fork-pull-requests')),
    timeBudget: seconds('timeout-seconds', input('timeout-seconds'), 1, 3600) * 1000,
  };
}

/** Without a scope the exchange is for Azure Resource Manager, whose address is not known in every cloud. */
function requireDefaultScope({ cloudWithoutPreset }: Authority): void {
  if (cloudWithoutPreset === undefined) return;
  throw new InputError(
    ['scopes', 'authority-host'],
    `No scope was given, and the address of Azure Resource Manager in the cloud of this sign-in host, ${cloudWithoutPreset}, is not known.`,
    'Use a full scope, such as https://management.example/.default.',
  );
}

function readAgentIdentity(value: string, clientId: string): string | undefined {
  if (value === '') return undefined;
  const expected = 'the agent identity’s client ID';
  const id = guid('agent-identity-id', value, expected);
  if (id !== clientId) return id;
  throw new InputError(
    ['agent-identity-id', 'client-id'],
    'Both have the same value.',
    `Set {input:client-id} to the agent identity blueprint, and {input:agent-identity-id} to ${expected}.`,
  );
}

function readOrigin(input: (name: InputName) => string): RequestedOrigin {
  const selectors = [
    ['managed-identity-client-id', 'client-id'],
    ['managed-identity-object-id', 'object-id'],
    ['managed-identity-resource-id', 'resource-id'],
    ['federated-token-file', 'token-file'],
  ] as const;
  const given = selectors.filter(([name]) => input(name) !== '');
  const [only, ...more] = given;
  if (only === undefined || more.length > 0) {
    throw new InputError(
      (only === undefined ? selectors : given).map(([name]) => name),
      only === undefined ? 'None of them has a value.' : 'Only one of them can have a value.',
      'Set exactly one of them to the machine’s user-assigned managed identity: its client ID, its object (principal) ID, or its resource ID. In a pod with AKS workload identity, set {input:federated-token-file} instead.',
    );
  }
  const [name, kind] = only;
  const value = input(name);
  if (kind === 'token-file') return { kind, path: absolutePath(value) };
  return {
    kind: 'managed-identity',
    identity: {
      kind,
      value:
        kind === 'resource-id'
          ? identityResourceId(value)
          : guid(
              name,
              value,
              `the managed identity’s ${kind === 'client-id' ? 'client' : 'object (principal)'} ID`,
            ),
    },
  };
}

function absolutePath(path: string): string {
  // Two slashes at the start name another computer or a device on Windows. A control character is never meant.
  if (isAbsolute(path) && !/^[\\/]{2}|\p{Cc}/u.test(path)) return path;
  throw new InputError(
    'federated-token-file',
    `${showValue(path)} is not the full path of a file of this machine.`,
    'Use the full path of the projected token, on AKS /var/run/secrets/azure/tokens/azure-identity-token.',
  );
}

/** The endpoint exists so that the assertion is not on the disk; every other tool reads it from there. */
function requireOneWay(exports: readonly ExportTarget[]): void {
  if (!exports.includes('managed-identity')) return;
  const others = exports.filter((tool) => tool !== 'managed-identity');
  if (others.length === 0) return;
  throw new InputError(
    'export',
    `managed-identity cannot stand beside ${others.join(', ')}: with it, no token lies on the disk, and for ${others.length === 1 ? 'this tool' : 'these tools'} the identity’s token would be written there.`,
    `Use managed-identity alone, for SDKs and all tools that ask for a managed identity. Or use ${others.join(', ')} without it.`,
  );
}

function requireKnownTools(
  authority: Authority,
  exports: readonly ExportTarget[],
  logins: readonly LoginTarget[],
): void {
  const named = exports.find((tool) => toolsThatNameClouds.includes(tool));
  if (authority.cloudWithoutPreset !== undefined && named !== undefined) {
    throw new InputError(
      ['export', 'authority-host'],
      `${named} has no name for the cloud of this sign-in host, ${authority.cloudWithoutPreset}.`,
      'Use azure-sdk, or a token with full scopes.',
    );
  }
  if (authority.foreignToCloud && named !== undefined) {
    throw new InputError(
      ['export', 'authority-host'],
      `${named} signs in at the host of the cloud ${authority.cloud.name}. It would not use ${authority.host}.`,
      'Omit {input:authority-host}, and name the cloud with {input:cloud}.',
    );
  }
  if (authority.foreignToCloud && logins.includes('azure-cli')) {
    throw new InputError(
      ['login', 'authority-host'],
      `The Azure CLI signs in at the sign-in host of its cloud ${authority.cloud.azureCli}. It would not use ${authority.host}.`,
      'Omit {input:authority-host}, and name the cloud with {input:cloud}.',
    );
  }
  if (
    logins.includes('git') &&
    (authority.cloud !== clouds.public || authority.cloudWithoutPreset !== undefined)
  ) {
    throw new InputError(
      ['login', authority.cloud === clouds.public ? 'authority-host' : 'cloud'],
      `Azure Repos exists only in the public cloud. git would not use a token of ${authority.cloudWithoutPreset ?? authority.cloud.azureCli}.`,
      'Omit git.',
    );
  }
}

/** Tools that have their own name for each cloud. */
const toolsThatNameClouds: readonly ExportTarget[] = ['terraform', 'pulumi', 'ansible'];
