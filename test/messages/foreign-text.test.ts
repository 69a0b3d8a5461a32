import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HandoverProblem } from '../../src/handover/errors.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { sanitizeForLog } from '../../src/hosts/sanitize.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { foreignEnd, foreignText } from '../../src/messages/foreign-text.ts';
import { debugClaims, debugError, debugTry, describeRetry } from '../../src/messages/progress.ts';
import { parseAgentCommand } from '../harness/agent-command.ts';
import { parseRunnerCommand, runnerCommands } from '../harness/runner-command.ts';
import { contextFor, describeRequest, everything, failureOf, labelledHosts } from './message-context.ts';

const jwt = `eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.${'cGF5bG9hZA'.repeat(40)}.${'c2lnbmF0dXJl'.repeat(28)}`;
/** Secrets of every shape that a run has: a token, an opaque token, the endpoint's header. */
const opaque = 'kQ9~.'.repeat(60);
const header = '7f3c1e0a-55aa-4f0e-9b1d-0c2d4e6f8a1b';
const secrets = new Set([jwt, opaque, header]);

/** The longest piece of `secret` that stands in `text`. */
function longestPiece(secret: string, text: string): number {
  let longest = 0;
  for (let start = 0; start < secret.length; start += 1) {
    while (text.includes(secret.slice(start, start + longest + 1)) && start + longest < secret.length)
      longest += 1;
  }
  return longest;
}

