import { describe, expect, test } from '@jest/globals';
import { HandoverError } from '../../src/handover/errors.ts';
import { isoSeconds, type PublishedToken, publish, tokenPublications } from '../../src/handover/tokens.ts';

const token = (written: string, value: string, expiresOn: string, name?: string): PublishedToken => ({
  written,
  token: value,
  expiresOn: new Date(expiresOn),
  ...(name !== undefined && { name }),
});
const tokens = [
  token('graph', 'graph-token', '2026-11-24T17:00:00.999Z', 'GRAPH'),
  token('arm', 'arm-token', '2026-11-24T16:00:00.001Z'),
];

test('the first token is access-token, all are in access-tokens, and the earliest expiry counts', () => {
  expect(tokenPublications(tokens)).toEqual([
    { kind: 'variable', name: 'GRAPH', value: 'graph-token', secrecy: 'secret' },
    { kind: 'output', name: 'access-token', value: 'graph-token', secrecy: 'secret' },
    {
      kind: 'output',
      name: 'access-tokens',
      value: '{"GRAPH":"graph-token","arm":"arm-token"}',
      secrecy: 'secret',
    },
    { kind: 'output', name: 'expires-on', value: '2026-11-24T16:00:00Z', secrecy: 'plain' },
  ]);
});

test('without a token nothing is published', () => {
  expect(tokenPublications([])).toEqual([]);
});

test('a date is ISO 8601 in UTC, to the second', () => {
  expect(isoSeconds(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)))).toBe('2026-01-02T03:04:05Z');
});

/** A host that records its calls and fails at the one that is named. */
function recordingHost(failAt = '') {
  const calls: string[] = [];
  const call = (text: string): void => {
    if (text === failAt) throw new Error('ENOSPC: no space left on device');
    calls.push(text);
  };
  return {
    calls,
    registerSecret: (value: string) => call(`mask ${value}`),
    setOutput: (name: string, _: string, secrecy: string) => call(`output ${name} ${secrecy}`),
    setVariable: (name: string, _: string, secrecy: string) => call(`variable ${name} ${secrecy}`),
  };
}

test('every secret is registered before any value is written, and variables come before outputs', () => {
  const host = recordingHost();
  publish(host, [
    ...tokenPublications(tokens),
    { kind: 'variable', name: 'AZURE_CLIENT_ID', value: 'id', secrecy: 'plain' },
  ]);
  expect(host.calls).toEqual([
    'mask graph-token',
    'mask graph-token',
    'mask {"GRAPH":"graph-token","arm":"arm-token"}',
    'variable GRAPH secret',
    'variable AZURE_CLIENT_ID plain',
    'output access-token secret',
    'output access-tokens secret',
    'output expires-on plain',
  ]);
});

describe('a host that does not take a value', () => {
  test.each([
    ['variable GRAPH secret', []],
    ['output access-token secret', ['GRAPH']],
    ['output expires-on plain', ['GRAPH', 'access-token', 'access-tokens']],
  ])('%s: the error names what a later step can see', (failAt, visible) => {
    const host = recordingHost(failAt);
    const error = expect.objectContaining({
      detail: { kind: 'not-published', visible, detail: 'ENOSPC: no space left on device' },
    });
    expect(() => publish(host, tokenPublications(tokens))).toThrow(error);
    expect(() => publish(host, tokenPublications(tokens))).toThrow(HandoverError);
  });
});
