import { OwnEndpointError } from '../endpoint/own-endpoint.ts';
import { ExchangeError } from '../exchange/errors.ts';
import { HandoverError } from '../handover/errors.ts';
import { HostSettingError } from '../hosts/host.ts';
import { InputError, StepDeclined } from '../inputs/errors.ts';
import { explainExchangeError } from './exchange-failures.ts';
import type { MessageContext } from './explanation.ts';
import { type Explanation, type FailureText, textOf } from './explanation.ts';
import { foreignText } from './foreign-text.ts';
import { explainHandoverError } from './handover-failures.ts';
import { explainOwnEndpoint } from './own-endpoint.ts';
import { fill } from './templates.ts';

/** Everything that can end a step, as its user sees it. */
export function describeFailure(error: unknown, context: MessageContext): FailureText {
  return textOf(explain(error, context));
}

function explain(error: unknown, context: MessageContext): Explanation {
  if (error instanceof InputError) return explainInput(error, context);
  if (error instanceof StepDeclined) return explainDeclined(error, context);
  if (error instanceof HostSettingError) {
    const { setting, problem, fix } = error.detail;
    // A variable's name stays as it is written: `https_proxy`.
    const subject = setting.includes(' ') ? upperFirst(setting) : setting;
    return { what: `${subject} ${problem}. Nothing was requested.`, fix };
  }
  if (error instanceof ExchangeError) return explainExchangeError(error.detail, context);
  if (error instanceof OwnEndpointError) return explainOwnEndpoint(error.detail, context);
  if (error instanceof HandoverError) return explainHandoverError(error.detail, context);
  const message = error instanceof Error ? error.message : String(error);
  const { debugSwitch, secrets } = context;
  const [subject, again] =
    debugSwitch === undefined
      ? ['The step', 'the job again with debug logging on']
      : ['The command', `it again with ${debugSwitch}`];
  return {
    what: `${subject} failed unexpectedly: ${foreignText(message, secrets, 500)}`,
    fix: `Run ${again}, and report this message with the debug lines.`,
  };
}

function explainInput(
  { detail }: InputError,
  { inputLabel, inputNoun = 'Input' }: MessageContext,
): Explanation {
  const names = detail.inputs.map((name) => inputLabel(name));
  const label =
    names.length === 1
      ? `${inputNoun} ${names[0]}`
      : `${inputNoun}s ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const filled = (text: string): string => fill(text, {}, inputLabel);
  return { what: `${label}: ${filled(detail.problem)} ${filled(detail.expected)}` };
}

function explainDeclined({ code, detail }: StepDeclined, { inputLabel }: MessageContext): Explanation {
  switch (code) {
    case 'fork':
      return {
        what: `This run is for a pull request from a fork, or for one of unknown origin: ${detail}.`,
        cause: 'A fork’s code could send the app’s tokens anywhere. Nothing was requested or handed over.',
        fix: `If you trust forks, set ${inputLabel('allow-fork-pull-requests')} to true. If an earlier step has checked where the code comes from, set it there.`,
      };
    case 'tls-verification-off':
      return {
        what: 'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of certificates.',
        cause: 'Anyone on the network path to Entra could read the identity’s token. Nothing was requested.',
        fix: 'Unset it. For a proxy or server with a certificate authority of its own, set NODE_EXTRA_CA_CERTS to the path of that authority’s certificate.',
      };
  }
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
