import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inertText } from '../../src/hosts/inert.ts';
import { parseAgentCommand } from '../harness/agent-command.ts';
import { parseRunnerCommand, runnerCommands } from '../harness/runner-command.ts';

const fragments = fc.constantFrom(
  ...[
    '::',
    '##[',
    '##vso[',
    '##VSO[',
    '#',
    '[',
    ']',
    'vso',
    'error',
    'add-mask',
    'task.setvariable variable=x',
    ' ',
  ],
  ...[
    '\n',
    '\r',
    '\u0085',
    '\u2028',
    '\u2029',
    '\v',
    '\f',
    '\t',
    '\u00a0',
    '\u200b',
    '\u202e',
    '\ufeff',
    '\0',
    '\u001b[31m',
  ],
  ...['%0A', '%AZP25', 'words'],
);
const hostile = fc.array(fragments, { maxLength: 30 }).map((parts) => parts.join(''));

describe('whatever comes from outside', () => {
  test('is no command to either host, in any line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const line of inertText(text).split('\n')) {
          expect(parseRunnerCommand(line, runnerCommands)).toBeUndefined();
          expect(parseAgentCommand(line)).toBeUndefined();
          expect(line).not.toContain('##[');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('has no control character and nothing that hides or reorders text', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        expect(inertText(text)).not.toMatch(
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  ['plain words stay as they are', 'AADSTS70021: No match. See https://a.example/?b=c::d #1 [x]'],
  ['a command of az stays as it is', `az ad app federated-credential create --parameters '{"a":["b"]}'`],
  ['line breaks of our own stay', 'one\n  two'],
])('%s', (_, text) => {
  expect(inertText(text)).toBe(text);
});
