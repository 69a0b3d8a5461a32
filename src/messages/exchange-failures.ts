import { agentIdentityCodeRow } from '../exchange/agent-identity-codes.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import type { Actor, ErrorResponse, ExchangeProblem, RequestFailure } from '../exchange/errors.ts';
import { identityErrorRow } from '../exchange/identity-errors.ts';
import { registryErrorRow } from '../exchange/registry-errors.ts';
import type { AssertionClaims } from '../exchange/request.ts';
import { isShownAudience } from '../inputs/authority.ts';
import { actorName, actorWithBlueprint, describeBlueprintToken } from './agent-identities.ts';
import { connectionFailures } from './connection-failures.ts';
import { duration } from './durations.ts';
import type { Explanation, MessageContext } from './explanation.ts';
import { foreignAddress, foreignText } from './foreign-text.ts';
import { fill, runValues } from './templates.ts';
import { assertionFileCauses, tokenFileFailures } from './token-files.ts';
import { diagnoseTrust, warnOfForgedAssertion } from './trust.ts';
import { unusableAnswers } from './unusable-answers.ts';

/** Why an exchange failed. */
export function explainExchangeError(detail: ExchangeProblem, context: MessageContext): Explanation {
  switch (detail.kind) {
    case 'unfit-machine':
      return {
        what: `This machine is ${detail.machine}, which this step cannot use. Nothing was requested.`,
        cause: detail.reason,
        fix: detail.fix,
      };
    case 'metadata-override':
      return {
        what: `AZURE_POD_IDENTITY_AUTHORITY_HOST replaces the address of the metadata service with ${foreignAddress(detail.value, context.secrets)}. Nothing was requested.`,
        cause:
          'Only a loopback address is accepted, for tests. With any other address, the job’s environment could choose a server that issues false identities.',
        fix: 'Unset AZURE_POD_IDENTITY_AUTHORITY_HOST.',
      };
    case 'unusable-token-file':
      return explainTokenFile(detail, context);
    case 'invalid-endpoint':
      return {
        what: `IDENTITY_ENDPOINT is not an http or https address: ${foreignAddress(detail.value, context.secrets)}. Nothing was requested.`,
        fix: 'Make sure that IDENTITY_ENDPOINT and IDENTITY_HEADER are this container’s own, not set by the job or an image.',
      };
    case 'invalid-header':
      return {
        what: 'IDENTITY_HEADER contains characters that an HTTP header cannot have. Nothing was requested.',
        fix: 'Make sure that IDENTITY_ENDPOINT and IDENTITY_HEADER are this container’s own, not set by the job or an image.',
      };
    case 'unusable-assertion-file':
      return {
        what: `The identity’s token in ${detail.path} cannot be used. Nothing was requested.`,
        cause: fill(
          assertionFileCauses[detail.problem],
          {
            found: foreignText(detail.found, context.secrets, 300),
            lifetime: context.request?.agentIdentityId === undefined ? 'up to 24 hours' : 'about an hour',
          },
          context.inputLabel,
        ),
        fix: 'Run the step that wrote it again in this job, before this command.',
      };
    default:
      return explainRequest(detail, context);
  }
}

function explainTokenFile(
  { path, problem, found, audience, readBefore }: Extract<ExchangeProblem, { kind: 'unusable-token-file' }>,
  { inputLabel, secrets }: MessageContext,
): Explanation {
  const values = {
    found: foreignText(found, secrets, 300),
    audience: isShownAudience(audience) ? audience : `in ${inputLabel('audience')}`,
  };
  const { cause, fix } = tokenFileFailures[problem];
  const end = readBefore ? 'can no longer be used' : 'cannot be used. Nothing was requested';
  return {
    what: `Input ${inputLabel('federated-token-file')}: the token in ${foreignText(path, secrets, 300)} ${end}.`,
    cause: fill(cause, values, inputLabel),
    fix: fill(fix, values, inputLabel),
  };
}

