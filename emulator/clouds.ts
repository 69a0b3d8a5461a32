import type { CloudName } from './world.ts';

/** The host names and constants of one cloud. */
export interface Cloud {
  /** Sign-in hosts. The first one is in the issuer of v2.0 tokens. */
  readonly authorityHosts: readonly string[];
  /** The issuer of v1.0 tokens, without the tenant. */
  readonly v1Issuer: string;
  /** The token exchange resource, for which a managed identity's assertion is requested. */
  readonly exchangeUri: string;
  /** The `aud` of that assertion. Only the public cloud's is published. The others are invented and fixed. */
  readonly exchangeAppId: string;
  readonly armHosts: readonly string[];
  readonly graphHosts: readonly string[];
  /** The suffix of a storage account's blob host, if it is published. */
  readonly blobSuffix?: string;
  /** The suffix of a container registry's login server, if it is published. */
  readonly registrySuffix?: string;
  /** The suffix of a directory's initial domain. */
  readonly domain: string;
}

/**
 * Sources: hosts and aliases from MSAL's instance metadata (msal-common `AuthorityMetadata`, MSAL.NET
 * `KnownCloudData.cs`); audiences from https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 * and azure-sdk-for-js `gitHubActionsCredential.ts`; ARM, Graph, blob and registry hosts from azure-cli `azure/cli/core/cloud.py`.
 * v1 issuers: https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure and
 * the China cloud's `sts.chinacloudapi.cn`. Clouds without a published v1.0 issuer use the v2.0 host.
 */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    authorityHosts: [
      'login.microsoftonline.com',
      'login.windows.net',
      'login.microsoft.com',
      'sts.windows.net',
    ],
    v1Issuer: 'https://sts.windows.net/',
    exchangeUri: 'api://AzureADTokenExchange',
    exchangeAppId: 'fb60f99c-7a34-4190-8149-302f77469936',
    armHosts: ['management.azure.com'],
    graphHosts: ['graph.microsoft.com'],
    blobSuffix: 'blob.core.windows.net',
    registrySuffix: 'azurecr.io',
    domain: 'onmicrosoft.com',
  },
  usgovernment: {
    authorityHosts: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
    v1Issuer: 'https://sts.windows.net/',
    exchangeUri: 'api://AzureADTokenExchangeUSGov',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a01',
    armHosts: ['management.usgovcloudapi.net'],
    graphHosts: ['graph.microsoft.us'],
    blobSuffix: 'blob.core.usgovcloudapi.net',
    registrySuffix: 'azurecr.us',
    domain: 'onmicrosoft.us',
  },
  china: {
    authorityHosts: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
    v1Issuer: 'https://sts.chinacloudapi.cn/',
    exchangeUri: 'api://AzureADTokenExchangeChina',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a02',
    armHosts: ['management.chinacloudapi.cn'],
    graphHosts: ['microsoftgraph.chinacloudapi.cn'],
    blobSuffix: 'blob.core.chinacloudapi.cn',
    registrySuffix: 'azurecr.cn',
    domain: 'partner.onmschina.cn',
  },
  france: {
    authorityHosts: ['login.sovcloud-identity.fr'],
    v1Issuer: 'https://login.sovcloud-identity.fr/',
    exchangeUri: 'api://AzureADTokenExchangeFrance',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a03',
    armHosts: ['management.sovcloud-api.fr'],
    graphHosts: ['graph.svc.sovcloud.fr'],
    domain: 'example-directory.fr',
  },
  germany: {
    authorityHosts: ['login.sovcloud-identity.de'],
    v1Issuer: 'https://login.sovcloud-identity.de/',
    exchangeUri: 'api://AzureADTokenExchangeGermany',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a04',
    armHosts: [],
    graphHosts: [],
    domain: 'example-directory.de',
  },
  singapore: {
    authorityHosts: ['login.sovcloud-identity.sg'],
    v1Issuer: 'https://login.sovcloud-identity.sg/',
    exchangeUri: 'api://AzureADTokenExchangeGovSG',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a05',
    armHosts: [],
    graphHosts: [],
    domain: 'example-directory.sg',
  },
  usnat: {
    authorityHosts: ['login.microsoftonline.eaglex.ic.gov'],
    v1Issuer: 'https://login.microsoftonline.eaglex.ic.gov/',
    exchangeUri: 'api://AzureADTokenExchangeUSNat',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a06',
    armHosts: [],
    graphHosts: [],
    domain: 'example-directory.ic.gov',
  },
  ussec: {
    authorityHosts: ['login.microsoftonline.microsoft.scloud'],
    v1Issuer: 'https://login.microsoftonline.microsoft.scloud/',
    exchangeUri: 'api://AzureADTokenExchangeUSSec',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a07',
    armHosts: [],
    graphHosts: [],
    domain: 'example-directory.scloud',
  },
};

export const cloudNames = Object.keys(clouds) as CloudName[];

/** The cloud that has this sign-in host. `undefined` for other hosts, such as `localhost`. */
export function cloudOfAuthorityHost(host: string): CloudName | undefined {
  return cloudNames.find((name) => clouds[name].authorityHosts.includes(host));
}

/** The issuer of a tenant's v2.0 tokens. A federated credential for a managed identity must contain it. */
export function v2Issuer(cloud: CloudName, tenantId: string): string {
  return `https://${clouds[cloud].authorityHosts[0]}/${tenantId}/v2.0`;
}

export function v1Issuer(cloud: CloudName, tenantId: string): string {
  return `${clouds[cloud].v1Issuer}${tenantId}/`;
}

/** The blob host of a storage account. */
export function blobHost(cloud: CloudName, account: string): string {
  return `${account}.${clouds[cloud].blobSuffix ?? 'blob.storage.example'}`;
}
