import { clouds } from './clouds.ts';
import type { CloudName, Resource } from './world.ts';

export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

/** One of Microsoft's web APIs. Its application ID is the same in all clouds, its addresses are not. */
interface Row {
  readonly displayName: string;
  readonly appId: string;
  readonly uris: Readonly<Partial<Record<CloudName, readonly string[]>>>;
  readonly roles?: readonly string[];
}

const bothSlashes = (...uris: readonly string[]): readonly string[] =>
  uris.flatMap((uri) => [uri, `${uri}/`]);

/** The same addresses in every cloud. */
function everywhere(...uris: readonly string[]): Row['uris'] {
  const names: readonly CloudName[] = [
    'public',
    'usgovernment',
    'china',
    'france',
    'germany',
    'singapore',
    'usnat',
    'ussec',
  ];
  return Object.fromEntries(names.map((name) => [name, bothSlashes(...uris)]));
}

/**
 * Application IDs: https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in.
 * Addresses: azure-cli `azure/cli/core/cloud.py` and
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-status;
 * storage, service bus, event hubs and Azure DevOps have the same address in all clouds.
 */
const rows: readonly Row[] = [
  {
    displayName: 'Windows Azure Service Management API',
    appId: '797f4846-ba00-4fd7-ba43-dac1f8f63013',
    uris: {
      public: bothSlashes('https://management.azure.com', 'https://management.core.windows.net'),
      usgovernment: bothSlashes(
        'https://management.usgovcloudapi.net',
        'https://management.core.usgovcloudapi.net',
      ),
      china: bothSlashes('https://management.chinacloudapi.cn', 'https://management.core.chinacloudapi.cn'),
      france: bothSlashes('https://management.sovcloud-api.fr'),
    },
  },
  {
    displayName: 'Microsoft Graph',
    appId: GRAPH_APP_ID,
    uris: {
      public: bothSlashes('https://graph.microsoft.com'),
      usgovernment: bothSlashes('https://graph.microsoft.us'),
      china: bothSlashes('https://microsoftgraph.chinacloudapi.cn'),
      france: bothSlashes('https://graph.svc.sovcloud.fr'),
    },
    roles: ['Application.Read.All', 'Organization.Read.All'],
  },
  {
    displayName: 'Azure Storage',
    appId: 'e406a681-f3d4-42a8-90b6-c2b029497af1',
    uris: everywhere('https://storage.azure.com'),
  },
  {
    displayName: 'Azure Key Vault',
    appId: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
    uris: {
      public: bothSlashes('https://vault.azure.net'),
      usgovernment: bothSlashes('https://vault.usgovcloudapi.net'),
      china: bothSlashes('https://vault.azure.cn'),
    },
  },
  {
    displayName: 'Azure SQL Database',
    appId: '022907d3-0f1b-48f7-badc-1ba6abab6d66',
    uris: {
      public: bothSlashes('https://database.windows.net'),
      usgovernment: bothSlashes('https://database.usgovcloudapi.net'),
      china: bothSlashes('https://database.chinacloudapi.cn'),
    },
  },
  {
    displayName: 'OSSRDBMS AAD',
    appId: '123cd850-d9df-40bd-94d5-c9f07b7fa203',
    uris: {
      public: bothSlashes('https://ossrdbms-aad.database.windows.net'),
      usgovernment: bothSlashes('https://ossrdbms-aad.database.usgovcloudapi.net'),
      china: bothSlashes('https://ossrdbms-aad.database.chinacloudapi.cn'),
    },
  },
  {
    displayName: 'Microsoft.ServiceBus',
    appId: '80a10ef9-8168-493d-abf9-3297c4ef6e3c',
    uris: everywhere('https://servicebus.azure.net'),
  },
  {
    displayName: 'Microsoft.EventHubs',
    appId: '80369ed6-5f11-4dd9-bef3-692475845e77',
    uris: everywhere('https://eventhubs.azure.net'),
  },
  {
    displayName: 'Azure DevOps',
    appId: '499b84ac-1321-427f-aa17-267ca6975798',
    uris: { public: ['https://app.vssps.visualstudio.com'] },
  },
  {
    displayName: 'Azure Container Registry',
    appId: '6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26',
    uris: everywhere('https://containerregistry.azure.net'),
  },
  {
    // Without an address. Clients such as kubelogin name it by its application ID:
    // https://azure.github.io/kubelogin/concepts/aks.html
    displayName: 'Azure Kubernetes Service AAD Server',
    appId: '6dae42f8-4368-4678-94ff-3960e28e3630',
    uris: everywhere(),
  },
  {
    displayName: 'Azure App Configuration',
    appId: '35ffadb3-7fc1-497e-b61b-381d28e744cc',
    uris: {
      public: bothSlashes('https://azconfig.io', 'https://appconfig.azure.com'),
      usgovernment: bothSlashes('https://azconfig.azure.us', 'https://appconfig.azure.us'),
      china: bothSlashes('https://azconfig.azure.cn', 'https://appconfig.azure.cn'),
    },
  },
  {
    displayName: 'Log Analytics API',
    appId: 'ca7f3f0b-7d91-482c-8e09-c5d840d0eac5',
    uris: {
      public: bothSlashes('https://api.loganalytics.io', 'https://api.loganalytics.azure.com'),
      usgovernment: bothSlashes('https://api.loganalytics.us'),
      china: bothSlashes('https://api.loganalytics.azure.cn'),
    },
  },
  {
    displayName: 'AzureDatabricks',
    appId: '2ff814a6-3304-4ab8-81cb-cd0e6f879c1d',
    uris: everywhere('https://azuredatabricks.net'),
  },
  {
    displayName: 'Microsoft Cognitive Services',
    appId: '7d312290-28c8-473c-a0ed-8e53749b6d6d',
    uris: {
      public: bothSlashes('https://cognitiveservices.azure.com'),
      usgovernment: bothSlashes('https://cognitiveservices.azure.us'),
      china: bothSlashes('https://cognitiveservices.azure.cn'),
    },
  },
];

/** Microsoft's web APIs in this cloud, and its token exchange. */
export function resourcesOf(cloud: CloudName): readonly Resource[] {
  const { exchangeAppId, exchangeUri } = clouds[cloud];
  return [
    {
      displayName: 'AAD Token Exchange Endpoint',
      appId: exchangeAppId,
      identifierUris: [exchangeUri],
      accessTokenVersion: 2,
    },
    ...rows.flatMap((row): readonly Resource[] => {
      const identifierUris = row.uris[cloud];
      if (identifierUris === undefined) return [];
      const { displayName, appId, roles } = row;
      return [
        { displayName, appId, identifierUris, accessTokenVersion: 1, ...(roles !== undefined && { roles }) },
      ];
    }),
  ];
}