type FailedRequest = Exclude<
  ExchangeProblem,
  {
    kind:
      | 'unfit-machine'
      | 'metadata-override'
      | 'invalid-endpoint'
      | 'invalid-header'
      | 'unusable-token-file'
      | 'unusable-assertion-file';
  }
>;

function explainRequest(detail: FailedRequest, context: MessageContext): Explanation {
  const { assertion } = detail;
  const explained = explainCause(detail, assertion, context);
  const code = shortCode(detail);
  return {
    what: whatFailed(detail, context),
    ...(code !== undefined && { code }),
    said: whatServerSaid(detail, context),
    ...explained,
    facts: [...(explained.facts ?? []), ...ignoredFederation(detail, context), ...tried(detail, context)],
  };
}

function whatFailed({ leg, host, scope, actor }: FailedRequest, { request }: MessageContext): string {
  if (leg === 'identity') {
    const identity = request?.origin.kind === 'managed-identity' ? request.origin.identity.value : '';
    return `Could not get a token for managed identity ${identity} from this machine.`;
  }
  const ids = request ?? { clientId: '' };
  const inTenant = `in tenant ${request?.tenantId ?? ''}`;
  if (leg === 'registry') {
    return `Could not get a token from registry ${host} as ${actorName(ids)} ${inTenant}.`;
  }
  return actor === 'blueprint'
    ? `Could not get a token for ${actorName(ids)} from ${host} as its blueprint ${ids.clientId} ${inTenant}.`
    : `Could not get a token for ${scope ?? ''} from ${host} as ${actorWithBlueprint(ids)} ${inTenant}.`;
}

/** The code that people search for. */
export function shortCode(failure: RequestFailure): string | undefined {
  switch (failure.kind) {
    case 'unreachable':
      return failure.code === '' ? undefined : failure.code;
    case 'timed-out':
      return `no answer within ${duration(failure.limit)}`;
    case 'proxy-answer':
      return `HTTP ${failure.status} from the proxy`;
    case 'error-response': {
      const { codes, status } = failure.response;
      return codes[0] === undefined ? `HTTP ${status}` : `AADSTS${codes[0]}`;
    }
    case 'unusable-answer':
      return undefined;
  }
}

function whatServerSaid(failure: RequestFailure, { secrets }: MessageContext): readonly string[] {
  const { host } = failure;
  switch (failure.kind) {
    case 'unreachable': {
      const to = failure.proxy === undefined ? host : `the proxy ${failure.proxy.host}`;
      const code = failure.code === '' ? '' : `${failure.code}, `;
      return [`  Connection to ${to} failed: ${code}${foreignText(failure.message, secrets, 300)}`];
    }
    case 'timed-out':
      return [`  ${host} sent no answer within ${duration(failure.limit)}.`];
    case 'proxy-answer':
      return [`  The proxy ${failure.proxy.host} answered HTTP ${failure.status} in place of ${host}.`];
    case 'error-response':
      return errorWords(host, failure.response, secrets);
    case 'unusable-answer': {
      const found = foreignText(failure.found, secrets, 300);
      return [`  ${host} answered HTTP ${failure.status}.${found === '' ? '' : ` Found: ${found}`}`];
    }
  }
}

function errorWords(host: string, response: ErrorResponse, secrets: ReadonlySet<string>): readonly string[] {
  const own = (text: string | undefined, most: number): string => foreignText(text ?? '', secrets, most);
  // Entra repeats its IDs in the description; they have a line of their own.
  const ids = response.description.search(/(?:Trace ID|Correlation ID|Timestamp):/u);
  const words = own(ids === -1 ? response.description : response.description.slice(0, ids), 1_500).trim();
  const error = own(response.error, 100);
  const trace = [
    response.traceId && `trace ID ${own(response.traceId, 100)}`,
    response.correlationId && `correlation ID ${own(response.correlationId, 100)}`,
    response.timestamp && `time ${own(response.timestamp, 100)}`,
  ].filter((part) => part !== undefined && part !== '');
  return [
    `  ${host} answered HTTP ${response.status}${error === '' ? '' : ` ${error}`}${words === '' ? '.' : `: ${words}`}`,
    ...(trace.length > 0 ? [`  ${trace.join(', ')}`] : []),
  ];
}

