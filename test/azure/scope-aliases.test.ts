import { describe, expect, test } from '@jest/globals';
import { cloudNames } from '../../src/azure/clouds.ts';
import { findAlias, isOtherResource, scopeAliases } from '../../src/azure/scope-aliases.ts';

const everywhere = (resource: string) => [resource, resource, resource] as const;
const nowhereElse = (resource: string) => [resource, undefined, undefined] as const;

/** The names of each alias, and its resource in the public cloud, in US Government and in China. */
const expected: readonly (readonly [names: string, resources: readonly (string | undefined)[]])[] = [
  [
    'arm',
    [
      'https://management.azure.com',
      'https://management.usgovcloudapi.net',
      'https://management.chinacloudapi.cn',
    ],
  ],
  [
    'graph ms-graph',
    ['https://graph.microsoft.com', 'https://graph.microsoft.us', 'https://microsoftgraph.chinacloudapi.cn'],
  ],
  ['storage', everywhere('https://storage.azure.com')],
  ['key-vault', ['https://vault.azure.net', 'https://vault.usgovcloudapi.net', 'https://vault.azure.cn']],
  [
    'managed-hsm',
    ['https://managedhsm.azure.net', 'https://managedhsm.usgovcloudapi.net', 'https://managedhsm.azure.cn'],
  ],
  [
    'sql',
    [
      'https://database.windows.net',
      'https://database.usgovcloudapi.net',
      'https://database.chinacloudapi.cn',
    ],
  ],
  [
    'ossrdbms oss-rdbms',
    [
      'https://ossrdbms-aad.database.windows.net',
      'https://ossrdbms-aad.database.usgovcloudapi.net',
      'https://ossrdbms-aad.database.chinacloudapi.cn',
    ],
  ],
  ['service-bus', everywhere('https://servicebus.azure.net')],
  ['event-hubs', everywhere('https://eventhubs.azure.net')],
  ['azure-devops', nowhereElse('499b84ac-1321-427f-aa17-267ca6975798')],
  ['container-registry', everywhere('https://containerregistry.azure.net')],
  [
    'app-configuration',
    ['https://appconfig.azure.com', 'https://appconfig.azure.us', 'https://appconfig.azure.cn'],
  ],
  [
    'log-analytics',
    ['https://api.loganalytics.io', 'https://api.loganalytics.us', 'https://api.loganalytics.azure.cn'],
  ],
  [
    'app-insights',
    [
      'https://api.applicationinsights.io',
      'https://api.applicationinsights.us',
      'https://api.applicationinsights.azure.cn',
    ],
  ],
  ['databricks', everywhere('2ff814a6-3304-4ab8-81cb-cd0e6f879c1d')],
  [
    'cognitive-services',
    [
      'https://cognitiveservices.azure.com',
      'https://cognitiveservices.azure.us',
      'https://cognitiveservices.azure.cn',
    ],
  ],
  [
    'batch',
    [
      'https://batch.core.windows.net',
      'https://batch.core.usgovcloudapi.net',
      'https://batch.chinacloudapi.cn',
    ],
  ],
  [
    'synapse',
    [
      'https://dev.azuresynapse.net',
      'https://dev.azuresynapse.usgovcloudapi.net',
      'https://dev.azuresynapse.azure.cn',
    ],
  ],
  ['search', ['https://search.azure.com', 'https://search.azure.us', 'https://search.azure.cn']],
  ['cosmos', nowhereElse('https://cosmos.azure.com')],
  ['data-lake', nowhereElse('https://datalake.azure.net')],
  ['attestation', nowhereElse('https://attest.azure.net')],
];

describe('every alias', () => {
  test.each(expected)('%s', (names, resources) => {
    for (const name of names.split(' ')) {
      for (const written of [name, name.toUpperCase()]) {
        const row = findAlias(written);
        expect(cloudNames.map((cloud) => row?.resource[cloud])).toEqual(resources);
      }
    }
  });

  test('there are no more, and each name is used once', () => {
    const names = scopeAliases.flatMap((row) => row.names);
    expect([...names].sort()).toEqual(expected.flatMap(([written]) => written.split(' ')).sort());
    expect(new Set(names).size).toBe(names.length);
  });

  test('every row has a source', () => {
    for (const { source } of scopeAliases) expect(source).not.toBe('');
  });

  test.each(['', 'arms', 'ar', 'https://management.azure.com'])('"%s" is none', (name) => {
    expect(findAlias(name)).toBeUndefined();
  });
});

describe('a token for another resource', () => {
  const arm = 'https://management.azure.com/.default';
  test.each([
    [arm, 'https://graph.microsoft.com'],
    [arm, 'https://graph.microsoft.com/'],
    [arm, '00000003-0000-0000-c000-000000000000'],
    [arm, 'https://microsoftgraph.chinacloudapi.cn'],
    ['https://graph.microsoft.us/.default', 'https://management.usgovcloudapi.net'],
    ['https://vault.azure.net/.default', 'https://STORAGE.azure.com/'],
    ['499b84ac-1321-427f-aa17-267ca6975798/.default', 'https://vault.azure.net'],
  ])('%s is not for %s', (scope, audience) => {
    expect(isOtherResource(scope, audience)).toBe(true);
  });

  test.each([
    [arm, 'https://management.azure.com'],
    [arm, 'https://management.azure.com/'],
    [arm, 'https://MANAGEMENT.azure.com//'],
    [arm, '797f4846-ba00-4fd7-ba43-dac1f8f63013'],
    // Another name of the same resource, which the table does not know.
    [arm, 'https://management.core.windows.net/'],
    ['https://storage.azure.com/.default', 'e406a681-f3d4-42a8-90b6-c2b029497af1'],
    ['https://vault.azure.net//.default', 'https://vault.azure.net'],
    ['api://orders/.default', 'https://graph.microsoft.com'],
    ['api://orders/.default', '11111111-2222-4000-8000-000000000001'],
    ['https://account.blob.core.windows.net/.default', 'https://storage.azure.com'],
  ])('%s may be for %s', (scope, audience) => {
    expect(isOtherResource(scope, audience)).toBe(false);
  });
});
