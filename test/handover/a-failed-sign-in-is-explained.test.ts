import { describe, expect, test } from '@jest/globals';
import type { ChildEnd } from '../../src/handover/child-process.ts';
import { HandoverFailure, type SignInStage } from '../../src/handover/problem.ts';
import { describeFailure } from '../../src/wording/failures.ts';

function told(end: ChildEnd, stage: SignInStage = 'identity', tries = 1): string {
  const known = { spell: (name: string) => name };
  const run = { program: '/usr/bin/az', arguments: ['login'], tries, limit: 120_000 };
  const problem = { kind: 'sign-in-failed', tool: 'azure-cli', stage, end, ...run } as const;
  return describeFailure(new HandoverFailure(problem), known);
}
const failed = (words: string): ChildEnd => ({ kind: 'failed', code: 1, words });

describe('the cause that az’s words tell', () => {
  test.each([
    ['SSLError(SSLCertVerificationError(1, "certificate verify failed"))', 'REQUESTS_CA_BUNDLE'],
    ['Max retries exceeded (Caused by ProxyError("Cannot connect to proxy"))', 'HTTPS_PROXY'],
    ['NewConnectionError: Failed to establish a new connection', 'Allow this machine to reach both'],
    ['ERROR: unrecognized arguments: --federated-token', '2.30 or newer'],
    ["ModuleNotFoundError: No module named 'azure.cli'", 'Install it anew'],
    ['ERROR: AADSTS7002138: no match', 'Entra refused what it had accepted a moment before'],
    ['ERROR: AADSTS53003: blocked', 'https://login.microsoftonline.com/error?code=53003'],
  ])('%s', (words, expected) => {
    const text = told(failed(words));
    expect(text).toContain(`  | ${words}`);
    expect(text).toContain(expected);
  });
});

test('of a traceback only what it comes to is told', () => {
  const text = told(
    failed(
      'Traceback (most recent call last):\n  File "/x.py", line 3, in call\n    raise it\n    ^^^^^\nConnectionError: the end\nTo check existing issues, please visit: https://example.com',
    ),
  );
  expect(text.split('\n').filter((line) => line.startsWith('  |'))).toEqual(['  | ConnectionError: the end']);
});

test('a flood is cut to its end', () => {
  const text = told(failed(`${'x'.repeat(30_000)} the end`));
  expect(text).toContain('the end');
  expect(text.length).toBeLessThan(3_000);
});

test('an az that hung is told with its limit, one that was tried again with its tries', () => {
  expect(told({ kind: 'timed-out', words: '' })).toContain('when the 2 min of the sign-in were over');
  expect(told(failed('ERROR: AADSTS90033'), 'identity', 3)).toContain('(tried 3 times)');
});

test('only a subscription that is not visible is explained as such', () => {
  const invisible = 'does not see this subscription';
  expect(told(failed("ERROR: it doesn't exist in cloud"), 'subscription')).toContain(invisible);
  expect(told(failed("ERROR: it doesn't exist in cloud"), 'identity')).not.toContain(invisible);
});