function explainCause(
  failure: RequestFailure & { readonly scope?: string; readonly actor?: Actor },
  assertion: AssertionClaims | undefined,
  context: MessageContext,
): Pick<Explanation, 'cause' | 'fix' | 'commands' | 'facts'> {
  const values = runValues(context, assertion, failure);
  const filled = (
    row: { readonly cause: string; readonly fix: string } | undefined,
  ): { readonly cause?: string; readonly fix?: string; readonly commands?: readonly string[] } => {
    if (row === undefined) return {};
    const [fix = '', ...commands] = fill(row.fix, values, context.inputLabel).split('\n');
    return { cause: fill(row.cause, values, context.inputLabel), fix, commands };
  };
  const machine = context.facts?.machine.variables.IDENTITY_ENDPOINT === undefined ? 'imds' : 'app-service';
  switch (failure.kind) {
    case 'unreachable':
    case 'timed-out':
    case 'proxy-answer':
      return filled(connectionFailures.find(({ applies }) => applies(failure, machine === 'app-service')));
    case 'unusable-answer':
      return filled(unusableAnswers[failure.reason]);
    case 'error-response': {
      const { response } = failure;
      if (failure.leg === 'identity') return filled(identityErrorRow(response, machine));
      if (failure.leg === 'registry') return filled(registryErrorRow(response));
      const { actor = 'app' } = failure;
      const ofAgent = agentIdentityCodeRow(response.codes, actor);
      const row = ofAgent ?? entraCodeRow(response.codes);
      const [code] = response.codes;
      if (row === undefined) {
        return code === undefined
          ? {}
          : { fix: `Look up the code: https://login.microsoftonline.com/error?code=${code}` };
      }
      // The other meaning of a missing trust: it is not the administrator's, but the blueprint's own.
      if (
        ofAgent !== undefined &&
        actor === 'agent-identity' &&
        entraCodeRow(response.codes)?.show === 'trust'
      ) {
        return { ...filled(row), facts: describeBlueprintToken(assertion, context) };
      }
      // A blueprint's token comes from Entra itself.
      const needsTrust =
        actor !== 'agent-identity' &&
        (row.show === 'trust' || /\{(?:issuer|identityTenant)\}/u.test(row.fix));
      const forged = needsTrust ? warnOfForgedAssertion(context, assertion) : undefined;
      if (forged) return forged;
      if (row.show !== 'trust') return filled(row);
      const { comparison, commands } = diagnoseTrust(context, assertion, response.codes);
      return { ...filled(row), facts: comparison, commands };
    }
  }
}

/** A federation variable was ignored; a reader may wonder why it did not help. */
function ignoredFederation(
  { leg }: RequestFailure,
  { facts, inputLabel }: MessageContext,
): readonly string[] {
  if (leg !== 'identity' || !facts?.ignoredFederation.includes('AZURE_FEDERATED_TOKEN_FILE')) return [];
  return [
    `AZURE_FEDERATED_TOKEN_FILE is set, and this step did not use it. To act with the pod’s own token on AKS, set the input ${inputLabel('federated-token-file')} to that path instead of the managed identity. Otherwise assign the user-assigned identity to the node pool and let the pod reach the metadata service.`,
  ];
}

function tried({ attempts, outOfTime }: FailedRequest, { inputLabel }: MessageContext): readonly string[] {
  const { tries, elapsed } = attempts;
  const count = tries > 1 ? `Tried ${tries} times in ${duration(elapsed)}.` : 'Tried once.';
  if (outOfTime === undefined) return tries > 1 ? [count] : [];
  const { budget, nextTryIn } = outOfTime;
  const limit = `time budget of ${duration(budget)} (${inputLabel('timeout-seconds')})`;
  return [
    nextTryIn === undefined
      ? `${count} The ${limit} is used up.`
      : `${count} The next try would have been in ${duration(nextTryIn)}, after the end of the ${limit}.`,
  ];
}
