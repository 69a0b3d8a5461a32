import type { OwnEndpointProblem } from '../endpoint/own-endpoint.ts';
import type { Explanation, MessageContext } from './explanation.ts';
import { foreignText } from './foreign-text.ts';

const causes: Readonly<Record<OwnEndpointProblem['kind'], string>> = {
  'no-answer': 'Nothing answers there. The command or the job that started it has ended.',
  refused: 'It did not accept IDENTITY_HEADER, so another program listens there now.',
  'unusable-answer': 'What it names is not an identity endpoint of this machine.',
};

/** The environment has an endpoint of ours, and the machine behind it cannot be found. */
export function explainOwnEndpoint(
  { kind, address, found }: OwnEndpointProblem,
  { secrets }: MessageContext,
): Explanation {
  return {
    what: `IDENTITY_ENDPOINT is the identity endpoint of an earlier use of this step or command, ${foreignText(address, secrets, 100)}, and it did not say which machine this is. Nothing was requested.`,
    said: [`  Found: ${foreignText(found, secrets, 300)}`],
    cause: causes[kind],
    fix: 'Unset IDENTITY_ENDPOINT and IDENTITY_HEADER for this step. On App Service and Container Apps, set them to the machine’s own values.',
  };
}