describe('secrets are hidden before a text is cut', () => {
  const places = [0, 100, 250, 290, 299, 300, 301];
  test.each(places)('foreignText, a secret that begins at %i of 300', (place) => {
    for (const secret of secrets) {
      const text = foreignText(`${'. '.repeat(200).slice(0, place)}${secret} end`, secrets, 300);
      expect(text.length).toBeLessThanOrEqual(300);
      expect(longestPiece(secret, text)).toBeLessThan(4);
    }
  });

  test.each(places)('foreignEnd, a secret that ends %i before the end', (place) => {
    for (const secret of secrets) {
      const text = foreignEnd(`start\n${secret}${'. '.repeat(200).slice(0, place)}`, secrets, 300);
      expect(longestPiece(secret, text)).toBeLessThan(4);
    }
  });

  test('what looks like a token is hidden even if nobody registered it', () => {
    const other = new Set<string>();
    expect(foreignText(`got ${jwt}.`, other, 500)).toBe('got ***');
    expect(foreignText(`got ${jwt.slice(0, 60)}`, other, 500)).toBe('got ***');
    // The signature alone, or the rest of a token whose start was cut off.
    expect(foreignText(jwt.slice(200), other, 500)).not.toMatch(/[A-Za-z0-9]{20}/u);
    expect(foreignText(`key ${'Ab1/'.repeat(30)}`, other, 500)).toBe('key ***');
  });

  /** What proxies, terminals and tools do to a text on its way. */
  const disguises: readonly (readonly [title: string, disguise: (secret: string) => string])[] = [
    ['wrapped at 64 characters', (one) => one.replace(/.{64}/gu, '$&\n')],
    ['wrapped at 40 characters with an indent', (one) => one.replace(/.{40}/gu, '$&\r\n    ')],
    ['with a space after 12 characters', (one) => one.replace(/.{12}/gu, '$& ')],
    ['with a space after 5 characters', (one) => one.replace(/.{5}/gu, '$& ')],
    ['with a zero-width space after 16 characters', (one) => one.replace(/.{16}/gu, '$&\u200b')],
    ['with a zero-width space after each character', (one) => [...one].join('\u200b')],
    ['with dots between', (one) => one.replace(/.{8}/gu, '$&...')],
    ['with hyphens between', (one) => one.replace(/.{8}/gu, '$&-')],
    ['with quotes and plus signs between', (one) => one.replace(/.{20}/gu, '$&" + "')],
    ['percent-encoded', (one) => percent(one)],
    ['percent-encoded in capital letters', (one) => percent(one).toUpperCase()],
    ['percent-encoded twice', (one) => encodeURIComponent(percent(one))],
    ['in JavaScript escapes', (one) => one.replace(/./gu, (c) => `\\u00${hex(c)}`)],
    ['with escaped zero-width spaces between', (one) => one.replace(/.{6}/gu, '$&\\u200b')],
    ['in HTML’s hexadecimal escapes', (one) => one.replace(/./gu, (c) => `&#x${hex(c)};`)],
    ['in HTML’s decimal escapes', (one) => one.replace(/./gu, (c) => `&#${c.charCodeAt(0)};`)],
    ['in standard base64', (one) => one.replaceAll('-', '+').replaceAll('_', '/')],
    ['in capital letters', (one) => one.toUpperCase()],
    ['the first 20 characters alone', (one) => one.slice(0, 20)],
    ['the last 20 characters alone', (one) => one.slice(-20)],
    ['the middle alone, spaced out', (one) => [...one.slice(10, 60)].join(' ')],
  ];
  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
  const percent = (text: string) => [...text].map((c) => `%${hex(c)}`).join('');
  /** Undoes every disguise. */
  const plain = (text: string) =>
    text
      .replace(/(?:%(?:25)*|\\u00|&#x)([0-9a-f]{2});?/giu, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
      .replace(/&#(\d+);/gu, (_, code: string) => String.fromCharCode(Number(code)))
      .replace(/\\u200b/gu, '')
      .replace(/[^A-Za-z0-9]/gu, '')
      .toLowerCase();

  test.each(disguises)('a secret %s is hidden, and the text around it stays', (_, disguise) => {
    for (const secret of secrets) {
      for (const most of [150, 1_500, 20_000]) {
        const text = `AADSTS99999: bad ${disguise(secret)} after`;
        const shown = foreignText(text, secrets, most);
        expect(shown).toMatch(/^AADSTS99999: bad \W*\*\*\*/u);
        expect(longestPiece(plain(secret), plain(shown))).toBeLessThan(12);
        const end = foreignEnd(text, secrets, most);
        expect(end).toMatch(/ after$/u);
        expect(longestPiece(plain(secret), plain(end))).toBeLessThan(12);
      }
    }
  });

  test('generated disguises: pieces of 1 to 40 characters, whatever stands between', () => {
    const separator = fc.stringMatching(/^[^A-Za-z0-9%&\\]{1,6}$/u);
    const real = `e30.${Buffer.from(JSON.stringify({ a: [...Array(90).keys()] })).toString('base64url')}.c2ln`;
    const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), separator), {
      minLength: 5,
      maxLength: 40,
    });
    fc.assert(
      fc.property(sizes, (cuts) => {
        let rest = real;
        let text = '';
        for (const [size, between] of cuts) {
          text += rest.slice(0, size) + between;
          rest = rest.slice(size);
        }
        const shown = foreignText(text + rest, new Set([real]), 10_000);
        expect(longestPiece(plain(real), plain(shown))).toBeLessThan(12);
      }),
    );
  });

  test('many large secrets and a long text take no long time', () => {
    const many = new Set(Array.from({ length: 50 }, (_, index) => `${index}~`.repeat(5_000)));
    const started = process.cpuUsage().user;
    for (const part of ['%', '%25', '&#x', '&#000', '\\u00', 'a', '1~2~3~', 'abcdefghijkl ', '\u200b'])
      foreignText(part.repeat(100_000), many, 1_500);
    // Microseconds; a quadratic search takes minutes.
    expect(process.cpuUsage().user - started).toBeLessThan(15_000_000);
  });

  test('what a reader needs stays', () => {
    const text =
      'AADSTS700213: No matching federated identity record, trace 11111111-2222-4333-8444-555555555555';
    expect(foreignText(text, secrets, 500)).toBe(text);
    expect(foreignText('x'.repeat(50), secrets, 10)).toBe(`${'x'.repeat(9)}…`);
    expect(foreignEnd('first line\nsecond line', secrets, 15)).toBe('second line');
  });

  test('a long text takes no long time', () => {
    for (const part of [' ', 'a', 'eyJ', '::', '##[', '\n', 'AADSTS']) {
      const text = sanitizeForLog(foreignText(part.repeat(1_000_000), secrets, 1_500));
      expect(text.length).toBeLessThan(3_000);
    }
  });
});

