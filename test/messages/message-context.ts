import { spawnSync } from 'node:child_process';
import { expect } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { camelCase, type InputName, inputNames, type OutputName, outputNames } from '../../src/contract.ts';
import { classifyAnswer } from '../../src/exchange/answers.ts';
import {
  ExchangeError,
  type ExchangeProblem,
  type Leg,
  type RequestFailure,
} from '../../src/exchange/errors.ts';
import type { AssertionClaims } from '../../src/exchange/request.ts';
import type { ProcessFacts } from '../../src/inputs/environment.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import type { FailureText, MessageContext } from '../../src/messages/explanation.ts';
import { describeFailure } from '../../src/messages/failures.ts';

/** How each host writes the names of inputs and outputs. */
export interface LabelledHost {
  readonly title: string;
  readonly inputLabel: (name: InputName | OutputName) => string;
}

export const labelledHosts: readonly LabelledHost[] = [
  { title: 'GitHub Actions', inputLabel: (name) => name },
  { title: 'Azure Pipelines', inputLabel: (name) => camelCase(name) },
];

export const inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
} as const;

export const entraHost = 'login.microsoftonline.com';
export const imdsHost = '169.254.169.254';
export const registryHost = 'contoso.azurecr.io';
export const scope = 'https://management.azure.com/.default';

/** The claims of an assertion whose values all differ from the inputs. */
export const assertion: AssertionClaims = {
  issuer: `https://login.microsoftonline.com/${tenantIds.fabrikam}/v2.0`,
  subject: identities.runner.objectId,
  audience: 'fb60f99c-7a34-4190-8149-302f77469936',
  tenantId: tenantIds.fabrikam,
  clientId: identities.runner.clientId,
};

/** What is known of a run with good inputs. */
export function contextFor(
  { inputLabel }: LabelledHost,
  {
    given = {},
    secrets = [],
    windows = false,
    variables = {},
    ignoredFederation = [],
  }: {
    readonly given?: Readonly<Record<string, string>>;
    readonly secrets?: readonly string[];
    readonly windows?: boolean;
    readonly variables?: ProcessFacts['machine']['variables'];
    readonly ignoredFederation?: readonly string[];
  } = {},
): MessageContext {
  const all: Readonly<Record<string, string>> = { ...inputs, ...given };
  return {
    inputLabel,
    request: readStepRequest((name) => all[name] ?? ''),
    facts: {
      machine: { variables, arcAgentInstalled: false },
      environment: {},
      ignoredFederation,
      tlsVerificationOff: false,
      windows,
    },
    secrets: new Set(secrets),
  };
}

/** The failure that an answer leads to. */
export function failureOf(
  leg: Leg,
  status: number,
  body: unknown,
  more: { readonly location?: string; readonly cut?: boolean; readonly encoding?: string } = {},
): RequestFailure {
  const host = { identity: imdsHost, entra: entraHost, registry: registryHost }[leg];
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = classifyAnswer(leg, host, { status, body: text, ...more });
  if (answer.kind === 'token') throw new Error('The answer has a token.');
  return answer.failure;
}

/** An answer of Entra with this code and its own words. */
export function entraFailure(code: string, words = 'Words of Entra’s own.'): RequestFailure {
  return failureOf('entra', 400, {
    error: 'invalid_request',
    error_description: `AADSTS${code}: ${words} Trace ID: 1111 Correlation ID: 2222 Timestamp: 3333`,
    error_codes: [Number(code)],
    trace_id: '1111aaaa-0000-4000-8000-000000000001',
    correlation_id: '2222bbbb-0000-4000-8000-000000000002',
    timestamp: '2026-01-02 03:04:05Z',
  });
}

/** The message about a request that failed. */
export function describeRequest(
  failure: RequestFailure,
  context: MessageContext,
  more: Partial<Extract<ExchangeProblem, { kind: 'timed-out' }>> = {},
): FailureText {
  const belongs = failure.leg === 'entra' ? { scope, assertion } : {};
  const { kind: _, ...rest } = more as Record<string, unknown>;
  const detail = { ...failure, ...belongs, attempts: { tries: 1, elapsed: 0 }, ...rest } as ExchangeProblem;
  return describeFailure(new ExchangeError(detail), context);
}

/** Everything a user reads: the log before the error, and the error. */
export function everything({ error, diagnosis = '' }: FailureText): string {
  return `${diagnosis}\n${error}`;
}

/** Holds a message to what every message promises. */
export function expectWellFormed(text: FailureText, { title }: LabelledHost): void {
  expect(text.error.length).toBeLessThan(1_000);
  const all = everything(text);
  expect(all).not.toMatch(/\{[\w:-]+\}/u);
  expect(all).not.toMatch(/undefined|\[object|<(client-id|tenant-id|scope|issuer|proxy|identity)>/u);
  // A command may have a word of az's own that looks like one of ours.
  const sentences = all.replace(/^ {2,4}az .*$/gmu, '');
  const foreignNames = [...inputNames, ...outputNames].filter((name) => name.includes('-'));
  for (const name of foreignNames) {
    const wrong = title === 'GitHub Actions' ? camelCase(name) : name;
    expect(sentences).not.toMatch(new RegExp(`(?<![\\w-])${wrong}(?![\\w-])`, 'u'));
  }
}

/** The text after `Cause:` and `Fix:`, each a whole sentence. */
export function causeAndFix(text: FailureText): { readonly cause: string; readonly fix: string } {
  const part = (label: string): string => {
    const found = new RegExp(`^${label}: (.+)$`, 'mu').exec(text.diagnosis ?? text.error)?.[1] ?? '';
    expect(found.length).toBeGreaterThan(15);
    return found;
  };
  return { cause: part('Cause'), fix: part('Fix') };
}

/** The commands of a message: lines that begin with two spaces and a program. */
export function commandsIn(text: FailureText): readonly string[] {
  return (text.diagnosis ?? text.error)
    .split('\n')
    .filter((line) => /^ {2,4}(az|curl|winget|'|\$)/u.test(line))
    .map((line) => line.trim());
}

/**
 * Lets bash read a command, with an `az` that only reports its arguments, and returns the calls in order. The inner
 * command of a `$(…)` comes first and prints `inner-id`.
 */
export function callsByBash(command: string): readonly (readonly string[])[] {
  const script = `az() { printf '%s\\0' "$@" '' >&3; printf 'inner-id\\n'; }\n${command}\n`;
  const { output, status, stderr } = spawnSync('/bin/bash', ['--noprofile', '--norc', '-c', script], {
    env: { PATH: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const reported = (output as readonly (string | null)[])[3] ?? '';
  return reported
    .split('\0\0')
    .filter((call) => call !== '')
    .map((call) => call.split('\0'));
}
