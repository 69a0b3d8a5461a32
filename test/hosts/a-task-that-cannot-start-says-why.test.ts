import { expect, test } from '@jest/globals';
import { startFailure } from '../../src/main/start-failure.ts';

test.each([
  ['a command', 'EACCES ##vso[task.setvariable variable=PATH]/tmp/evil', '##vso['],
  ['a command with an invisible letter', 'EACCES ##v\u200bso[task.complete]', '##v\u200bso['],
  ['a format', 'EACCES ##[group]', '##['],
  ['a line break', 'EACCES\n##vso[task.complete]', '\n'],
  ['a percent sign that stands for a line break', 'EACCES %0A::error', '%0A'],
])('%s in the words of a failure stays text', (_, words, dangerous) => {
  const text = startFailure(new Error(words));
  expect(text).toContain('The task could not start: EACCES');
  expect(text).not.toContain(dangerous);
});

test('a very long failure keeps its fix', () => {
  const text = startFailure('x'.repeat(100_000));
  expect(text.length).toBeLessThan(700);
  expect(text).toContain('Fix: Make sure that the disk');
});