const places = (secret: string) =>
  [
    ['error_description', failureOf('entra', 400, { error: 'x', error_description: `echo ${secret} end` })],
    ['error', failureOf('entra', 400, { error: `echo ${secret}`, error_description: 'x' })],
    ['trace_id', failureOf('entra', 400, { error: 'x', error_description: 'x', trace_id: secret })],
    [
      'correlation_id',
      failureOf('entra', 400, { error: 'x', error_description: 'x', correlation_id: secret }),
    ],
    ['timestamp', failureOf('entra', 400, { error: 'x', error_description: 'x', timestamp: secret })],
    ['message', failureOf('identity', 400, { statusCode: 400, message: `echo ${secret}` })],
    ['a body that is no JSON', failureOf('identity', 500, `${'. '.repeat(140)}${secret}`)],
    ['Location', failureOf('entra', 302, '', { location: `https://x/?${'a=b&'.repeat(70)}${secret}` })],
    ['a key of the body', failureOf('entra', 200, { [secret]: 1, other: 2 })],
    ['a system’s error', { kind: 'unreachable', leg: 'entra', host: 'x', code: '', message: `at ${secret}` }],
  ] as const;

describe.each(labelledHosts)('$title', (host) => {
  test.each(places(jwt).map(([place], index) => [place, index] as const))(
    'a secret that a server echoes in %s is not in the message',
    (_, index) => {
      for (const secret of secrets) {
        const [, failure] = places(secret)[index] ?? [];
        if (failure === undefined) throw new Error('no failure');
        const text = everything(describeRequest(failure, contextFor(host, { secrets: [...secrets] })));
        // The header of a JWT is no secret.
        expect(longestPiece(secret, text)).toBeLessThan(secret === jwt ? 20 : 12);
      }
    },
  );

  test.each([
    [
      'what az wrote',
      (words: string): HandoverProblem => ({
        kind: 'sign-in-failed',
        tool: 'azure-cli',
        program: 'az',
        stage: 'identity',
        arguments: ['login'],
        end: { kind: 'failed', code: 1, words },
        tries: 1,
        limit: 1,
      }),
    ],
    [
      'a system’s words',
      (detail: string): HandoverProblem => ({ kind: 'not-published', visible: [], detail }),
    ],
    [
      'a command file',
      (detail: string): HandoverProblem => ({ kind: 'unusable-command-file', name: 'GITHUB_ENV', detail }),
    ],
    [
      'a token file',
      (detail: string): HandoverProblem => ({ kind: 'not-written', what: 'token-file', path: '/x', detail }),
    ],
  ])('a secret in %s is not in the message', (_, problem) => {
    for (const secret of secrets) {
      for (const filler of ['', '. '.repeat(140), 'words and words\n'.repeat(130)]) {
        const error = new HandoverError(problem(`${filler}${secret} ${filler}`));
        const text = everything(describeFailure(error, contextFor(host, { secrets: [...secrets] })));
        expect(longestPiece(secret, text)).toBeLessThan(12);
      }
    }
  });

  test('a secret in an unexpected error is not in the message, and not in its debug lines', () => {
    for (const secret of secrets) {
      const error = new Error(`${'. '.repeat(240)}${secret}`, { cause: new Error(`cause ${secret}`) });
      const text = everything(describeFailure(error, contextFor(host, { secrets: [...secrets] })));
      expect(text).toContain('The step failed unexpectedly');
      expect(longestPiece(secret, text + debugError(error, secrets))).toBeLessThan(12);
      expect(debugError(error, secrets)).toMatch(/foreign-text\.test[\s\S]+Caused by: Error: cause \*\*\*/u);
    }
  });
});

test('debug lines hide a secret in a claim and in a request ID', () => {
  for (const secret of secrets) {
    expect(
      longestPiece(secret, debugClaims('entra', { aud: `x ${secret}`, iss: secret }, secrets)),
    ).toBeLessThan(12);
  }
  for (const secret of secrets) {
    const requestId = `${'. '.repeat(30)}${secret}`;
    const ended = {
      leg: 'entra',
      host: 'x',
      number: 1,
      result: 'HTTP 200',
      duration: 1.4,
      requestId,
    } as const;
    expect(longestPiece(secret, debugTry(ended, secrets))).toBeLessThan(20);
  }
});

