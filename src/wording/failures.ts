import { inputNames } from '../contract.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import { ExchangeFailure, type ExchangeProblem, type LegProblem, type Refusal } from '../exchange/failure.ts';
import { identityRefusalRow } from '../exchange/identity-refusals.ts';
import type { AssertionClaims } from '../exchange/request.ts';
import type { Retrying } from '../exchange/transport.ts';
import { HandoverFailure } from '../handover/problem.ts';
import { InputProblem } from '../inputs/problem.ts';
import { type RefusalReason, StepRefusal } from '../refusal.ts';
import { duration } from './durations.ts';
import { flawWords } from './flaws.ts';
import { describeHandoverProblem } from './handover.ts';
import type { KnownOfRun } from './known.ts';
import { obstacles } from './obstacles.ts';
import { fill, placeholders } from './placeholders.ts';
import { describeTrust } from './trust.ts';

/** Everything that can end a step, as the one message its user sees. */
export function describeFailure(error: unknown, known: KnownOfRun): string {
  return asSpelled(describe(error, known), known);
}

/** The tables name inputs as GitHub writes them. */
function asSpelled(text: string, { spell }: KnownOfRun): string {
  return inputNames
    .filter((name) => spell(name) !== name)
    .reduce(
      (words, name) => words.replace(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'gu'), spell(name)),
      text,
    );
}

function describe(error: unknown, known: KnownOfRun): string {
  if (error instanceof InputProblem) return describeInput(error, known);
  if (error instanceof StepRefusal) return describeRefusal(error.reason, known);
  if (error instanceof ExchangeFailure) return describeExchange(error.problem, known);
  if (error instanceof HandoverFailure) return describeHandoverProblem(error.problem, known);
  const { message } = error instanceof Error ? error : { message: String(error) };
  return `The step failed unexpectedly: ${message}\nNothing was handed over. Please report it with this message.`;
}

function describeInput({ inputs, problem, expected }: InputProblem, { spell }: KnownOfRun): string {
  const names = inputs.map((name) => spell(name));
  const label =
    names.length === 1 ? `Input ${names[0]}` : `Inputs ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${label}: ${problem} ${expected}`;
}

function describeRefusal(reason: RefusalReason, { spell }: KnownOfRun): string {
  switch (reason.kind) {
    case 'fork':
      return [
        `This run belongs to a pull request from a fork: ${reason.reason}.`,
        'Its code could take the app’s tokens wherever it likes, so nothing was asked and nothing is handed over.',
        `Where forks are trusted, set ${spell('allow-fork-pull-requests')} to true.`,
      ].join('\n');
    case 'tls-verification-off':
      return [
        'NODE_TLS_REJECT_UNAUTHORIZED=0 switches the verification of certificates off: whoever is on the way to Entra could take the identity’s token.',
        'Unset it. For a proxy or server with a certificate authority of its own, set NODE_EXTRA_CA_CERTS to the path of that authority’s certificate.',
      ].join('\n');
    case 'setting':
      return `${reason.setting} ${reason.problem}. Nothing was asked for.\nRemedy: ${reason.remedy}`;
  }
}

