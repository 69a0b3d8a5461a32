import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { variableOf, windowsProgram } from '../../src/handover/job-environment.ts';

type Variables = Readonly<Record<string, string>>;
const onLinux = (variables: Variables) => ({ variables, windows: false });
const onWindows = (variables: Variables) => ({ variables, windows: true });

describe('the value of a variable', () => {
  test('a name counts in its own letter case, except on Windows', () => {
    const variables = { Path: '/a', other: '/b' };
    expect(variableOf(onLinux(variables), 'Path')).toBe('/a');
    expect(variableOf(onLinux(variables), 'PATH')).toBe('');
    expect(variableOf(onWindows(variables), 'PATH')).toBe('/a');
    expect(variableOf(onWindows(variables), 'path')).toBe('/a');
    expect(variableOf(onWindows(variables), 'OTHER')).toBe('/b');
  });

  test('on Windows, the exact name wins over another letter case', () => {
    expect(variableOf(onWindows({ Path: '/a', PATH: '/b' }), 'PATH')).toBe('/b');
  });

  test('a variable that is not set is empty', () => {
    expect(variableOf(onLinux({ OTHER: 'x' }), 'PATH')).toBe('');
    expect(variableOf(onWindows({ OTHER: 'x' }), 'PATH')).toBe('');
    expect(variableOf(onWindows({ PATH: '' }), 'PATH')).toBe('');
  });
});

describe('a program of Windows itself', () => {
  test('is in the folder that Windows names', () => {
    expect(windowsProgram('icacls.exe', onWindows({ SYSTEMROOT: '/win' }))).toBe(
      join('/win', 'System32', 'icacls.exe'),
    );
  });

  test('is in the usual folder if the job hides that name', () => {
    const usual = join('C:\\Windows', 'System32', 'whoami.exe');
    expect(windowsProgram('whoami.exe', onWindows({}))).toBe(usual);
    expect(windowsProgram('whoami.exe', onWindows({ SystemRoot: '' }))).toBe(usual);
  });
});
