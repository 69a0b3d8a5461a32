/**
 * The clouds the `cloud` input can name, and the names other tools have for them.
 *
 * Sources: authority hosts and audiences from MSAL.NET's `KnownCloudData.cs` and azure-sdk-for-js
 * `gitHubActionsCredential.ts`; `az`'s names from azure-cli `azure/cli/core/cloud.py`; Terraform's from
 * https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs#environment-1.
 */

export const cloudNames = ['public', 'usgovernment', 'china'] as const;
export type CloudName = (typeof cloudNames)[number];

export interface Cloud {
  readonly name: CloudName;
  /** Where the cloud's apps sign in; no trailing slash. */
  readonly authorityHost: string;
  /** Other names the same sign-in service answers to. */
  readonly authorityAliases: readonly string[];
  /** The audience of a token that is to be exchanged. */
  readonly audience: string;
  /** What `ARM_ENVIRONMENT` calls it. */
  readonly terraform: string;
  /** What `az cloud set --name` calls it. */
  readonly azureCli: string;
  /** What `Connect-AzAccount -Environment` calls it; for the documentation. */
  readonly powershell: string;
}

export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    name: 'public',
    authorityHost: 'https://login.microsoftonline.com',
    authorityAliases: ['https://login.windows.net', 'https://login.microsoft.com', 'https://sts.windows.net'],
    audience: 'api://AzureADTokenExchange',
    terraform: 'public',
    azureCli: 'AzureCloud',
    powershell: 'AzureCloud',
  },
  usgovernment: {
    name: 'usgovernment',
    authorityHost: 'https://login.microsoftonline.us',
    authorityAliases: ['https://login.usgovcloudapi.net'],
    audience: 'api://AzureADTokenExchangeUSGov',
    terraform: 'usgovernment',
    azureCli: 'AzureUSGovernment',
    powershell: 'AzureUSGovernment',
  },
  china: {
    name: 'china',
    authorityHost: 'https://login.partner.microsoftonline.cn',
    authorityAliases: ['https://login.chinacloudapi.cn'],
    audience: 'api://AzureADTokenExchangeChina',
    terraform: 'china',
    azureCli: 'AzureChinaCloud',
    powershell: 'AzureChinaCloud',
  },
};

/**
 * Sign-in hosts of clouds whose resources no public source lists: `cloud` cannot name them, `authority-host` can.
 * Source: MSAL.NET `KnownCloudData.cs`.
 */
export const unnamedClouds: readonly {
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

/** The cloud that `text` names, in this project's or the Azure CLI's words and in any letter case. */
export function cloudNamed(text: string): Cloud | undefined {
  const wanted = text.toLowerCase();
  return Object.values(clouds).find(
    (cloud) => cloud.name === wanted || cloud.azureCli.toLowerCase() === wanted,
  );
}

/** Whose sign-in host this is, when any cloud's; `host` is an origin without trailing slash. */
export function cloudOfAuthority(
  host: string,
):
  | { readonly kind: 'named'; readonly cloud: Cloud }
  | { readonly kind: 'unnamed'; readonly title: string; readonly audience: string }
  | undefined {
  const cloud = Object.values(clouds).find(
    (candidate) => candidate.authorityHost === host || candidate.authorityAliases.includes(host),
  );
  if (cloud) return { kind: 'named', cloud };
  const unnamed = unnamedClouds.find((candidate) => candidate.authorityHost === host);
  return unnamed && { kind: 'unnamed', title: unnamed.title, audience: unnamed.audience };
}
