import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parseCommandLine, UsageError } from '../../emulator/cli-options.ts';

const faultOf = (text: string): unknown => {
  const options = parseCommandLine(['--fault', text]);
  return options === 'help' ? undefined : options.faults[0];
};

describe('--fault', () => {
  const documented = [...readFileSync('docs/troubleshooting.md', 'utf8').matchAll(/AADSTS(\d{5,7})/gu)];
  const codes = [...new Set(documented.map(([, code]) => Number(code)))];

  test('the page of documented errors has codes', () => expect(codes.length).toBeGreaterThan(50));

  test.each(codes)('entra:%d, a documented code, can be provoked', (code) => {
    expect(faultOf(`entra:${code}`)).toEqual({
      leg: 'entra',
      fault: { kind: 'entra', code },
      times: Number.POSITIVE_INFINITY,
    });
  });

  test.each([
    ['imds:410', { leg: 'imds', fault: { status: 410 }, times: Number.POSITIVE_INFINITY }],
    ['entra:503:2', { leg: 'entra', fault: { status: 503 }, times: 2 }],
    ['entra:AADSTS90033:1', { leg: 'entra', fault: { kind: 'entra', code: 90033 }, times: 1 }],
    ['proxy:407', { leg: 'proxy', fault: { status: 407 } }],
    ['graph:reset', { leg: 'graph', fault: { kind: 'reset' } }],
    ['imds:identity-not-found', { fault: { body: { error_description: 'Identity not found' } } }],
  ])('%s', (text, expected) => expect(faultOf(text)).toMatchObject(expected));

  test.each([
    ['entra', 'is no failure'],
    ['entra:', 'is no failure'],
    ['entra:53003:0', 'SERVICE:WHAT[:TIMES]'],
    ['entra:53003:1:1', 'SERVICE:WHAT[:TIMES]'],
    ['entra:99999', 'does not know AADSTS99999'],
    ['imds:53003', 'is no failure'],
    ['graph:forwarded', 'is no failure'],
    ['enta:53003', 'Did you mean entra?'],
    ['imds:rest', 'Did you mean reset?'],
  ])('%s is rejected', (text, message) => {
    expect(() => faultOf(text)).toThrow(UsageError);
    expect(() => faultOf(text)).toThrow(message);
  });
});

test('--delay applies to one service, or to all except the proxy', () => {
  const options = parseCommandLine(['--delay', '20', '--delay', 'entra:150']);
  if (options === 'help') throw new Error('help');
  expect(options.delays[0]?.legs).toContain('imds');
  expect(options.delays[0]?.legs).not.toContain('proxy');
  expect(options.delays[1]).toEqual({ legs: ['entra'], milliseconds: 150 });
  expect(() => parseCommandLine(['--delay', 'soon'])).toThrow('[SERVICE:]MILLISECONDS');
});

test.each(['0', '65530', 'any', '-1', '1.5'])('--port %s is rejected', (port) => {
  expect(() => parseCommandLine([`--port=${port}`])).toThrow('is not a port');
});

test('paths are made absolute', () => {
  const options = parseCommandLine(['--state', 'a', '--env-file', 'b'], (path) => `/here/${path}`);
  expect(options).toMatchObject({ state: '/here/a', envFile: '/here/b' });
});

test('inputs follow --run, and a value can contain anything', () => {
  expect(parseCommandLine(['--run', 'client-id=deployer', 'scopes=A = arm\nB = graph'])).toMatchObject({
    run: { 'client-id': 'deployer', scopes: 'A = arm\nB = graph' },
  });
  expect(() => parseCommandLine(['--run', 'deployer'])).toThrow('Write NAME=VALUE');
});
