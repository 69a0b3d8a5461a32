import { describe, expect, test } from '@jest/globals';
import { ExchangeError, type TokenFileProblem } from '../../src/exchange/errors.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { assertionFileCauses, tokenFileFailures } from '../../src/messages/token-files.ts';
import { causeAndFix, contextFor, everything, expectWellFormed, labelledHosts } from './message-context.ts';

const path = '/var/run/secrets/azure/tokens/azure-identity-token';
const given = { 'managed-identity-client-id': '', 'federated-token-file': path };
const problems = Object.keys(tokenFileFailures) as readonly TokenFileProblem[];
const token = `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJ4In0'.repeat(20)}.c2lnbmF0dXJl`;

describe.each(labelledHosts)('$title', (host) => {
  const context = contextFor(host, { given, secrets: [token] });
  const explain = (problem: TokenFileProblem, more: { found?: string; readBefore?: boolean } = {}) =>
    describeFailure(
      new ExchangeError({
        ...{ kind: 'unusable-token-file', path, problem, audience: 'api://AzureADTokenExchange' },
        ...{ found: 'what the file has', readBefore: false, ...more },
      }),
      context,
    );

  test.each(problems)('%s: one short error with the input, the path, a cause and a fix', (problem) => {
    const text = explain(problem);
    expectWellFormed(text, host);
    expect(text.diagnosis).toBeUndefined();
    expect(text.error).toContain(
      `Input ${host.inputLabel('federated-token-file')}: the token in ${path} cannot be used. Nothing was requested.`,
    );
    const { cause, fix } = causeAndFix(text);
    expect(cause).toMatch(/\.$/u);
    expect(fix).toMatch(/\.$/u);
    expect(tokenFileFailures[problem].cause.includes('{found}')).toBe(cause.includes('what the file has'));
  });

  test.each(problems)('%s: a token is not quoted, and neither is a part of one', (problem) => {
    for (const found of [token, `x ${token}`, token.slice(0, 60)]) {
      const { error } = explain(problem, { found });
      expect(error).not.toContain(token.slice(0, 20));
      expect(error).not.toContain('eyJzdWIi');
    }
  });

  test('after a first try the message does not say that nothing was requested', () => {
    const { error } = explain('expired', { readBefore: true });
    expect(error).toContain(`the token in ${path} can no longer be used.\nCause: The token expired at `);
    expect(error).not.toContain('Nothing was requested');
  });

  test.each(Object.keys(assertionFileCauses) as readonly (keyof typeof assertionFileCauses)[])(
    'the file of an earlier step, %s: a cause and a fix',
    (problem) => {
      const detail = { kind: 'unusable-assertion-file', path, problem, found: 'x' } as const;
      const text = describeFailure(new ExchangeError(detail), context);
      expectWellFormed(text, host);
      causeAndFix(text);
      expect(everything(text)).toContain(path);
    },
  );
});
