import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const separators = {
  LF: '\n',
  CR: '\r',
  CRLF: '\r\n',
  NEL: '\u0085',
  LS: '\u2028',
  PS: '\u2029',
  VT: '\v',
  FF: '\f',
};
const commands = [
  '::set-output name=injected::yes',
  '::add-mask::injected',
  '  ::warning::injected',
  '\u00a0::error::injected',
  '##[add-mask]injected',
  'words ##[error]injected',
  '##[command name=x;]injected',
  '##vso[task.setvariable variable=injected]yes',
  'words ##vso[task.complete result=Succeeded;]injected',
  '##VSO[task.setsecret]injected',
  '%0A::error::injected',
  '%AZP25%0D%0A##vso[task.setvariable variable=injected]yes',
];
const hostile = Object.values(separators)
  .flatMap((separator) => commands.map((command) => `before${separator}${command}`))
  .join(' ');

describe.each(oneOfEach)('$title', (host) => {
  test.each([
    [
      'Entra’s words',
      'entra',
      { error: 'invalid_client', error_description: hostile, error_codes: [700016] },
    ],
    ['Entra’s error', 'entra', { error: hostile, error_description: 'x', error_codes: [700016] }],
    [
      'Entra’s trace ID',
      'entra',
      { error: 'x', error_description: 'x', trace_id: hostile, correlation_id: hostile },
    ],
    ['the identity endpoint’s words', 'imds', { error: 'invalid_request', error_description: hostile }],
    ['a redirect', 'entra', undefined],
  ] as const)('in %s', async (_, leg, body) => {
    if (body === undefined)
      azure.faults.queue(leg, {
        kind: 'redirect',
        location: encodeURI(`https://x/${hostile.slice(0, 300)}`),
      });
    else azure.faults.queue(leg, { status: 400, body });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.variables).toEqual({});
    expect(outcome.outputs).toEqual({});
    expect(outcome.order.filter(({ kind, text }) => kind === 'mask' && text.includes('injected'))).toEqual(
      [],
    );
    expect(outcome.log).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/u);
    // Nothing of it was taken for a command: none was refused either.
    expect(outcome.log.match(/^##\[(?!error|section|debug)/gmu) ?? []).toEqual([]);
  });

  test.each([
    ['scopes', '::add-mask::injected'],
    ['client-id', 'x\n::set-output name=injected::yes'],
    ['tenant-id', '##vso[task.setvariable variable=injected]yes'],
    ['cloud', '##[error]injected'],
  ])('in the input %s', async (input, value) => {
    const outcome = await runStepOn(host, azure, { ...goodInputs, [input]: value });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    expect({ ...outcome.variables, ...outcome.outputs }).toEqual({});
    expect(outcome.order.filter(({ kind }) => kind === 'mask')).toEqual([]);
  });
});
