import type { Exchanged } from '../exchange/request.ts';
import type { StepRequest } from '../inputs/read.ts';
import { until } from './durations.ts';
import type { KnownOfRun } from './known.ts';

/** Which identity became which app in which tenant, for which scopes and until when. Never a token. */
export function describeSuccess(
  request: StepRequest,
  { assertion, tokens, tenantId }: Exchanged,
  spell: KnownOfRun['spell'],
): string {
  const { clientId, identity } = request;
  const inFile = request.exports.length + request.logins.length > 0;
  const { claims } = assertion;
  const others = [
    identity.kind !== 'client-id' && claims.clientId !== undefined && `client ID ${claims.clientId}`,
    identity.kind !== 'object-id' && claims.subject !== undefined && `principal ID ${claims.subject}`,
  ].filter((part) => part !== false);
  const written = new Map(request.published.map((line) => [line.scope, line]));
  const tenant =
    tenantId === undefined || tenantId === request.tenantId
      ? request.tenantId
      : `${request.tenantId} (${tenantId})`;
  const lines = [...tokens].map(([scope, { expiresOn }]) => {
    const line = written.get(scope);
    const use =
      line === undefined
        ? ', which proves the trust and is not handed over'
        : line.name === undefined
          ? `, handed over in ${spell(line === request.published[0] ? 'access-token' : 'access-tokens')}`
          : `, handed over as ${line.name}`;
    return `  token for ${scope} until ${until(expiresOn)}${use}`;
  });
  return [
    `Managed identity ${identity.value}${others.length > 0 ? ` (${others.join(', ')})` : ''} became app ${clientId} in tenant ${tenant}:`,
    ...lines,
    `  the identity’s own token, the assertion, ${inFile ? '' : 'kept in memory only, '}lives until ${until(assertion.expiresOn)}`,
  ].join('\n');
}
