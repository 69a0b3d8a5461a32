import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CloudName, cloudNames, clouds } from '../../src/azure/clouds.ts';
import { scopeAliases } from '../../src/azure/scope-aliases.ts';
import { InputProblem } from '../../src/inputs/problem.ts';
import { reservedFor } from '../../src/inputs/reserved-names.ts';
import { readScopeLines } from '../../src/inputs/scope-lines.ts';

const read = (text: string, cloud: CloudName = 'public') => readScopeLines(text, { cloud: clouds[cloud] });
const guid = '499B84AC-1321-427f-aa17-267ca6975798';

describe('what is written and what is asked for', () => {
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

  test('a name stands before the first equals sign, any later one belongs to the scope', () => {
    expect(read(' TOKEN = https://a.example/?b=c ')).toEqual([
      { name: 'TOKEN', written: 'https://a.example/?b=c', scope: 'https://a.example/?b=c/.default' },
    ]);
    expect(read('https://a.example/?b=c')).toEqual([
      { written: 'https://a.example/?b=c', scope: 'https://a.example/?b=c/.default' },
    ]);
  });

  test('lines and commas separate, blank ones are ignored', () => {
    expect(read('\n arm ,, graph\n\n\tstorage\r\n').map(({ written }) => written)).toEqual([
      'arm',
      'graph',
      'storage',
    ]);
  });
});

describe('what is refused', () => {
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
    expect(() => read(text)).toThrow(InputProblem);
  });

  test('whatever is written is understood or refused in words, never anything else', () => {
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
          if (!(error instanceof InputProblem)) throw error;
          expect(error.inputs).toContain('scopes');
          expect(error.expected).not.toBe('');
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('names', () => {
  test.each([
    ...[
      'PATH',
      'Home',
      'ENV',
      'BASH_ENV',
      'ifs',
      'NODE_OPTIONS',
      'LD_PRELOAD',
      'DYLD_INSERT_LIBRARIES',
      'PYTHONPATH',
    ],
    ...[
      'GIT_SSH_COMMAND',
      'GITHUB_TOKEN',
      'RUNNER_TEMP',
      'ACTIONS_RUNTIME_TOKEN',
      'INPUT_X',
      'STATE_X',
      'SYSTEM_X',
    ],
    ...['AGENT_X', 'BUILD_X', 'VSTS_X', 'ENDPOINT_X', 'SECRET_X', 'http_proxy', 'HTTPS_PROXY', 'no_proxy'],
    ...['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'accessToken', 'AccessTokens', 'EXPIRESON'],
    ...[
      'federatedTokenFile',
      'federatedTokenExpiresOn',
      'AZURE_CLIENT_ID',
      'ARM_USE_OIDC',
      'AZURE_CONFIG_DIR',
    ],
    ...[
      'AZURE_EXTENSION_DIR',
      'ARM_CLIENT_SECRET',
      'AZURE_CLIENT_CERTIFICATE_PATH',
      'AZURE_FEDERATED_TOKEN_FILE',
    ],
  ])('%s is reserved', (name) => {
    expect(reservedFor(name)).toBeDefined();
    expect(() => read(`${name} = arm`)).toThrow(InputProblem);
  });

  test.each([
    'APP_TOKEN',
    'GRAPH_TOKEN',
    'DATABRICKS_TOKEN',
    'AZURE_DEVOPS_EXT_PAT',
    'HOMEPAGE',
    'MY_PATH',
    '_x',
  ])('%s is free', (name) => {
    expect(read(`${name} = arm`)).toHaveLength(1);
  });
});

describe('aliases', () => {
  test.each(scopeAliases.map((row) => ({ alias: row.names[0], row })))(
    '$alias has a source, and a resource without /.default',
    ({ row }) => {
      expect(row.source).not.toBe('');
      expect(Object.keys(row.resource)).not.toEqual([]);
      for (const cloud of cloudNames) {
        const resource = row.resource[cloud];
        for (const name of row.names) {
          if (resource === undefined)
            expect(() => read(name, cloud)).toThrow(/no known resource in the cloud/u);
          else expect(read(name, cloud)[0]?.scope).toBe(`${resource}/.default`);
        }
      }
    },
  );

  test('the contract’s aliases are all there, each once', () => {
    const names = scopeAliases.flatMap((row) => row.names);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        ...[
          'arm',
          'graph',
          'ms-graph',
          'storage',
          'key-vault',
          'sql',
          'ossrdbms',
          'oss-rdbms',
          'service-bus',
          'event-hubs',
        ],
        ...[
          'azure-devops',
          'container-registry',
          'app-configuration',
          'log-analytics',
          'databricks',
          'cognitive-services',
        ],
      ]),
    );
  });
});
