import { describe, expect, test } from '@jest/globals';
import { type ChildEnd, HandoverError, type SignInStage } from '../../src/handover/errors.ts';
import { describeFailure } from '../../src/messages/failures.ts';

/** Everything that the log shows of a failed sign-in. */
function logOf(end: ChildEnd, stage: SignInStage = 'identity', tries = 1): string {
  const context = { inputLabel: (name: string) => name, secrets: new Set(['known-secret-1']) };
  const run = { program: '/usr/bin/az', arguments: ['login'], tries, limit: 120_000 };
  const problem = { kind: 'sign-in-failed', tool: 'azure-cli', stage, end, ...run } as const;
  const { error, diagnosis } = describeFailure(new HandoverError(problem), context);
  return diagnosis ?? error;
}
const failed = (words: string): ChildEnd => ({ kind: 'failed', code: 1, words });

describe('the cause in az’s words', () => {
  test.each([
    ['SSLError(SSLCertVerificationError(1, "certificate verify failed"))', 'REQUESTS_CA_BUNDLE'],
    ['Max retries exceeded (Caused by ProxyError("Cannot connect to proxy"))', 'HTTPS_PROXY'],
    ['NewConnectionError: Failed to establish a new connection', 'Allow this machine to reach both'],
    ['ERROR: unrecognized arguments: --federated-token', '2.30 or later'],
    ["ModuleNotFoundError: No module named 'azure.cli'", 'Install it again'],
    ['ERROR: AADSTS7002138: no match', 'although it had accepted the same assertion'],
    ['ERROR: AADSTS53003: blocked', 'https://login.microsoftonline.com/error?code=53003'],
  ])('%s', (words, expected) => {
    const text = logOf(failed(words));
    expect(text).toContain(`  | ${words}`);
    expect(text).toContain(expected);
  });
});

test('of a traceback only the last line is shown', () => {
  const text = logOf(
    failed(
      'Traceback (most recent call last):\n  File "/x.py", line 3, in call\n    raise it\n    ^^^^^\nConnectionError: the end\nTo check existing issues, please visit: https://example.com',
    ),
  );
  expect(text.split('\n').filter((line) => line.startsWith('  |'))).toEqual(['  | ConnectionError: the end']);
});

test('of very long words only the end is shown', () => {
  const text = logOf(failed(`${'words '.repeat(5_000)} the end`));
  expect(text).toContain('the end');
  expect(text.length).toBeLessThan(3_000);
});

test('a time-out shows its limit, and a repeated sign-in its tries', () => {
  expect(logOf({ kind: 'timed-out', words: '' })).toContain('The sign-in timed out after 120 s.');
  expect(logOf(failed('ERROR: AADSTS90033'), 'identity', 3)).toContain(
    'It failed with exit code 1 after 3 tries:',
  );
});

test('only a failed selection is explained by an invisible subscription', () => {
  const invisible = 'cannot see this subscription';
  expect(logOf(failed("ERROR: it doesn't exist in cloud"), 'subscription')).toContain(invisible);
  expect(logOf(failed("ERROR: it doesn't exist in cloud"), 'identity')).not.toContain(invisible);
});

test('a known secret and anything like a token is hidden before the words are cut', () => {
  const token = `eyJhbGciOiJSUzI1NiJ9.${'p'.repeat(1_500)}.${'s'.repeat(1_000)}`;
  const text = logOf(failed(`ERROR: ${token} known-secret-1 the end`));
  expect(text).toContain('  | ERROR: *** *** the end');
});
