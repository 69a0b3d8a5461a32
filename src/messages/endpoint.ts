import type { MalformedQuestion, Refusal } from '../endpoint/protocol.ts';
import type { EndpointObserver } from '../endpoint/server.ts';
import { isoSeconds } from '../handover/tokens.ts';
import { sanitizeForLog } from '../hosts/sanitize.ts';
import type { MessageContext } from './explanation.ts';
import { describeFailure } from './failures.ts';
import { foreignText } from './foreign-text.ts';

/** What the identity endpoint says: to its clients, which show it to their users, and in its own log. */

export function describeHandOut({
  resource,
  expiresOn,
}: Parameters<EndpointObserver['handedOut']>[0]): string {
  return `Handed out a token for ${resource}, valid until ${isoSeconds(expiresOn)}.`;
}

/** What is wrong with a request, and what would be right. */
const malformed: Readonly<Record<MalformedQuestion, string>> = {
  'api-version': 'The parameter api-version must be 2019-08-01 or later.',
  'repeated-parameter': 'A parameter is given twice.',
  'no-resource': 'The parameter resource is missing.',
  'two-resources': 'Both resource and scope are given. Use one of them.',
  'unusable-resource': 'The parameter resource is not the name of one API.',
};

/**
 * The answer to a client. SDKs print it into the log of a job, so it is one line that no host takes for a command.
 */
export function explainToClient(refusal: Refusal, context: MessageContext): string {
  return sanitizeForLog(`entra-app-token: ${explain(refusal, context)}`.replace(/\s*\n\s*/gu, ' '));
}

/** The line, or the diagnosis, for the log of the endpoint. */
export function describeRefusal(refusal: Refusal, context: MessageContext): string {
  if (refusal.kind !== 'exchange-failed') return explain(refusal, context);
  const { error, diagnosis } = describeFailure(refusal.error, context);
  return diagnosis ?? error;
}

function explain(refusal: Refusal, context: MessageContext): string {
  const quoted = (text: string): string => foreignText(text, context.secrets, 200);
  switch (refusal.kind) {
    case 'wrong-host':
      return 'The Host header does not name this identity endpoint. Use IDENTITY_ENDPOINT as it is, without a proxy.';
    case 'wrong-header':
      return 'The header X-IDENTITY-HEADER must have the value of IDENTITY_HEADER.';
    case 'unknown-path':
      return 'There is nothing at this path. Use IDENTITY_ENDPOINT as it is.';
    case 'has-body':
      return 'A request for a token has no body.';
    case 'malformed':
      return malformed[refusal.problem];
    case 'exchange-audience':
      return `No token for ${quoted(refusal.resource)}: this identity endpoint answers as the app itself, so no token exchange is needed. Remove the exchange from the program, and use its managed identity credential directly.`;
    case 'not-allowed':
      return `No token for ${quoted(refusal.resource)}: only these scopes are allowed: ${refusal.allowed.join(', ')}.`;
    case 'too-many-exchanges':
      return `No token for ${quoted(refusal.resource)}: this minute had ${refusal.mostPerMinute} exchanges already. Make one credential and use it again: it keeps its tokens.`;
    case 'exchange-failed':
      return describeFailure(refusal.error, context).error;
  }
}

/** A variable that the command does not get. */
export function describeRemoved({ name, conflict }: { name: string; conflict: string }): string {
  return `${name} is not passed to the command: it ${conflict}.`;
}

export function describeNoEndpoint(words: string): string {
  return `The identity endpoint could not be started on 127.0.0.1, so the command was not run: ${words}`;
}

export function describeNotStarted(program: string, words: string): string {
  return `The command ${program} could not be started: ${words}`;
}

export const azureCliDidNotAsk =
  'Warning: az did not ask the identity endpoint. az before 2.73 asks the machine instead, and then it is not signed in as the app. Update az: az upgrade.';
