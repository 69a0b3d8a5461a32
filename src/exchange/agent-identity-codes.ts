import { type EntraCodeRow, rowByPrefix } from './entra-codes.ts';
import type { Actor } from './errors.ts';

/** A row that counts only if Entra was asked as this one. */
export interface AgentIdentityCodeRow extends EntraCodeRow {
  readonly actor: Exclude<Actor, 'app'>;
}

/** The blueprint of an agent identity, as Graph knows it. */
const findBlueprint =
  '\n  az rest --url "{graph}/beta/servicePrincipals/{agent}/microsoft.graph.agentIdentity" --query agentIdentityBlueprintId --output tsv';

/** The agent identities of a blueprint. */
const listAgentIdentities =
  '\n  az rest --url "{graph}/beta/servicePrincipals/microsoft.graph.agentIdentity" --query "value[?agentIdentityBlueprintId==\'{blueprint}\'].[displayName, appId]" --output tsv';

/**
 * What a code of `entra-codes.ts` means instead in one of the two requests for an agent identity. Whether it is tried
 * again, the row there says.
 *
 * Sources: https://learn.microsoft.com/entra/agent-id/agent-autonomous-app-oauth-flow,
 * https://learn.microsoft.com/entra/agent-id/error-codes. Which code Entra sends for a child of another blueprint, and
 * for an unknown or disabled agent identity, is inferred from the codes of service principals.
 */
export const agentIdentityCodes: readonly AgentIdentityCodeRow[] = [
  {
    actor: 'blueprint',
    codes: ['70021', '700211', '700212', '700213', '70025'],
    cause:
      'Blueprint {blueprint} has no federated identity credential that matches the {assertion}, or tenant {tenant} is not the blueprint’s own.',
    fix: 'If {input:tenant-id} is the tenant of the agent identity, create the credential with the command below, or correct the value that differs.',
    show: 'trust',
  },
  {
    actor: 'blueprint',
    codes: ['700016', '7000229', '650059', '50194', '50020'],
    cause:
      'Blueprint {blueprint} does not exist in tenant {tenant}, or it has no blueprint principal there. Agent identities are single-tenant.',
    fix: 'Set {input:tenant-id} to the tenant of agent identity {agent}, and {input:client-id} to the client ID of its blueprint. If both are right, create the blueprint principal: https://learn.microsoft.com/entra/agent-id/create-blueprint',
  },
  {
    actor: 'agent-identity',
    codes: ['70021', '700211', '700212', '700213', '70025'],
    cause:
      'Agent identity {agent} does not accept the token of {blueprint}: it is the child of another blueprint, or {blueprint} is a plain app registration.',
    fix: `Set {input:client-id} to the blueprint of the agent identity. To find it, signed in to tenant {tenant}:${findBlueprint}`,
  },
  {
    actor: 'agent-identity',
    codes: ['700016', '7000229'],
    cause:
      'Agent identity {agent} does not exist in tenant {tenant}. A new one can take minutes to appear, and agent identities are single-tenant.',
    fix: `Set {input:agent-identity-id} to the client ID of the agent identity, not of its blueprint, and {input:tenant-id} to its own tenant. To list the agent identities of the blueprint:${listAgentIdentities}`,
  },
  {
    actor: 'agent-identity',
    codes: ['7000112', '7000111'],
    cause: 'Agent identity {agent} is disabled in tenant {tenant}.',
    fix: 'Ask its sponsors why. To enable it: az ad sp update --id {agent} --set accountEnabled=true',
  },
  {
    actor: 'agent-identity',
    codes: ['501051'],
    cause:
      'The resource of scope {scope} requires agent identity {agent} to have one of its app roles, and it has none.',
    fix: 'Assign an app role of the API to the agent identity itself. Roles of its blueprint do not count.',
  },
  {
    actor: 'agent-identity',
    codes: ['53003', '530032', '530035'],
    cause: 'A Conditional Access policy in tenant {tenant} blocks agent identity {agent}.',
    fix: 'Ask an administrator of tenant {tenant} to exclude the agent identity, or to allow this machine’s network.',
  },
];

/** The row that counts only for `actor`, if there is one. */
export function agentIdentityCodeRow(codes: readonly string[], actor: Actor): EntraCodeRow | undefined {
  return rowByPrefix(
    agentIdentityCodes.filter((row) => row.actor === actor),
    codes,
  );
}
