import type { EntraClient } from './app-token.ts';
import { textClaim } from './claims.ts';
import type { ExchangeRequest } from './request.ts';
import type { Mismatch } from './token-checks.ts';

/**
 * Agent identities (Microsoft Entra Agent ID, preview). An agent identity has no credential. Its blueprint asks Entra
 * for a token that names the agent identity, and the agent identity presents that token as its client assertion.
 * https://learn.microsoft.com/entra/agent-id/agent-autonomous-app-oauth-flow
 */

/** As whom app tokens are requested. */
export function tokenClient({ clientId, agentIdentityId }: ExchangeRequest): EntraClient {
  if (agentIdentityId === undefined) return { actor: 'app', clientId };
  return {
    actor: 'agent-identity',
    clientId: agentIdentityId,
    mismatch: (claims) => {
      const parent = textClaim(claims, parentClaim);
      return parent !== undefined && parent.toLowerCase() !== clientId.toLowerCase()
        ? { reason: 'other-blueprint', found: parent }
        : undefined;
    },
  };
}

/** As whom the blueprint's token for one agent identity is requested. */
export function blueprintClient(clientId: string, agentIdentityId: string): EntraClient {
  return {
    actor: 'blueprint',
    clientId,
    fmiPath: agentIdentityId,
    mismatch: (claims): Mismatch | undefined => {
      const named = agentIdentityIn(textClaim(claims, 'sub'));
      return named !== undefined && named !== agentIdentityId.toLowerCase()
        ? { reason: 'other-agent-identity', found: named }
        : undefined;
    },
  };
}

/** The claim of an agent identity's token that has its blueprint: https://learn.microsoft.com/entra/agent-id/agent-token-claims */
export const parentClaim = 'xms_par_app_azp';

/**
 * The agent identity in the subject of a blueprint's token, in lower case. Nothing if the subject does not have the form
 * of published tokens: Microsoft asks clients to treat these tokens as opaque, so another form is not judged.
 */
export function agentIdentityIn(subject: string | undefined): string | undefined {
  const form =
    /^\/eid1\/c\/[\w-]{1,30}\/t\/[\w-]{22}\/a\/[\w-]{22}\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/iu;
  return form.exec(subject?.slice(0, 300) ?? '')?.[1]?.toLowerCase();
}
