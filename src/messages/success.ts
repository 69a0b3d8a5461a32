import type { LoginTarget } from '../azure/tools.ts';
import type { Exchanged } from '../exchange/request.ts';
import type { ToolHandover } from '../handover/tools.ts';
import type { StepRequest } from '../inputs/read.ts';
import { actorName } from './agent-identities.ts';
import { until } from './durations.ts';
import type { MessageContext } from './explanation.ts';

/** Which identity became which app in which tenant, for which scopes, and until when. Never a token. */
export function describeSuccess(
  request: StepRequest,
  exchanged: Exchanged,
  inputLabel: MessageContext['inputLabel'],
): string {
  const { clientId, agentIdentityId, origin } = request;
  const { assertion, tokens, registryTokens, tenantId } = exchanged;
  const tenant =
    tenantId === undefined || tenantId === request.tenantId
      ? request.tenantId
      : `${request.tenantId} (${tenantId})`;
  const inFile =
    request.exports.length + request.logins.length > 0 && !request.exports.includes('managed-identity');
  const place = inFile ? 'in a private file' : 'kept in memory only';
  const kept =
    agentIdentityId !== undefined
      ? `assertion (the blueprint’s token for this agent identity), ${place}`
      : origin.kind === 'token-file'
        ? `assertion (the pod’s service account token), in ${origin.path}`
        : `assertion (the identity’s own token), ${place}`;
  const became =
    agentIdentityId === undefined
      ? `became app ${clientId}`
      : `became, through blueprint ${clientId}, agent identity ${agentIdentityId}`;
  return [
    `${originName(request, exchanged)} ${became} in tenant ${tenant}:`,
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

function originName({ origin }: StepRequest, { assertion }: Exchanged): string {
  const claims = assertion.obtainedWith ?? assertion.claims;
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
  const { variables, replaced, kept, emptied, endpoint, expiresOn } = handover;
  const names = (tool: string): string =>
    variables
      .filter((variable) => variable.tool === tool)
      .map(({ name }) => name)
      .join(', ');
  const { exports, logins, subscriptionId, origin, agentIdentityId } = request;
  const who = actorName(request);
  const projected = origin.kind === 'token-file' && agentIdentityId === undefined ? origin.path : undefined;
  return [
    endpoint !== undefined
      ? 'For the later steps of this job, as long as it runs:'
      : projected === undefined
        ? `For the later steps of this job, until ${until(expiresOn)}:`
        : `For the later steps of this job, with the token that the pod has at that time in ${projected}:`,
    ...exports.map((tool) =>
      tool === 'managed-identity'
        ? `  whoever asks for a managed identity acts as ${who}, through the identity endpoint on ${endpoint ?? ''} (${names(tool)})`
        : `  ${tool} acts as ${who} through ${names(tool)}`,
    ),
    ...logins.map((tool) =>
      tool === 'git'
        ? `  git gets tokens of ${who} for Azure Repos (dev.azure.com and *.visualstudio.com) from a credential helper of this job only (through GIT_CONFIG_COUNT)`
        : `  ${tool} is signed in as ${who}${subscriptionId === undefined ? '' : `, subscription ${subscriptionId}`}, in a directory of this job only (${names(tool)})`,
    ),
    ...replaced.map((name) => `  ${name} had another value in this job. The new value replaces it`),
    ...emptied.map(
      ({ name, conflict }) => `  ${name} does not keep its value in the later steps, because it ${conflict}`,
    ),
    // A subscription variable if no subscription was given: the job's own, or one of an earlier use for another app.
    ...kept.map((name) => `  ${name} keeps its value in this job, because no subscription was given here`),
    endpoint !== undefined
      ? endpointEnds(logins.length > 0)
      : lastLine(
          projected === undefined
            ? agentIdentityId === undefined
              ? 'the identity’s token'
              : 'the blueprint’s token'
            : undefined,
          logins.length > 0,
        ),
  ].join('\n');
}

function endpointEnds(signedIn: boolean): string {
  return `No token is written to the disk. The identity endpoint ends${signedIn ? ', and the sign-in is removed,' : ''} when the job ends.`;
}

/** What the clean-up does. The pod's own file is nothing of the step's. */
function lastLine(written: string | undefined, signedIn: boolean): string {
  if (written !== undefined) {
    return `The file with ${written}${signedIn ? ' and the sign-in' : ''} is removed when the job ends.`;
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

/** Nobody replaces a blueprint's token in its file, and az keeps its own copy. */
export function describeAgentIdentitySession(expiresOn: Date, signedIn: readonly LoginTarget[]): string {
  const tools = signedIn.map((tool) => (tool === 'git' ? 'git' : 'The Azure CLI')).join(' and ');
  return `${tools} can get new tokens only until ${until(expiresOn)}, when the blueprint’s token expires. Run this step again before any step that uses ${signedIn.length > 1 ? 'them' : 'it'} after that time.`;
}
