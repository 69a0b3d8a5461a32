import { describe, expect, test } from '@jest/globals';
import { textOf } from '../../src/messages/explanation.ts';
import { describeRetry, describeTrustRetry } from '../../src/messages/progress.ts';
import { entraFailure, scope } from './message-context.ts';

const short = {
  what: 'It failed.',
  code: 'AADSTS1',
  said: ['  words'],
  cause: 'The cause.',
  fix: 'The fix:',
  commands: ['  az x'],
};

test('a short failure is one error in a fixed order, without a diagnosis', () => {
  expect(textOf({ ...short, facts: ['A fact.'] })).toEqual({
    error: 'It failed.\n  words\nCause: The cause.\nFix: The fix:\nA fact.\n  az x',
  });
});

test('at 999 characters a failure is still one error, at 1,000 it is not', () => {
  const length = textOf(short).error.length;
  const of = (total: number) => textOf({ ...short, said: [`  words${'x'.repeat(total - length)}`] });
  expect(of(999).error).toHaveLength(999);
  expect(of(999).diagnosis).toBeUndefined();
  expect(of(1_000).diagnosis).toHaveLength(1_000);
});

test('a long failure keeps its code, cause, fix and command in the error, and everything in the diagnosis', () => {
  const { error, diagnosis } = textOf({ ...short, said: ['  words'.repeat(300)] });
  expect(error).toBe(
    'It failed: AADSTS1.\nCause: The cause.\nFix: The fix:\n  az x\nThe full diagnosis is in the log above.',
  );
  expect(diagnosis).toContain('  words'.repeat(300));
});

test('a command that does not fit is left to the diagnosis, and the error says so', () => {
  const commands = [`  az ${'y'.repeat(990)}`];
  const { error, diagnosis } = textOf({ ...short, commands });
  expect(error).toBe(
    'It failed: AADSTS1.\nCause: The cause.\nFix: The fix:\nThe command and the full diagnosis are in the log above.',
  );
  expect(diagnosis).toContain(commands[0]);
});

test('whatever its parts are, an error stays under 1,000 characters', () => {
  const long = 'z'.repeat(5_000);
  for (const parts of [
    { what: long },
    { ...short, cause: long },
    { ...short, fix: long },
    { ...short, commands: [long] },
  ]) {
    const { error, diagnosis } = textOf({ ...short, ...parts });
    expect(error.length).toBeLessThan(1_000);
    expect(error).toMatch(/in the log above\.$/u);
    expect(diagnosis).toContain(long);
  }
});

test('a missing trust is announced in one line with the code and the window', () => {
  const retrying = {
    failure: entraFailure('70025'),
    reason: 'trust',
    tries: 1,
    wait: 2_000,
    announce: true,
  } as const;
  expect(describeTrustRetry(retrying)).toBe(
    'Entra answered AADSTS70025: the app has no matching federated identity credential. A new one can take minutes to propagate. Retrying for up to 20 s.',
  );
});

test('any other retry names the party, the scope, the reason and the wait', () => {
  const retrying = {
    failure: entraFailure('90033'),
    reason: 'transient',
    tries: 2,
    wait: 1_500,
    announce: false,
    scope,
  } as const;
  expect(describeRetry(retrying)).toBe(`Entra for ${scope}: AADSTS90033. Try 3 starts in 1.5 s.`);
});

test('parts that are missing leave no line', () => {
  expect(textOf({ what: 'It failed.' })).toEqual({ error: 'It failed.' });
  expect(textOf({ what: 'It failed.', fix: 'Do it.' })).toEqual({ error: 'It failed.\nFix: Do it.' });
  const long = 'x'.repeat(1_000);
  expect(textOf({ what: 'It failed at a.b.', said: [long] }).error).toBe(
    'It failed at a.b.\nThe full diagnosis is in the log above.',
  );
  expect(textOf({ what: 'It failed at a.b.', code: 'C', said: [long] }).error).toBe(
    'It failed at a.b: C.\nThe full diagnosis is in the log above.',
  );
});

describe('the first line of a long failure', () => {
  const firstOf = (what: string) => textOf({ what, said: ['x'.repeat(1_000)] }).error.split('\n')[0];

  test('may have 400 characters', () => {
    expect(firstOf('y'.repeat(400))).toBe('y'.repeat(400));
  });

  test('ends with an ellipsis if it is longer', () => {
    expect(firstOf(`${'y'.repeat(399)}zz`)).toBe(`${'y'.repeat(399)}…`);
  });
});

describe('an error that is still too long', () => {
  const end = 'The full diagnosis is in the log above.';
  const commandEnd = 'The command and the full diagnosis are in the log above.';

  test('with its command it may have 999 characters', () => {
    const rest = ['It failed.', 'Fix: ', '  az', end].join('\n').length;
    const of = (length: number) =>
      textOf({
        what: 'It failed.',
        said: ['x'.repeat(1_000)],
        fix: 'f'.repeat(length - rest),
        commands: ['  az'],
      }).error;
    expect(of(999)).toHaveLength(999);
    expect(of(999)).toContain('\n  az\n');
    expect(of(1_000)).not.toContain('\n  az');
  });

  test('points to the command in the log, and says so in the fix', () => {
    const commands = ['x'.repeat(1_000)];
    expect(textOf({ what: 'It failed.', fix: 'Use the command below.', commands }).error).toBe(
      `It failed.\nFix: Use the command in the log.\n${commandEnd}`,
    );
  });

  test('is cut before its last line, with an ellipsis', () => {
    const { error } = textOf({ what: 'It failed.', cause: 'c'.repeat(2_000) });
    expect(error).toHaveLength(999);
    const start = 'It failed.\nCause: ';
    const room = 999 - start.length - '…\n'.length - end.length;
    expect(error).toBe(`${start}${'c'.repeat(room)}…\n${end}`);
  });

  test('is not cut if it just fits', () => {
    const start = 'It failed.\nCause: ';
    const room = 999 - start.length - '\n'.length - commandEnd.length;
    const commands = ['x'.repeat(1_000)];
    expect(textOf({ what: 'It failed.', cause: 'c'.repeat(room), commands }).error).toBe(
      `${start}${'c'.repeat(room)}\n${commandEnd}`,
    );
  });
});
