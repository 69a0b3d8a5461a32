/**
 * The clouds that the `cloud` input can name, and the names that other tools have for them.
 *
 * Sources: authority hosts and audiences from MSAL.NET's `KnownCloudData.cs` and azure-sdk-for-js
 * `gitHubActionsCredential.ts`; `az`'s names and registry suffixes from azure-cli `azure/cli/core/cloud.py`; Terraform's from
 * https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs#environment-1; issuers from
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference and
 * https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure.
 */

export const cloudNames = ['public', 'usgovernment', 'china'] as const;
export type CloudName = (typeof cloudNames)[number];

export interface Cloud {
  readonly name: CloudName;
  /** Where apps sign in; no trailing slash. */
  readonly authorityHost: string;
  /** Other host names of the same sign-in service. */
  readonly authorityAliases: readonly string[];
  /** Where the issuers of v1.0 tokens begin. */
  readonly v1Issuers: readonly string[];
  /** The token-exchange audience. */
  readonly audience: string;
  /** The end of container registries' login servers. */
  readonly registrySuffix: string;
  /** Its name in `ARM_ENVIRONMENT`. */
  readonly terraform: string;
  /** Its name in `az cloud set --name`. */
  readonly azureCli: string;
  /** Its name in `Connect-AzAccount -Environment`; for the documentation. */
  readonly powershell: string;
}

export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    name: 'public',
    authorityHost: 'https://login.microsoftonline.com',
    authorityAliases: ['https://login.windows.net', 'https://login.microsoft.com', 'https://sts.windows.net'],
    v1Issuers: ['https://sts.windows.net'],
    audience: 'api://AzureADTokenExchange',
    registrySuffix: '.azurecr.io',
    terraform: 'public',
    azureCli: 'AzureCloud',
    powershell: 'AzureCloud',
  },
  usgovernment: {
    name: 'usgovernment',
    authorityHost: 'https://login.microsoftonline.us',
    authorityAliases: ['https://login.usgovcloudapi.net'],
    v1Issuers: ['https://sts.windows.net'],
    audience: 'api://AzureADTokenExchangeUSGov',
    registrySuffix: '.azurecr.us',
    terraform: 'usgovernment',
    azureCli: 'AzureUSGovernment',
    powershell: 'AzureUSGovernment',
  },
  china: {
    name: 'china',
    authorityHost: 'https://login.partner.microsoftonline.cn',
    authorityAliases: ['https://login.chinacloudapi.cn'],
    v1Issuers: ['https://sts.chinacloudapi.cn', 'https://sts.partner.microsoftonline.cn'],
    audience: 'api://AzureADTokenExchangeChina',
    registrySuffix: '.azurecr.cn',
    terraform: 'china',
    azureCli: 'AzureChinaCloud',
    powershell: 'AzureChinaCloud',
  },
};

/**
 * Clouds whose resources no public source lists. `cloud` cannot name them, but `authority-host` can.
 * Source: MSAL.NET `KnownCloudData.cs`.
 */
export const cloudsWithoutPreset: readonly {
  readonly title: string;
  readonly authorityHost: string;
  readonly audience: string;
}[] = [
  {
    title: 'France (Bleu)',
    authorityHost: 'https://login.sovcloud-identity.fr',
    audience: 'api://AzureADTokenExchangeFrance',
  },
  {
    title: 'Germany (Delos)',
    authorityHost: 'https://login.sovcloud-identity.de',
    audience: 'api://AzureADTokenExchangeGermany',
  },
  {
    title: 'Singapore',
    authorityHost: 'https://login.sovcloud-identity.sg',
    audience: 'api://AzureADTokenExchangeGovSG',
  },
  {
    title: 'US Nat',
    authorityHost: 'https://login.microsoftonline.eaglex.ic.gov',
    audience: 'api://AzureADTokenExchangeUSNat',
  },
  {
    title: 'US Sec',
    authorityHost: 'https://login.microsoftonline.microsoft.scloud',
    audience: 'api://AzureADTokenExchangeUSSec',
  },
];

/** The token-exchange audiences of all clouds. */
export const cloudAudiences: readonly string[] = [...Object.values(clouds), ...cloudsWithoutPreset].map(
  ({ audience }) => audience,
);

/** The cloud with this name, ours or the Azure CLI's, in any letter case. */
export function findCloud(text: string): Cloud | undefined {
  const wanted = text.toLowerCase();
  return Object.values(clouds).find(
    (cloud) => cloud.name === wanted || cloud.azureCli.toLowerCase() === wanted,
  );
}

/** The cloud that a sign-in host belongs to, if it is a known one; `host` is an origin without trailing slash. */
export function cloudOfAuthorityHost(
  host: string,
):
  | { readonly kind: 'preset'; readonly cloud: Cloud }
  | { readonly kind: 'without-preset'; readonly title: string; readonly audience: string }
  | undefined {
  const cloud = Object.values(clouds).find(
    (candidate) => candidate.authorityHost === host || candidate.authorityAliases.includes(host),
  );
  if (cloud) return { kind: 'preset', cloud };
  const other = cloudsWithoutPreset.find((candidate) => candidate.authorityHost === host);
  return other && { kind: 'without-preset', title: other.title, audience: other.audience };
}

/**
 * The tenant whose Entra this issuer is: `https://HOST/TENANT/v2.0`, or `https://HOST/TENANT/` for v1.0 tokens, with a
 * host of `cloud` or of the cloud to which the sign-in address belongs. Nothing for every other issuer. Without a
 * cloud, every known one counts.
 */
export function tenantOfIssuer(
  issuer: string,
  known?: { readonly cloud: Cloud; readonly authorityHost: string },
): string | undefined {
  const owner = known && cloudOfAuthorityHost(known.authorityHost);
  const presets = known
    ? [known.cloud, ...(owner?.kind === 'preset' ? [owner.cloud] : [])]
    : Object.values(clouds);
  const others = known
    ? [known.authorityHost]
    : cloudsWithoutPreset.map(({ authorityHost }) => authorityHost);
  const hosts = [
    ...others,
    ...presets.flatMap(({ authorityHost, authorityAliases, v1Issuers }) => [
      authorityHost,
      ...authorityAliases,
      ...v1Issuers,
    ]),
  ];
  const host = hosts.find((candidate) => issuer.startsWith(`${candidate}/`));
  if (host === undefined) return undefined;
  const tenant = issuer.slice(host.length + 1).replace(/(?:\/v2\.0)?\/?$/u, '');
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(tenant) ? tenant : undefined;
}
