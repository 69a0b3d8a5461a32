import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../src/inputs/errors.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';

const read = (path: string, more: Readonly<Record<string, string>> = {}) => {
  const inputs: Readonly<Record<string, string>> = {
    ...goodInputs,
    'managed-identity-client-id': '',
    'federated-token-file': path,
    ...more,
  };
  return readStepRequest((name) => inputs[name] ?? '');
};
function problemOf(path: string, more: Readonly<Record<string, string>> = {}): InputError['detail'] {
  try {
    read(path, more);
  } catch (error) {
    if (error instanceof InputError) return error.detail;
    throw error;
  }
  throw new Error(`${path} was accepted.`);
}

test.each(['/var/run/secrets/azure/tokens/azure-identity-token', '/tmp/with space/tökén'])(
  'the full path %j is taken as it is',
  (path) => {
    expect(read(path).origin).toEqual({ kind: 'token-file', path });
  },
);

describe('is refused', () => {
  test.each([
    'azure-identity-token',
    './token',
    '~/token',
    '//server/share/token',
    '\\\\server\\share\\token',
    '\\\\.\\pipe\\token',
    '/var/run\n/token',
    '/var/run/\u0000token',
  ])('%j', (path) => {
    const { inputs, problem } = problemOf(path);
    expect(inputs).toEqual(['federated-token-file']);
    expect(problem).toContain('is not the full path of a file of this machine.');
  });

  test('the token itself in place of its path, and it is not quoted', () => {
    const { problem } = problemOf(`eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJ4In0'.repeat(9)}.c2lnbmF0dXJl`);
    expect(problem).toMatch(/^The value \(a token of \d+ characters\) is not/u);
  });

  test.each([
    'managed-identity-client-id',
    'managed-identity-object-id',
    'managed-identity-resource-id',
  ] as const)('beside %s', (other) => {
    expect(problemOf('/token', { [other]: 'x' }).inputs).toEqual([other, 'federated-token-file']);
  });
});
