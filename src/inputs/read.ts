import type { Cloud } from '../azure/clouds.ts';
import type { InputName } from '../contract.ts';
import type { IdentitySelector } from '../exchange/request.ts';
import {
  type ExportTarget,
  exportTargets,
  type LoginTarget,
  loginTargets,
} from '../handover/tool-variables.ts';
import { type Authority, readAuthority } from './authority.ts';
import { guid, identityResourceId, tenant } from './identifiers.ts';
import { listOf, trueOrFalse, wholeNumber } from './lists.ts';
import { InputProblem } from './problem.ts';
import { readScopeLines, type ScopeLine } from './scope-lines.ts';

/** What the user asked for, validated. After this nothing reads an input. */
export interface StepRequest {
  readonly clientId: string;
  readonly tenantId: string;
  readonly identity: IdentitySelector;
  readonly cloud: Cloud;
  readonly authorityHost: string;
  readonly audience: string;
  /** The scopes to exchange for, each once. */
  readonly scopes: readonly [string, ...string[]];
  /** The tokens to publish, in the user's order; none when the exchange only proves the trust. */
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
 * @throws InputProblem naming the first input that is wrong
 */
export function readStepRequest(input: (name: InputName) => string): StepRequest {
  const clientId = guid('client-id', input('client-id'), 'the app registration’s application (client) ID');
  const tenantId = tenant(input('tenant-id'));
  const identity = readIdentity(input);
  const authority = readAuthority(input('cloud'), input('authority-host'), input('audience'));
  const exports = listOf('export', input('export'), exportTargets);
  const logins = listOf('login', input('login'), loginTargets);
  refuseUnknownTools(authority, exports, logins);

  const { cloud, unnamedCloud } = authority;
  const aliases = { cloud, ...(unnamedCloud !== undefined && { unnamedCloud }) };
  const written = readScopeLines(input('scopes'), aliases);
  if (written.length === 0) refuseNoScope(authority);
  // Left out, the token is for Azure Resource Manager; beside a tool it only proves that the trust holds.
  const standIn = written.length > 0 ? [] : readScopeLines('arm', aliases);
  const published = written.length > 0 || exports.length + logins.length > 0 ? written : standIn;
  const [first, ...rest] = new Set([...written, ...standIn].map((line) => line.scope));
  if (first === undefined) throw new Error('a request without a scope');

  const subscription = input('subscription-id');
  return {
    clientId,
    tenantId,
    identity,
    cloud,
    authorityHost: authority.host,
    audience: authority.audience,
    scopes: [first, ...rest],
    published,
    exports,
    logins,
    ...(subscription !== '' && {
      subscriptionId: guid('subscription-id', subscription, 'the subscription’s ID'),
    }),
    allowForkPullRequests: trueOrFalse('allow-fork-pull-requests', input('allow-fork-pull-requests')),
    timeBudget: wholeNumber('timeout-seconds', input('timeout-seconds') || '120', 1, 3600) * 1000,
  };
}

/** Without a scope the exchange is made for Azure Resource Manager, whose address is not known everywhere. */
function refuseNoScope({ unnamedCloud }: Authority): void {
  if (unnamedCloud === undefined) return;
  throw new InputProblem(
    ['scopes', 'authority-host'],
    `No scope was given, and Azure Resource Manager’s is not known in the cloud ${unnamedCloud} of this sign-in host.`,
    'Give a full scope, such as https://management.example/.default.',
  );
}

function readIdentity(input: (name: InputName) => string): IdentitySelector {
  const selectors = [
    ['managed-identity-client-id', 'client-id'],
    ['managed-identity-object-id', 'object-id'],
    ['managed-identity-resource-id', 'resource-id'],
  ] as const;
  const given = selectors.filter(([name]) => input(name) !== '');
  const [only, ...more] = given;
  if (only === undefined || more.length > 0) {
    throw new InputProblem(
      (only === undefined ? selectors : given).map(([name]) => name),
      only === undefined ? 'None of them was given.' : 'Only one of them may be given.',
      'Name the user-assigned managed identity of this machine by exactly one: its client ID, its object (principal) ID or its resource ID.',
    );
  }
  const [name, kind] = only;
  const value = input(name);
  return {
    kind,
    value:
      kind === 'resource-id'
        ? identityResourceId(value)
        : guid(
            name,
            value,
            `the managed identity’s ${kind === 'client-id' ? 'client' : 'object (principal)'} ID`,
          ),
  };
}

function refuseUnknownTools(
  authority: Authority,
  exports: readonly ExportTarget[],
  logins: readonly LoginTarget[],
): void {
  if (authority.unnamedCloud !== undefined && exports.includes('terraform')) {
    throw new InputProblem(
      ['export', 'authority-host'],
      `Terraform has no name for the cloud ${authority.unnamedCloud} of this sign-in host.`,
      'Export azure-sdk, or take a token with full scopes.',
    );
  }
  if (authority.foreignToCloud && logins.length > 0) {
    throw new InputProblem(
      ['login', 'authority-host'],
      `The Azure CLI signs in at the sign-in host of its cloud ${authority.cloud.azureCli} and would not use ${authority.host}.`,
      'Leave authority-host out and name the cloud by cloud.',
    );
  }
}
