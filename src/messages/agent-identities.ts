import { findAlias } from '../azure/scope-aliases.ts';
import { agentIdentityIn } from '../exchange/agent-identity.ts';
import type { AssertionClaims } from '../exchange/request.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { MessageContext } from './explanation.ts';
import { foreignText } from './foreign-text.ts';

type Ids = Pick<StepRequest, 'clientId' | 'agentIdentityId'>;

/** Whom the job acts as. */
export function actorName({ clientId, agentIdentityId }: Ids): string {
  return agentIdentityId === undefined ? `app ${clientId}` : `agent identity ${agentIdentityId}`;
}

/** The same, with the blueprint of an agent identity. */
export function actorWithBlueprint(ids: Ids): string {
  return ids.agentIdentityId === undefined
    ? actorName(ids)
    : `${actorName(ids)} of blueprint ${ids.clientId}`;
}

/** Microsoft Graph of the request's cloud. */
export function graphOf(request: Pick<StepRequest, 'cloud'> | undefined): string {
  const { resource } = findAlias('graph') ?? {};
  return resource?.[request?.cloud.name ?? 'public'] ?? 'https://graph.microsoft.com';
}

/** What the token that an agent identity did not accept says of itself. */
export function describeBlueprintToken(
  assertion: AssertionClaims | undefined,
  { request, secrets }: MessageContext,
): readonly string[] {
  const { subject } = assertion ?? {};
  if (subject === undefined) return [];
  const shown = `The token of ${request?.clientId ?? ''} has the subject ${foreignText(subject, secrets, 200)}.`;
  return agentIdentityIn(subject) === undefined
    ? [
        `${shown} The subject of a blueprint’s token has the form /eid1/c/pub/t/…/a/…/<agent identity>, so ${request?.clientId ?? ''} is probably a plain app registration.`,
      ]
    : [`${shown} This is a blueprint’s token, so the agent identity has another blueprint.`];
}
