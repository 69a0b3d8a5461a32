import type { Exchanged } from '../exchange/request.ts';
import type { ToolHandover } from '../handover/tools.ts';
import type { StepRequest } from '../inputs/read.ts';
import { until } from './durations.ts';
import type { MessageContext } from './explanation.ts';

/** Which identity became which app in which tenant, for which scopes, and until when. Never a token. */
export function describeSuccess(
  request: StepRequest,
  exchanged: Exchanged,
  inputLabel: MessageContext['inputLabel'],
): string {
  const { clientId, origin } = request;
  const { assertion, tokens, registryTokens, tenantId } = exchanged;
  const tenant =
    tenantId === undefined || tenantId === request.tenantId
      ? request.tenantId
      : `${request.tenantId} (${tenantId})`;
  const inFile = request.exports.length + request.logins.length > 0;
  const kept =
    origin.kind === 'token-file'
      ? `assertion (the pod’s service account token), in ${origin.path}`
      : `assertion (the identity’s own token), ${inFile ? 'in a private file' : 'kept in memory only'}`;
  return [
    `${originName(request, exchanged)} became app ${clientId} in tenant ${tenant}:`,
    ...[...tokens].map(([scope, { expiresOn }]) => {
      const lines = request.published.filter((line) => line.scope === scope && line.registry === undefined);
      return `  token for ${scope}, valid until ${until(expiresOn)}${use(request, lines, inputLabel)}`;
    }),
    ...[...registryTokens].map(([registry, { expiresOn }]) => {
      const lines = request.published.filter((line) => line.registry === registry);
      return `  token for registry ${registry}, valid until ${until(expiresOn)}${use(request, lines, inputLabel)}`;
    }),
    `  ${kept}, valid until ${until(assertion.expiresOn)}`,
  ].join('\n');
}

function originName({ origin }: StepRequest, { assertion: { claims } }: Exchanged): string {
  if (origin.kind === 'token-file') return `Service account ${claims.subject ?? ''}`.trim();
  const { identity } = origin;
  const others = [
    identity.kind !== 'client-id' && claims.clientId !== undefined && `client ID ${claims.clientId}`,
    identity.kind !== 'object-id' && claims.subject !== undefined && `principal ID ${claims.subject}`,
  ].filter((part) => part !== false);
  return `Managed identity ${identity.value}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
}

/** Every place where the job finds the token: its scope may stand on several lines. */
function use(
  request: StepRequest,
  lines: StepRequest['published'],
  inputLabel: MessageContext['inputLabel'],
): string {
  if (lines.length === 0) return '; requested only to check the trust, not handed over';
  const places = [
    ...(lines.includes(request.published[0] as (typeof lines)[number]) ? [inputLabel('access-token')] : []),
    ...lines.map(({ name, written }) => name ?? `${inputLabel('access-tokens')}[${JSON.stringify(written)}]`),
  ];
  return `; handed over as ${places.join(', ')}`;
}

/** Names of token variables that had another value in the job before this step. */
export function describeReplacedTokens(names: readonly string[]): string {
  return names.map((name) => `${name} had another value in this job. The new token replaces it.`).join('\n');
}

/** What the job's tools received, and until when it lasts. */
export function describeTools(request: StepRequest, handover: ToolHandover): string {
  const { variables, replaced, kept, expiresOn } = handover;
  const names = (tool: string): string =>
    variables
      .filter((variable) => variable.tool === tool)
      .map(({ name }) => name)
      .join(', ');
  const { exports, logins, clientId, subscriptionId, origin } = request;
  const projected = origin.kind === 'token-file' ? origin.path : undefined;
  return [
    projected === undefined
      ? `For the later steps of this job, until ${until(expiresOn)}:`
      : `For the later steps of this job, with the token that the pod has at that time in ${projected}:`,
    ...exports.map((tool) => `  ${tool} acts as app ${clientId} through ${names(tool)}`),
    ...logins.map((tool) =>
      tool === 'git'
        ? `  git gets tokens of app ${clientId} for Azure Repos (dev.azure.com and *.visualstudio.com) from a credential helper of this job only (through GIT_CONFIG_COUNT)`
        : `  ${tool} is signed in as app ${clientId}${subscriptionId === undefined ? '' : `, subscription ${subscriptionId}`}, in a directory of this job only (${names(tool)})`,
    ),
    ...replaced.map((name) => `  ${name} had another value in this job. The new value replaces it`),
    // A subscription variable if no subscription was given: the job's own, or one of an earlier use for another app.
    ...kept.map((name) => `  ${name} keeps its value in this job, because no subscription was given here`),
    lastLine(projected !== undefined, logins.length > 0),
  ].join('\n');
}

/** What the clean-up does. The pod's own file is nothing of the step's. */
function lastLine(projected: boolean, signedIn: boolean): string {
  if (!projected) {
    return `The file with the identity’s token${signedIn ? ' and the sign-in' : ''} is removed when the job ends.`;
  }
  return signedIn
    ? 'The sign-in is removed when the job ends.'
    : 'There is nothing to remove when the job ends: the step wrote no file.';
}

/** Without its date the time would be ambiguous around midnight, so the whole moment is shown. */
export function describeEarlyExpiry({ expiresOn }: ToolHandover): string {
  return `The tools’ credentials expire early, at ${until(expiresOn)}, because Azure returned a cached token. Run this step again before any step that runs past that time.`;
}

/** az keeps the assertion that it was given: azure-cli-core, `auth/identity.py`, `ServicePrincipalAuth`. */
export function describePodSession({ expiresOn }: ToolHandover): string {
  return `The Azure CLI can get new tokens only until ${until(expiresOn)}, when the pod’s token expires: az does not read the file again. Run this step again before any step that uses az after that time.`;
}
