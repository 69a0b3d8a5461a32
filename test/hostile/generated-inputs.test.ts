import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { camelCase, type InputName, inputNames } from '../../src/contract.ts';
import { isGuid } from '../../src/exchange/claims.ts';
import { sanitizeForLog } from '../../src/hosts/sanitize.ts';
import { InputError } from '../../src/inputs/errors.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { runsOf, seeded } from './generated.ts';

/**
 * Generated inputs, in the process: each is accepted as a request that obeys the contract, or refused in one clear
 * error that does not show a secret.
 */

const good: Partial<Record<InputName, string>> = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
};

/** What people put into the wrong input: keys, tokens, connection strings. */
const secret = fc.noShrink(
  fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9~_.-]{34,40}$/),
    fc.base64String({ minLength: 40, maxLength: 120 }),
    fc.stringMatching(/^eyJ[A-Za-z0-9_-]{20,200}\.[A-Za-z0-9_-]{20,400}\.[A-Za-z0-9_-]{40,300}$/),
    fc.stringMatching(/^[A-Za-z0-9]{32}$/),
    fc.stringMatching(/^[a-f0-9]{40,64}$/),
    // Generated passwords and recovery codes.
    fc.stringMatching(/^[A-Za-z]{3,8}[0-9][A-Za-z0-9!*$%&.:;)(+-]{8,12}$/),
    fc.stringMatching(/^[A-Z0-9]{3}[0-9](-[A-Z0-9]{4}){3,5}$/),
    fc.stringMatching(/^[a-f0-9]{2}(:[a-f0-9]{2}){15}$/).filter((text) => /[0-9]/u.test(text)),
  ),
);

const wrapped = fc
  .tuple(
    secret,
    fc.constantFrom(
      (one: string) => one,
      (one: string) => `{"clientId":"${clientIds.deployer}","clientSecret":"${one}","tenantId":"x"}`,
      (one: string) => `{\n  "clientSecret": "${one}"\n}`,
      (one: string) =>
        `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${one};EndpointSuffix=x`,
      (one: string) => `https://x.blob.core.windows.net/?sv=2024-01-01&sig=${one}`,
      (one: string) => `https://user:${one}@example.com`,
      (one: string) => `-----BEGIN PRIVATE KEY-----\n${one}\n-----END PRIVATE KEY-----`,
      (one: string) => `a b\n${one}`,
      (one: string) => `NAME = ${one} ${one}`,
      (one: string) => `${one}\u2028::set-output name=pwned::1`,
    ),
  )
  .map(([one, wrap]) => ({ secret: one, text: wrap(one) }));

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ maxLength: 3 }).map((text) => text.repeat(20_000)),
  fc.constantFrom(
    '\n::error::pwned',
    '##vso[task.setvariable variable=PWNED]1',
    '##[section]pwned',
    '\u001b[2J',
    '{input:client-id}',
    '__proto__',
    'PATH = arm',
    'a = arm\nA = graph',
    'arm\nARM = graph',
    `${'a'.repeat(50_000)}!`,
    ' '.repeat(50_000),
    `${'a-'.repeat(20_000)}.`,
    `api://${'x/'.repeat(20_000)}`,
    '1e3',
    '0x10',
    'true\u200b',
    'https://login.microsoftonline.com.evil.example',
    'http://login.microsoftonline.com',
    'https://a@b',
    '../../..',
  ),
);

const name = fc.constantFrom(...inputNames);
const labels = { github: (one: string) => one, 'azure-pipelines': camelCase } as const;

function read(
  inputs: Readonly<Partial<Record<InputName, string>>>,
): ReturnType<typeof readStepRequest> | InputError {
  try {
    return readStepRequest((one) => (inputs[one] ?? '').trim());
  } catch (error) {
    // Anything else is a mistake of the step, and ends the property.
    if (error instanceof InputError) return error;
    throw error;
  }
}

function messageFor(error: InputError, host: keyof typeof labels): string {
  const { error: text, diagnosis = '' } = describeFailure(error, {
    inputLabel: labels[host],
    secrets: new Set(),
  });
  return sanitizeForLog(`${diagnosis}\n${text}`).trim();
}

function expectOneClearError(error: InputError): void {
  for (const host of ['github', 'azure-pipelines'] as const) {
    const text = messageFor(error, host);
    expect(text.startsWith('Input')).toBe(true);
    expect(text.length).toBeLessThan(2_000);
    expect(text).not.toMatch(/^\s*::|##\[|##vso|\u001b|\u2028|\{(input|output):/mu);
  }
}

describe('generated inputs', () => {
  test('text of any kind in any input', () => {
    fc.assert(
      fc.property(fc.dictionary(name, hostile, { minKeys: 1, maxKeys: 4 }), (changed) => {
        const result = read({ ...good, ...changed });
        if (result instanceof InputError) {
          expectOneClearError(result);
          return;
        }
        expect(isGuid(result.clientId)).toBe(true);
        expect(new URL(result.authorityHost).protocol).toBe('https:');
        expect(new URL(result.authorityHost).origin).toBe(result.authorityHost);
        expect(result.scopes.every((scope) => /^[!-~]+\/\.default$/u.test(scope))).toBe(true);
        expect(new Set(result.scopes).size).toBe(result.scopes.length);
        expect(result.timeBudget).toBeGreaterThanOrEqual(1_000);
        expect(result.timeBudget).toBeLessThanOrEqual(3_600_000);
        const names = result.published.flatMap((line) => line.name ?? []);
        expect(names.every((one) => /^[A-Za-z_][A-Za-z0-9_]*$/u.test(one))).toBe(true);
        expect(names.map((one) => one.toUpperCase())).not.toContain('PATH');
      }),
      seeded(runsOf(5_500)),
    );
  });

  test('a secret in the wrong input is not shown', () => {
    fc.assert(
      fc.property(name, wrapped, (input, { secret: value, text }) => {
        const result = read({ ...good, [input]: text });
        if (!(result instanceof InputError)) return;
        expectOneClearError(result);
        for (const host of ['github', 'azure-pipelines'] as const) {
          // No part of it either: a host masks a secret only where it is whole.
          const shown = messageFor(result, host);
          for (let start = 0; start + 12 <= value.length; start += 4) {
            expect(shown).not.toContain(value.slice(start, start + 12));
          }
        }
      }),
      seeded(runsOf(2_000)),
    );
  });
});
