import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CloudName, clouds } from '../../src/azure/clouds.ts';
import { InputError } from '../../src/inputs/errors.ts';
import { readScopeLines } from '../../src/inputs/scope-lines.ts';

const read = (text: string, cloud: CloudName = 'public') => readScopeLines(text, { cloud: clouds[cloud] });
const guid = '499B84AC-1321-427f-aa17-267ca6975798';

describe('what a line says, and the scope that is requested', () => {
  test.each([
    ['https://vault.azure.net', 'https://vault.azure.net/.default'],
    ['https://vault.azure.net/', 'https://vault.azure.net//.default'],
    ['https://management.core.windows.net/', 'https://management.core.windows.net//.default'],
    ['https://management.core.windows.net//.default', 'https://management.core.windows.net//.default'],
    ['api://contoso/orders', 'api://contoso/orders/.default'],
    ['api://11111111-2222-3333-4444-555555555555', 'api://11111111-2222-3333-4444-555555555555/.default'],
    ['https://analysis.windows.net/powerbi/api', 'https://analysis.windows.net/powerbi/api/.default'],
    ['https://contoso.onmicrosoft.com/my-api', 'https://contoso.onmicrosoft.com/my-api/.default'],
    [guid, `${guid.toLowerCase()}/.default`],
    [`${guid}/.default`, `${guid.toLowerCase()}/.default`],
    ['urn:contoso:orders', 'urn:contoso:orders/.default'],
    ['GRAPH', 'https://graph.microsoft.com/.default'],
    ['ms-graph', 'https://graph.microsoft.com/.default'],
  ])('%s', (written, scope) => {
    expect(read(written)).toEqual([{ written, scope }]);
  });

  test('the name is before the first equals sign, and any later one belongs to the scope', () => {
    expect(read(' TOKEN = https://a.example/?b=c ')).toEqual([
      { name: 'TOKEN', written: 'https://a.example/?b=c', scope: 'https://a.example/?b=c/.default' },
    ]);
    expect(read('https://a.example/?b=c')).toEqual([
      { written: 'https://a.example/?b=c', scope: 'https://a.example/?b=c/.default' },
    ]);
  });

  test('line breaks and commas separate scopes, and blank ones are ignored', () => {
    expect(read('\n arm ,, graph\n\n\tstorage\r\n').map(({ written }) => written)).toEqual([
      'arm',
      'graph',
      'storage',
    ]);
  });
});

describe('what is an error', () => {
  test.each([
    'User.Read',
    'https://graph.microsoft.com/User.Read',
    'https://graph.microsoft.com/Directory.ReadWrite.All',
    'https://graph.microsoft.com/eDiscovery.Read.All',
    'https://graph.microsoft.com/User-Mail.ReadWrite.All',
    'api://x/access_as_user',
    'https://management.azure.com/user_impersonation',
    'https://graph.microsoft.com/.Default',
    'https://graph.microsoft.com/.default/',
    '/.default',
    'graph/.default',
    'vault.azure.net',
    'https://',
    'https://a"b',
    'https://a\\b',
    'https://ä.example',
    '-',
    '=',
    '= arm',
    'A-B = arm',
    '1A = arm',
    'A B',
  ])('%s', (text) => {
    expect(() => read(text)).toThrow(InputError);
  });

  test('every text is read, or is an input error, and never anything else', () => {
    const parts = fc.constantFrom(
      '=',
      ',',
      '\n',
      ' ',
      'https://',
      'api://',
      '/.default',
      'arm',
      'A',
      'a.b',
      ':',
      guid,
      '"',
      'é',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (written) => {
        try {
          for (const { scope, name } of read(written.join(''))) {
            expect(scope).toMatch(/^[!-~]+\/\.default$/u);
            expect(name ?? 'A').toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/u);
          }
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          expect(error.detail.inputs).toContain('scopes');
          expect(error.detail.expected).not.toBe('');
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('names', () => {
  test.each([
    'PATH',
    'Home',
    'NODE_OPTIONS',
    'http_proxy',
    'accessToken',
    'AZURE_CLIENT_ID',
    'IDENTITY_HEADER',
  ])('%s is reserved', (name) => {
    expect(() => read(`${name} = arm`)).toThrow(`the name ${name} is reserved because `);
  });

  test.each(['APP_TOKEN', 'GRAPH_TOKEN', 'AZURE_DEVOPS_EXT_PAT', '_x'])('%s is free', (name) => {
    expect(read(`${name} = arm`)).toHaveLength(1);
  });

  test('a repeated name is an error, in any letter case', () => {
    expect(() => read('A_T = arm\na_t = graph')).toThrow('the name a_t is used twice');
    expect(read('A_T = arm\nB_T = arm\narm')).toHaveLength(3);
  });

  test('two lines with the same key in access-tokens are an error, in any letter case', () => {
    for (const text of ['ARM = graph\narm', 'arm\nARM = graph', 'graph = storage\nGRAPH']) {
      expect(() => read(text)).toThrow('Two lines have the key');
    }
    expect(read('ARM = arm\ngraph')).toHaveLength(2);
  });
});

describe('messages', () => {
  test.each([
    ['# all tokens', 'looks like a comment'],
    ['arm graph', 'has white space inside its scope'],
    ['TOKEN =', 'has a name but no scope'],
    ['1A = arm', '"1A" is not the name of a variable'],
    ['https://graph.microsoft.com/User.Read', 'is a permission, not a resource'],
    ['nonsense', 'is neither an alias, nor a resource, nor a full scope'],
  ])('%s', (text, problem) => {
    expect(() => read(text)).toThrow(problem);
  });

  test('the resource of a permission is suggested', () => {
    expect(() => read('https://graph.microsoft.com/User.Read')).toThrow(
      expect.objectContaining({
        detail: expect.objectContaining({
          expected: expect.stringContaining('https://graph.microsoft.com. '),
        }),
      }),
    );
  });

  test('white space mentions folded YAML blocks', () => {
    expect(() => read('arm graph')).toThrow(
      expect.objectContaining({
        detail: expect.objectContaining({ expected: expect.stringContaining('folded') }),
      }),
    );
  });
});

describe('aliases', () => {
  test('stand for the cloud’s own resource', () => {
    expect(read('arm', 'usgovernment')[0]?.scope).toBe('https://management.usgovcloudapi.net/.default');
    expect(read('Key-Vault', 'china')[0]?.scope).toBe('https://vault.azure.cn/.default');
  });

  test('without a known resource in the cloud are an error', () => {
    expect(() => read('azure-devops', 'china')).toThrow('has no known resource in the cloud china');
  });

  test('mean nothing in a cloud without a preset, where full scopes do', () => {
    const aliases = { cloud: clouds.public, cloudWithoutPreset: 'US Nat' };
    expect(() => readScopeLines('arm', aliases)).toThrow(
      'no known resource in the cloud of this sign-in host, US Nat',
    );
    expect(readScopeLines('https://x.example', aliases)).toHaveLength(1);
  });
});
