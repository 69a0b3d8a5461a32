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
    for (const text of ['ARM = graph\narm', 'arm\nARM = graph', 'graph = storage\nGRAPH', 'graph\nGRAPH']) {
      expect(() => read(text)).toThrow('Two lines have the same key');
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

describe('the whole error', () => {
  const detailOf = (text: string, aliases: Parameters<typeof readScopeLines>[1]): unknown => {
    try {
      readScopeLines(text, aliases);
    } catch (error) {
      if (error instanceof InputError) return error.detail;
      throw error;
    }
    throw new Error('no error');
  };
  const publicCloud = { cloud: clouds.public };

  test.each([
    [
      '# all tokens',
      'Line "# all tokens" looks like a comment.',
      'Scopes cannot have comments. Put the comment above the input, outside the YAML block.',
    ],
    ['TOKEN =', 'Line "TOKEN =" has a name but no scope.', 'Write NAME = SCOPE.'],
    [
      'arm graph',
      'Line "arm graph" has white space inside its scope.',
      'Write one scope per line. In YAML, start the block with “|”: a folded block (“>”) joins its lines with spaces.',
    ],
    [
      '1A = arm',
      'A line (8 characters): "1A" is not the name of a variable.',
      'Use letters, digits and underscores. A name cannot begin with a digit.',
    ],
    [
      'A_T = arm\na_t=graph',
      'Line "a_t = graph": the name a_t is used twice.',
      'Use a different name for each token. Names that differ only in letter case are the same.',
    ],
    [
      'arm\nARM = graph',
      'Two lines have the same key, ARM, in {output:access-tokens} (letter case does not count). One of the two tokens would be lost.',
      'Use a different name for one of them.',
    ],
    [
      'PATH = arm',
      'Line "PATH = arm": the name PATH is reserved because it changes how later steps run, or where their tools read, write or send data.',
      'Use another name, such as APP_TOKEN.',
    ],
    [
      'https://graph.microsoft.com/User.Read',
      '"https://graph.microsoft.com/User.Read" is a permission, not a resource.',
      'An app’s own token has all permissions that were granted to the app. Use the resource: https://graph.microsoft.com. If this text is itself a resource, append /.default.',
    ],
    [
      `https://${'a~'.repeat(60)}.example/User.Read`,
      'The value (146 characters) is a permission, not a resource.',
      'An app’s own token has all permissions that were granted to the app. Use the resource without the permission. If this text is itself a resource, append /.default.',
    ],
  ])('%j', (text, problem, expected) => {
    expect(detailOf(text, publicCloud)).toEqual({ inputs: ['scopes'], problem, expected });
  });

  test('a text that is no scope names what would be one', () => {
    expect(detailOf('nonsense', publicCloud)).toEqual({
      inputs: ['scopes'],
      problem: '"nonsense" is neither an alias, nor a resource, nor a full scope.',
      expected: expect.stringMatching(
        /^Use a resource \(https:\/\/vault\.azure\.net, api:\/\/<application ID>, a GUID\), a resource with \/\.default, acr:<registry’s login server>, or one of these aliases: arm, .*[a-z], [a-z][a-z-]+\.$/u,
      ),
    });
  });

  test('an alias in a cloud that does not have it', () => {
    expect(detailOf('azure-devops', { cloud: clouds.china })).toEqual({
      inputs: ['scopes'],
      problem: 'The alias "azure-devops" has no known resource in the cloud china.',
      expected: 'If the service exists there, use its full scope.',
    });
    expect(detailOf('arm', { cloud: clouds.public, cloudWithoutPreset: 'US Nat' })).toEqual({
      inputs: ['scopes', 'authority-host'],
      problem: 'The alias "arm" has no known resource in the cloud of this sign-in host, US Nat.',
      expected: 'Use the full scope, such as https://management.example/.default.',
    });
  });

  test.each([
    'api://x/user_impersonation',
    'api://x/access_as_user',
    'api://x/openid',
    'api://x/profile',
    'api://x/email',
    'api://x/offline_access',
    'api://x/Ab.Cd.Ef',
    'api://x/a-b.Read',
  ])('%s is a permission', (text) => {
    expect(detailOf(text, publicCloud)).toMatchObject({
      problem: `"${text}" is a permission, not a resource.`,
      expected: expect.stringContaining('Use the resource: api://x. '),
    });
  });

  test.each(['api://x/a.read', 'api://x/1.Read', 'api://x/openid2', 'api://x/my_openid', 'api://x/A.B/c'])(
    '%s is a resource',
    (text) => {
      expect(read(text)).toEqual([{ written: text, scope: `${text}/.default` }]);
    },
  );

  test.each([
    '1x://a',
    'a b://c',
    ':a',
    'a:',
    'a:/b',
    'a:///b',
    'a://b c',
    'a://<b>',
    'a://{b}',
    "a://b'c",
    'a://b`c',
    'a://b|c',
    `${guid}x`,
    `x${guid}`,
    `${guid}/x/.default`,
    'a://b/.DEFAULT/c',
  ])('%s is nothing', (text) => {
    expect(() => read(text)).toThrow(InputError);
  });

  test.each(['a+1.-x:b', 'a://b[1]?c=~d&e#f', 'A:b;c', 'a:b/c'])('%s is a URI', (text) => {
    expect(read(text)).toEqual([{ written: text, scope: `${text}/.default` }]);
    expect(read(`${text}/.default`)).toEqual([{ written: `${text}/.default`, scope: `${text}/.default` }]);
  });

  test('the same scope twice without a name is one key, and a name in between is not', () => {
    expect(read('arm\narm')).toHaveLength(2);
    expect(() => read('arm\nARM')).toThrow('Two lines have the same key, ARM');
    expect(() => read('arm = graph\narm')).toThrow('Two lines have the same key, arm');
    expect(() => read('GRAPH\ngraph = arm')).toThrow('Two lines have the same key, graph');
  });
});
