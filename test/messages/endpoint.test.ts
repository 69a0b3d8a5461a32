import { describe, expect, test } from '@jest/globals';
import { OwnEndpointError, type OwnEndpointProblem } from '../../src/endpoint/own-endpoint.ts';
import type { Refusal } from '../../src/endpoint/protocol.ts';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { describeHandOut, describeRefusal, explainToClient } from '../../src/messages/endpoint.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { contextFor, entraFailure, expectWellFormed, labelledHosts, scope } from './message-context.ts';

const [host] = labelledHosts;
if (host === undefined) throw new Error('no host');
const context = contextFor(host, { secrets: ['a secret of this run'] });
const resource = 'https://management.azure.com';

const failed = (code: string, words?: string): Refusal => ({
  kind: 'exchange-failed',
  resource,
  error: new ExchangeError({
    ...entraFailure(code, words),
    scope,
    attempts: { tries: 1, elapsed: 0 },
  }),
});

const refusals: readonly Refusal[] = [
  { kind: 'wrong-host' },
  { kind: 'wrong-header' },
  { kind: 'unknown-path' },
  { kind: 'has-body' },
  { kind: 'malformed', problem: 'api-version' },
  { kind: 'malformed', problem: 'repeated-parameter' },
  { kind: 'malformed', problem: 'no-resource' },
  { kind: 'malformed', problem: 'two-resources' },
  { kind: 'malformed', problem: 'unusable-resource' },
  { kind: 'exchange-audience', resource: 'api://AzureADTokenExchange' },
  { kind: 'not-allowed', resource, allowed: ['https://vault.azure.net/.default'] },
  { kind: 'too-many-exchanges', resource, mostPerMinute: 30 },
  failed('7000229'),
];

test.each(refusals)('the answer to a client is one line with whole sentences: $kind $problem', (refusal) => {
  const text = explainToClient(refusal, context);
  // A command may follow the last sentence.
  expect(text).toMatch(/^entra-app-token: [A-Z].*(?:\.|: az [\w -]+)$/u);
  expect(text).not.toMatch(/\n| {2}|undefined|\{/u);
  if ('resource' in refusal) expect(text + describeRefusal(refusal, context)).toContain(refusal.resource);
});

test('a refusal of Entra reaches the client and the log with its code, its cause and its fix', () => {
  for (const text of [
    explainToClient(failed('7000229'), context),
    describeRefusal(failed('7000229'), context),
  ]) {
    expect(text).toContain('AADSTS7000229');
    expect(text).toMatch(/Cause: .+Fix: /su);
  }
});

test('what Entra says is no command in the client’s log, and shows no secret', () => {
  const words = 'x\n##vso[task.setvariable variable=a]b\n::add-mask::c a secret of this run';
  const text = explainToClient(failed('7000229', words), context);
  expect(text).not.toMatch(/##vso\[|\n|a secret of this run/u);
});

test('a hand-out is one line with the resource and the expiry', () => {
  expect(describeHandOut({ resource, expiresOn: new Date('2030-01-02T03:04:05.678Z') })).toBe(
    'Handed out a token for https://management.azure.com, valid until 2030-01-02T03:04:05Z.',
  );
});

const problems: readonly OwnEndpointProblem['kind'][] = ['no-answer', 'refused', 'unusable-answer'];
describe.each(labelledHosts)('$title', (labelled) => {
  test.each(problems)('the machine behind our own endpoint cannot be found: %s', (kind) => {
    const error = new OwnEndpointError({ kind, address: '127.0.0.1:4040', found: 'connect ECONNREFUSED' });
    const text = describeFailure(error, contextFor(labelled));
    expectWellFormed(text, labelled);
    expect(text.error).toMatch(/127\.0\.0\.1:4040.*ECONNREFUSED.*\nCause: [A-Z].*\nFix: [A-Z]/su);
  });
});
