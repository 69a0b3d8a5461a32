import type { CloudName } from './world.ts';

/** What one sovereign cloud calls its things. */
export interface Cloud {
  /** Sign-in hosts; the first one is the issuer's in v2.0 tokens. */
  readonly authorityHosts: readonly string[];
  /** Issuer of v1.0 tokens, without the tenant. */
  readonly v1Issuer: string;
  /** The token-exchange resource that a managed identity's assertion is asked for. */
  readonly exchangeUri: string;
  /** The `aud` of that assertion. Only the public cloud's is published; the others are made up, but fixed. */
  readonly exchangeAppId: string;
  readonly armHosts: readonly string[];
  readonly graphHosts: readonly string[];
  /** Ending of a directory's initial domain. */
  readonly domain: string;
}

/**
 * Sources: hosts and aliases from MSAL's instance metadata (msal-common `AuthorityMetadata`, MSAL.NET
 * `KnownCloudData.cs`); audiences from https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 * and azure-sdk-for-js `gitHubActionsCredential.ts`; ARM and Graph hosts from azure-cli `azure/cli/core/cloud.py`.
 * v1 issuers: https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure and
 * the China cloud's `sts.chinacloudapi.cn`; where none is published the v2.0 host stands in.
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
    domain: 'onmicrosoft.com',
  },
  usgovernment: {
    authorityHosts: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
    v1Issuer: 'https://sts.windows.net/',
    exchangeUri: 'api://AzureADTokenExchangeUSGov',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a01',
    armHosts: ['management.usgovcloudapi.net'],
    graphHosts: ['graph.microsoft.us'],
    domain: 'onmicrosoft.us',
  },
  china: {
    authorityHosts: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
    v1Issuer: 'https://sts.chinacloudapi.cn/',
    exchangeUri: 'api://AzureADTokenExchangeChina',
    exchangeAppId: '2b9bd6b4-0d7a-4d0f-8f2b-5b6f3f1e0a02',
    armHosts: ['management.chinacloudapi.cn'],
    graphHosts: ['microsoftgraph.chinacloudapi.cn'],
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

/** The cloud whose sign-in host this is; `undefined` for a host that belongs to none, such as `localhost`. */
export function cloudOfAuthorityHost(host: string): CloudName | undefined {
  return cloudNames.find((name) => clouds[name].authorityHosts.includes(host));
}

/** The issuer of v2.0 tokens of this tenant, and what a federated credential must name. */
export function v2Issuer(cloud: CloudName, tenantId: string): string {
  return `https://${clouds[cloud].authorityHosts[0]}/${tenantId}/v2.0`;
}

export function v1Issuer(cloud: CloudName, tenantId: string): string {
  return `${clouds[cloud].v1Issuer}${tenantId}/`;
}
