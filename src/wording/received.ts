import type { Received } from '../handover/tools.ts';
import type { StepRequest } from '../inputs/read.ts';
import { until } from './durations.ts';

/** What the job's tools were given and until when it lasts. */
export function describeReceived(
  request: StepRequest,
  { variables, replaced, kept, expiresOn }: Received,
): string {
  const names = (tool: string): string =>
    variables
      .filter((variable) => variable.tool === tool)
      .map(({ name }) => name)
      .join(', ');
  const { exports, logins, clientId, subscriptionId } = request;
  return [
    `For this job’s later steps, until ${until(expiresOn)}:`,
    ...exports.map((tool) => `  ${tool} acts as app ${clientId} by ${names(tool)}`),
    ...logins.map(
      (tool) =>
        `  ${tool} is signed in as app ${clientId}${subscriptionId === undefined ? '' : `, subscription ${subscriptionId}`}, in a directory of this job alone (${names(tool)})`,
    ),
    ...replaced.map((name) => `  ${name} had another value in this job; the new one replaces it`),
    // ARM_SUBSCRIPTION_ID, where no subscription was given: the job's own, or an earlier use's for another app.
    ...kept.map(
      (name) => `  ${name} keeps the value it has in this job, since no subscription was given here`,
    ),
    `The file with the identity’s token${logins.length > 0 ? ' and the sign-in' : ''} is removed when the job ends.`,
  ].join('\n');
}

export function describeEarlyEnd({ expiresOn }: Received): string {
  return `What the tools were given ends early, at ${until(expiresOn)}: the machine keeps its identity’s token for a day and hands out what is left of it. Steps that run longer than that need this one again before them.`;
}