const separators = ['\n', '\r', '\r\n', '\u0085', '\u2028', '\u2029', '\v', '\f', ' '];
const commands = [
  '::set-output name=injected::yes',
  '::add-mask::injected',
  '::error::injected',
  '  ::error::injected',
  '\t::warning::injected',
  '\u00a0::error::injected',
  '\ufeff::error::injected',
  '##[add-mask]injected',
  'words ##[error]injected',
  '##[group]injected',
  '##vso[task.setvariable variable=injected]yes',
  'words ##vso[task.complete result=Succeeded;]injected',
  '##VSO[task.setsecret]injected',
  '##\u200bvso[task.setvariable variable=injected]yes',
  '#\u00ad#vso[task.setvariable variable=injected]yes',
  '%0A::error::injected',
  '%AZP25%0D%0A##vso[task.setvariable variable=injected]yes',
];

/** The lines that a host would take for a command. The agent ignores invisible characters, and letter case. */
function commandsTaken(text: string): readonly string[] {
  return text.split(/\r\n|[\n\r]/u).filter((line) => {
    const seenByAgent = line.replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
    return (
      parseRunnerCommand(line, runnerCommands) !== undefined ||
      parseAgentCommand(seenByAgent.toLowerCase()) !== undefined ||
      /##(vso|\[)/iu.test(seenByAgent)
    );
  });
}

test('the commands are ones that a host would carry out', () => {
  for (const command of commands.filter((one) => !one.startsWith('%'))) {
    expect(commandsTaken(command.replace('\ufeff', ''))).toHaveLength(1);
  }
});

test.each(commands)(
  '%j is harmless in every place of a message, a retry line and a debug line',
  (command) => {
    const [host] = labelledHosts;
    if (host === undefined) throw new Error('no host');
    for (const separator of separators) {
      const hostile = `${separator}${command}`;
      const failures = places(hostile).map(([, failure]) => failure);
      const lines = [
        hostile,
        ...failures.map((failure) => everything(describeRequest(failure, contextFor(host)))),
        ...failures.map((failure) =>
          describeRetry({ failure, reason: 'server-error', tries: 1, wait: 1, announce: false }),
        ),
        debugClaims('entra', { aud: hostile, iss: hostile }, secrets),
        debugTry(
          { leg: 'entra', host: 'x', number: 1, result: hostile, duration: 1, requestId: hostile },
          secrets,
        ),
        debugError(new Error(hostile), secrets),
      ].map(sanitizeForLog);
      for (const line of lines) {
        expect(commandsTaken(line)).toEqual([]);
        expect(line).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200b\u00ad\ufeff]/u);
      }
    }
  },
);

describe('text from outside is cut', () => {
  test.each<readonly [string, number, string]>([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['abcdef', 1, '…'],
    ['', 5, ''],
  ])('%j, at most %i characters: %j', (text, most, expected) => {
    expect(foreignText(text, new Set(), most)).toBe(expected);
  });

  test.each<readonly [string, number, string]>([
    ['first\nlast', 10, 'first\nlast'],
    // From the start of a line on.
    ['first\nlast', 9, 'last'],
    ['first\nsecond\nlast', 11, 'last'],
    ['first\nsecond\nlast', 12, 'second\nlast'],
    ['first\nsecond\nlast', 13, 'second\nlast'],
    // One long line keeps its end.
    ['abcdef', 5, '…cdef'],
    ['abcdef', 6, 'abcdef'],
  ])('from its end, %j, at most %i characters: %j', (text, most, expected) => {
    expect(foreignEnd(text, new Set(), most)).toBe(expected);
  });

  test('a secret that would be cut in two is hidden whole, at both ends', () => {
    const secrets = new Set(['hush-hush-hush']);
    expect(foreignText('abc hush-hush-hush', secrets, 8)).toBe('abc ***');
    expect(foreignEnd('hush-hush-hush abc', secrets, 8)).toBe('*** abc');
  });

  test('a secret of eight characters is hidden; a shorter one would hide ordinary words', () => {
    expect(foreignText('x hushhush y', new Set(['hushhush']), 100)).toBe('x *** y');
    expect(foreignText('the token is true', new Set(['true']), 100)).toBe('the token is true');
  });
});