function describeExchange(problem: ExchangeProblem, known: KnownOfRun): string {
  if (problem.kind === 'machine-unfit') {
    return `This machine is ${problem.machine}, and it cannot be used: ${problem.reason}.`;
  }
  if (problem.kind === 'metadata-override') {
    return [
      `AZURE_POD_IDENTITY_AUTHORITY_HOST moves the metadata service to ${problem.value}.`,
      'Only an http address of this machine itself is accepted (a test’s): anything else would let the job’s environment choose who vouches for it. Unset it.',
    ].join('\n');
  }
  const lines = [
    doing(problem, problem.scope, known),
    ...ownWords(problem),
    ...causeAndRemedy(problem, problem.assertion, known),
    ...tried(problem),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** The diagnosis of a failure that is still being retried. */
export function describeDiagnosis(
  { problem, assertion, scope }: Retrying & { readonly assertion?: AssertionClaims; readonly scope?: string },
  known: KnownOfRun,
): string {
  const lines = [
    doing(problem, scope, known),
    ...ownWords(problem),
    ...causeAndRemedy(problem, assertion, known),
    'If the credential was created within the last minutes, it may still be propagating: trying again.',
  ];
  return asSpelled(lines.join('\n'), known);
}

/** One line for a try that failed and will be repeated. */
export function describeRetry({
  problem,
  tries,
  wait,
  scope,
}: Retrying & { readonly scope?: string }): string {
  const party = problem.leg === 'identity' ? 'The machine’s identity endpoint' : 'Entra';
  const request = scope === undefined ? '' : `, for ${scope}`;
  return `${party}${request}: ${summary(problem)}; try ${tries + 1} in ${duration(wait)}.`;
}

function summary(problem: LegProblem): string {
  switch (problem.kind) {
    case 'unreachable':
      return problem.code === '' ? problem.message : `${problem.code}, ${problem.message}`;
    case 'refused':
      return `status ${problem.refusal.status}${code(problem.refusal)}`;
    case 'unusable':
      return `status ${problem.status}, ${flawWords[problem.flaw].what}`;
  }
}

function code({ codes, error }: Refusal): string {
  if (codes[0] !== undefined) return ` AADSTS${codes[0]}`;
  return error === '' ? '' : ` ${error}`;
}

function doing(problem: LegProblem, scope: string | undefined, { request }: KnownOfRun): string {
  if (problem.leg === 'identity') {
    return `Asking this machine for the token of managed identity ${request?.identity.value ?? ''} failed.`;
  }
  return `Presenting the managed identity’s token to ${problem.host} as app ${request?.clientId ?? ''} in tenant ${request?.tenantId ?? ''}, for ${scope ?? ''}, failed.`;
}

function ownWords(problem: LegProblem): readonly string[] {
  if (problem.kind === 'unreachable') return [`  ${summary(problem)} (${problem.host})`];
  if (problem.kind === 'unusable') return [`  ${problem.host} answered with status ${problem.status}.`];
  const { refusal } = problem;
  const words = refusal.description.split(/\s*(?:Trace ID|Correlation ID|Timestamp):/u)[0]?.trim() ?? '';
  const ids = [
    refusal.traceId && `trace ID ${refusal.traceId}`,
    refusal.correlationId && `correlation ID ${refusal.correlationId}`,
    refusal.timestamp && `at ${refusal.timestamp}`,
  ].filter((part) => part !== undefined && part !== '');
  return [
    `  ${problem.host} answered with status ${refusal.status}${refusal.error === '' ? '' : `, ${refusal.error}`}: ${words}`,
    ids.length > 0 ? `  ${ids.join(', ')}` : '',
  ];
}

function causeAndRemedy(
  problem: LegProblem,
  assertion: AssertionClaims | undefined,
  known: KnownOfRun,
): readonly string[] {
  const told = causeAlone(problem, assertion, known);
  return problem.leg === 'identity' ? [...told, ...chained(known)] : told;
}

function causeAlone(
  problem: LegProblem,
  assertion: AssertionClaims | undefined,
  known: KnownOfRun,
): readonly string[] {
  const values = placeholders(known, assertion, problem);
  const filled = (row: { readonly cause: string; readonly remedy: string } | undefined): readonly string[] =>
    row ? [`Cause: ${fill(row.cause, values)}`, `Remedy: ${fill(row.remedy, values)}`] : [];
  if (problem.kind === 'unusable') {
    const { what, remedy } = flawWords[problem.flaw];
    const found = problem.found === '' ? '' : ` Found: ${problem.found}`;
    return filled({ cause: `it is ${what}, and was not handed over.${found}`, remedy });
  }
  if (problem.kind === 'unreachable') {
    const ownEndpoint = known.facts?.machine.variables.IDENTITY_ENDPOINT !== undefined;
    return filled(obstacles.find(({ applies }) => applies(problem, ownEndpoint)));
  }
  if (problem.leg === 'identity') {
    return filled(identityRefusalRow(`${problem.refusal.error} ${problem.refusal.description}`));
  }
  const row = entraCodeRow(problem.refusal.codes);
  const code = problem.refusal.codes[0];
  if (row === undefined) {
    return code === undefined
      ? []
      : [`Look it up: https://login.microsoftonline.com/error?code=${encodeURIComponent(code)}`];
  }
  return [
    ...filled(row),
    ...(row.show === 'trust' ? describeTrust(known, assertion, problem.refusal.codes) : []),
  ];
}

/** Federation variables were ignored; a reader may wonder why they did not help. */
function chained({ facts }: KnownOfRun): readonly string[] {
  if (facts === undefined || !facts.ignoredFederation.includes('AZURE_FEDERATED_TOKEN_FILE')) return [];
  return [
    'AZURE_FEDERATED_TOKEN_FILE is set and was not used: Entra does not accept a token that itself came through a federation (AADSTS700231). On AKS assign the user-assigned identity to the node pool and let the pod reach the metadata service.',
  ];
}

function tried(
  problem: LegProblem & {
    readonly attempts: { tries: number; elapsed: number };
    readonly outOfTime?: { budget: number; nextTryIn?: number };
  },
): readonly string[] {
  const { tries, elapsed } = problem.attempts;
  const count = tries > 1 ? `Tried ${tries} times in ${duration(elapsed)}.` : '';
  if (problem.outOfTime === undefined) return [count];
  const { budget, nextTryIn } = problem.outOfTime;
  const next = nextTryIn === undefined ? '' : ` The next try was due in ${duration(nextTryIn)}.`;
  return [
    `${tries === 1 ? 'Tried once' : `Tried ${tries} times in ${duration(elapsed)}`}; the time budget of ${duration(budget)} (timeout-seconds) ends.${next}`,
  ];
}
