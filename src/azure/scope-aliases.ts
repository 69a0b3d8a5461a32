import type { CloudName } from './clouds.ts';

/**
 * Short names for the resources that jobs need most often, cloud by cloud. A row's value is the resource; the scope
 * is the resource with `/.default`. If a cloud is missing, no public source gives the resource there, and the alias
 * is an error in that cloud.
 */
interface AliasRow {
  readonly names: readonly [string, ...string[]];
  readonly resource: Readonly<Partial<Record<CloudName, string>>>;
  readonly source: string;
}

const everywhere = (resource: string): AliasRow['resource'] => ({
  public: resource,
  usgovernment: resource,
  china: resource,
});

const azureCliClouds = 'azure-cli, azure/cli/core/cloud.py';
const goAzureSdk = 'hashicorp/go-azure-sdk, sdk/environments';

export const scopeAliases: readonly AliasRow[] = [
  {
    names: ['arm'],
    resource: {
      public: 'https://management.azure.com',
      usgovernment: 'https://management.usgovcloudapi.net',
      china: 'https://management.chinacloudapi.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['graph', 'ms-graph'],
    resource: {
      public: 'https://graph.microsoft.com',
      usgovernment: 'https://graph.microsoft.us',
      china: 'https://microsoftgraph.chinacloudapi.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['storage'],
    resource: everywhere('https://storage.azure.com'),
    source: 'https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory',
  },
  {
    names: ['key-vault'],
    resource: {
      public: 'https://vault.azure.net',
      usgovernment: 'https://vault.usgovcloudapi.net',
      china: 'https://vault.azure.cn',
    },
    source: goAzureSdk,
  },
  {
    names: ['managed-hsm'],
    resource: {
      public: 'https://managedhsm.azure.net',
      usgovernment: 'https://managedhsm.usgovcloudapi.net',
      china: 'https://managedhsm.azure.cn',
    },
    source: goAzureSdk,
  },
  {
    names: ['sql'],
    resource: {
      public: 'https://database.windows.net',
      usgovernment: 'https://database.usgovcloudapi.net',
      china: 'https://database.chinacloudapi.cn',
    },
    source: goAzureSdk,
  },
  {
    names: ['ossrdbms', 'oss-rdbms'],
    resource: {
      public: 'https://ossrdbms-aad.database.windows.net',
      usgovernment: 'https://ossrdbms-aad.database.usgovcloudapi.net',
      china: 'https://ossrdbms-aad.database.chinacloudapi.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['service-bus'],
    resource: everywhere('https://servicebus.azure.net'),
    source: 'azure-sdk-for-js, sdk/core/core-amqp/src/util/constants.ts',
  },
  {
    names: ['event-hubs'],
    resource: everywhere('https://eventhubs.azure.net'),
    source: 'https://learn.microsoft.com/azure/event-hubs/authenticate-application',
  },
  {
    names: ['azure-devops'],
    resource: { public: '499b84ac-1321-427f-aa17-267ca6975798' },
    source:
      'https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity',
  },
  {
    names: ['container-registry'],
    resource: everywhere('https://containerregistry.azure.net'),
    source: '@azure/container-registry, defaultAudience',
  },
  {
    names: ['app-configuration'],
    resource: {
      public: 'https://appconfig.azure.com',
      usgovernment: 'https://appconfig.azure.us',
      china: 'https://appconfig.azure.cn',
    },
    source: '@azure/app-configuration, KnownAppConfigAudience',
  },
  {
    names: ['log-analytics'],
    resource: {
      public: 'https://api.loganalytics.io',
      usgovernment: 'https://api.loganalytics.us',
      china: 'https://api.loganalytics.azure.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['app-insights'],
    resource: {
      public: 'https://api.applicationinsights.io',
      usgovernment: 'https://api.applicationinsights.us',
      china: 'https://api.applicationinsights.azure.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['databricks'],
    resource: everywhere('2ff814a6-3304-4ab8-81cb-cd0e6f879c1d'),
    source: 'https://learn.microsoft.com/azure/databricks/dev-tools/auth/aad-token-manual',
  },
  {
    names: ['cognitive-services'],
    resource: {
      public: 'https://cognitiveservices.azure.com',
      usgovernment: 'https://cognitiveservices.azure.us',
      china: 'https://cognitiveservices.azure.cn',
    },
    source: '@azure/ai-text-analytics, KnownTextAnalyticsAudience',
  },
  {
    names: ['batch'],
    resource: {
      public: 'https://batch.core.windows.net',
      usgovernment: 'https://batch.core.usgovcloudapi.net',
      china: 'https://batch.chinacloudapi.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['synapse'],
    resource: {
      public: 'https://dev.azuresynapse.net',
      usgovernment: 'https://dev.azuresynapse.usgovcloudapi.net',
      china: 'https://dev.azuresynapse.azure.cn',
    },
    source: azureCliClouds,
  },
  {
    names: ['search'],
    resource: {
      public: 'https://search.azure.com',
      usgovernment: 'https://search.azure.us',
      china: 'https://search.azure.cn',
    },
    source: goAzureSdk,
  },
  {
    names: ['cosmos'],
    resource: { public: 'https://cosmos.azure.com' },
    source: goAzureSdk,
  },
  {
    names: ['data-lake'],
    resource: { public: 'https://datalake.azure.net' },
    source: azureCliClouds,
  },
  {
    names: ['attestation'],
    resource: { public: 'https://attest.azure.net' },
    source: azureCliClouds,
  },
];

/** The application IDs of resources whose tokens name them by it. https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in */
const applicationIds: Readonly<Record<string, string>> = {
  '797f4846-ba00-4fd7-ba43-dac1f8f63013': 'arm',
  '00000003-0000-0000-c000-000000000000': 'graph',
  'e406a681-f3d4-42a8-90b6-c2b029497af1': 'storage',
  'cfa8b339-82a2-471a-a3c9-0fc0be7a4093': 'key-vault',
  '022907d3-0f1b-48f7-badc-1ba6abab6d66': 'sql',
};

/**
 * Whether a token with this audience is certainly for another resource than the scope's: both belong to aliases, and to
 * different ones. Resources have more names than this table knows, so everything else is not judged.
 */
export function isOtherResource(scope: string, audience: string): boolean {
  const wanted = aliasOf(scope.replace(/\/\.default$/u, ''));
  const found = aliasOf(audience);
  return wanted !== undefined && found !== undefined && wanted !== found;
}

function aliasOf(resource: string): string | undefined {
  const bare = resource.replace(/\/+$/u, '').toLowerCase();
  const row = scopeAliases.find((candidate) => Object.values(candidate.resource).includes(bare));
  return row?.names[0] ?? applicationIds[bare];
}

/** The row of the alias `name`, if there is one. */
export function findAlias(name: string): AliasRow | undefined {
  const wanted = name.toLowerCase();
  return scopeAliases.find((row) => row.names.includes(wanted));
}
