import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { base64Forms, sanitizeForLog, tokenParts } from '../../src/hosts/sanitize.ts';
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
    '\u00ad',
    '\u034f',
    '\u061c',
    '\u17b4',
    '\u180b',
    '\u180e',
    '\u206f',
    '\ufe00',
    '\u202e',
    '\ufeff',
    '\0',
    '\u001b[31m',
  ],
  ...['%0A', '%AZP25', 'words'],
);
const hostile = fc.array(fragments, { maxLength: 30 }).map((parts) => parts.join(''));

describe('text from outside', () => {
  test('is a command to neither host, in any line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const line of sanitizeForLog(text).split('\n')) {
          expect(parseRunnerCommand(line, runnerCommands)).toBeUndefined();
          expect(parseAgentCommand(line)).toBeUndefined();
          expect(line).not.toMatch(/##(\[|vso)/iu);
          // As the agent's culture-aware search sees it, which skips invisible characters.
          expect(line.replace(/\p{Default_Ignorable_Code_Point}/gu, '')).not.toMatch(/##(\[|vso)/iu);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('has no control character and nothing that hides or reorders text', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        expect(sanitizeForLog(text)).not.toMatch(
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]/u,
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
  expect(sanitizeForLog(text)).toBe(text);
});

test.each([
  ['::error::forged', ': :error::forged'],
  ['  ::error::forged', '  : :error::forged'],
  ['\u00a0::error::forged', '\u00a0: :error::forged'],
  ['\t::error::forged', ' : :error::forged'],
  ['words\n::set-env name=x::y', 'words\n: :set-env name=x::y'],
  ['words\r::error::forged', 'words\n: :error::forged'],
  ['words\u2028::error::forged', 'words\n: :error::forged'],
  ['words\u0085::error::forged', 'words\n: :error::forged'],
  ['words ##[error]forged', 'words # #[error]forged'],
  ['###[error]', '## #[error]'],
  ['##vso[task.complete]', '# #vso[task.complete]'],
  ['##VsO without a bracket', '# #VsO without a bracket'],
  ['#\u00ad#vso[task.complete]', '# \ufffd#vso[task.complete]'],
  ['##\u200b[error]', '# #\ufffd[error]'],
  // The agent's search also ignores many marks, which stay visible here.
  ['#\u0591#v\u0640so[task.complete]', '# \u0591#v\u0640so[task.complete]'],
  ['\u001b[31mred', '\ufffd[31mred'],
  ['abc\u202etxt', 'abc\ufffdtxt'],
])('%j becomes %j', (text, expected) => {
  expect(sanitizeForLog(text)).toBe(expected);
});

describe('other forms of a secret', () => {
  const payload = 'p'.repeat(16);
  const signature = 's'.repeat(16);

  test('the payload and the signature of a token', () => {
    expect(tokenParts(`header.${payload}.${signature}`)).toEqual([payload, signature]);
    expect(tokenParts(`header.${payload}.short`)).toEqual([payload]);
    expect(tokenParts('an-opaque-secret-without-dots')).toEqual([]);
    expect(tokenParts(`a.${payload}.${signature}.d`)).toEqual([]);
  });

  test('base64 of any text that contains the secret contains one of the forms', () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 20, maxLength: 80 });
    fc.assert(
      fc.property(
        secret,
        fc.string({ maxLength: 10 }),
        fc.string({ maxLength: 10 }),
        (value, before, after) => {
          const text = Buffer.from(before + value + after).toString('base64');
          expect(base64Forms(value).some((form) => text.includes(form))).toBe(true);
        },
      ),
    );
  });

  test('forms that are too short to be specific are left out', () => {
    expect(base64Forms('short')).toEqual([]);
    for (const form of base64Forms('x'.repeat(14))) expect(form.length).toBeGreaterThanOrEqual(16);
  });
});
