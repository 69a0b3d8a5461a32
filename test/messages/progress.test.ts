import { describe, expect, test } from '@jest/globals';
import type { Machine } from '../../src/exchange/machine.ts';
import type { Retrying } from '../../src/exchange/transport.ts';
import {
  debugClaims,
  debugError,
  debugMachine,
  debugTry,
  describeRetry,
  describeTrustRetry,
} from '../../src/messages/progress.ts';
import { entraFailure, failureOf, scope } from './message-context.ts';

const none: ReadonlySet<string> = new Set();
const retrying = (failure: Retrying['failure'], more: Partial<Retrying> = {}): Retrying => ({
  failure,
  reason: 'transient',
  tries: 1,
  wait: 2_000,
  announce: false,
  ...more,
});

describe('the line about a retry', () => {
  test('names the machine’s endpoint, which has no scope', () => {
    const failure = failureOf('identity', 429, {});
    expect(describeRetry(retrying(failure))).toBe(
      'The machine’s identity endpoint: HTTP 429. Try 2 starts in 2 s.',
    );
  });

  test('names the kind of an answer that cannot be used', () => {
    const failure = failureOf('entra', 200, '<!doctype html><html></html>');
    expect(describeRetry(retrying(failure, { scope }))).toBe(
      `Entra for ${scope}: html. Try 2 starts in 2 s.`,
    );
  });

  test('a failure without any code', () => {
    const failure = { leg: 'entra', host: 'x', kind: 'unreachable', code: '', message: 'odd' } as const;
    expect(describeRetry(retrying(failure, { scope }))).toBe(
      `Entra for ${scope}: connection failed. Try 2 starts in 2 s.`,
    );
  });

  test('a missing trust: a reason that the table does not have waits no time', () => {
    const line = describeTrustRetry(
      retrying(failureOf('identity', 400, {}), { reason: 'trust', announce: true }),
    );
    expect(line).toContain('Retrying for up to 0 s.');
    expect(describeTrustRetry(retrying(entraFailure('700213'), { reason: 'trust' }))).toContain(
      'Entra answered AADSTS700213: ',
    );
  });
});

describe('debug lines', () => {
  test.each<readonly [Machine['kind'], string]>([
    ['imds', 'IMDS'],
    ['app-service', 'App Service or Container Apps'],
  ])('the machine: %s', (kind, name) => {
    const machine = { kind, endpoint: 'http://127.0.0.1:1', because: 'a variable says so' } as Machine;
    expect(debugMachine(machine, new Set())).toBe(
      `Machine: ${name}, identity endpoint http://127.0.0.1:1 (a variable says so), asked directly, without a proxy.`,
    );
  });

  test('a try that went directly', () => {
    const ended = {
      leg: 'entra',
      host: 'entra.example',
      number: 2,
      result: 'HTTP 503',
      duration: 12.6,
    } as const;
    expect(debugTry(ended, none)).toBe('Try 2: Entra entra.example, direct: HTTP 503 after 13 ms.');
  });

  test('a try through a proxy, with the server’s request ID', () => {
    const ended = {
      leg: 'identity',
      host: 'imds.example',
      proxy: { host: 'proxy.example:8080', setting: 'HTTPS_PROXY' },
      number: 1,
      result: 'HTTP 200',
      duration: 3,
      requestId: 'x'.repeat(100),
    } as const;
    expect(debugTry(ended, none)).toBe(
      `Try 1: identity endpoint imds.example, through proxy proxy.example:8080: HTTP 200 after 3 ms, request ID ***.`,
    );
  });

  test('the claims that identify and limit a token, in this order, and no other', () => {
    const claims = {
      other: 'hidden',
      ver: '2.0',
      uti: 'u',
      exp: 3,
      nbf: 2,
      iat: 1,
      roles: ['a', 'b'],
      xms_mirid: '/x',
      idtyp: 'app',
      azp: 'z',
      appid: 'a',
      oid: 'o',
      tid: 't',
      aud: 'd',
      sub: 's',
      iss: 'i',
    };
    expect(debugClaims('entra', claims, none)).toBe(
      'Claims of the app token: iss="i", sub="s", aud="d", tid="t", oid="o", appid="a", azp="z", idtyp="app", xms_mirid="/x", roles=["a","b"], iat=1, nbf=2, exp=3, uti="u", ver="2.0"',
    );
  });

  test('the assertion’s claims, and claims that cannot be read', () => {
    expect(debugClaims('identity', { iss: 'i' }, none)).toBe('Claims of the assertion: iss="i"');
    expect(debugClaims('identity', undefined, none)).toBe('Claims of the assertion: not readable.');
  });

  test('an unexpected error has its stack and those of its causes, five in all', () => {
    let error = new Error('cause 7');
    for (const number of [6, 5, 4, 3, 2, 1]) error = new Error(`cause ${number}`, { cause: error });
    const text = debugError(error, none);
    expect(text.match(/Error: cause \d/gu)).toEqual([
      'Error: cause 1',
      'Error: cause 2',
      'Error: cause 3',
      'Error: cause 4',
      'Error: cause 5',
    ]);
    expect(text.match(/^Caused by: Error: cause \d$/gmu)).toHaveLength(4);
    expect(text).toContain('progress.test');
  });

  test('without a stack the error’s message stands there, and what is no error is left out', () => {
    const error = new Error('bare', { cause: 'text' });
    Object.defineProperty(error, 'stack', { value: undefined });
    expect(debugError(error, none)).toBe('bare');
    expect(debugError('text', none)).toBe('');
  });
});
