/**
 * The contents of the embedded Azure: tenants, applications, managed identities, federated identity credentials, web
 * APIs, and the machine that runs the job. A `World` is plain data. A test copies it and changes a part.
 */

/** See the rows in `clouds.ts`. */
export type CloudName =
  | 'public'
  | 'usgovernment'
  | 'china'
  | 'france'
  | 'germany'
  | 'singapore'
  | 'usnat'
  | 'ussec';

export interface Tenant {
  readonly id: string;
  /** Verified domains. The first one is the initial domain (`….onmicrosoft.com`). */
  readonly domains: readonly string[];
  readonly displayName: string;
}

/** https://learn.microsoft.com/graph/api/resources/federatedidentitycredential */
export interface FederatedIdentityCredential {
  /** The credential's ID in Graph. Default: derived from the name. */
  readonly id?: string;
  readonly description?: string;
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

export interface Application {
  /** Application (client) ID. */
  readonly clientId: string;
  /** The application object's ID (not the service principal's). */
  readonly objectId: string;
  readonly displayName: string;
  readonly homeTenant: string;
  readonly signInAudience: 'AzureADMyOrg' | 'AzureADMultipleOrgs';
  readonly disabled?: boolean;
  /** Has Graph's `Application.ReadWrite.All`. */
  readonly graphAdministrator?: boolean;
  /** The lifetime of its app tokens in seconds. Default: a random time of 60 to 90 minutes, as in Entra. */
  readonly tokenLifetime?: number;
  readonly federatedCredentials: readonly FederatedIdentityCredential[];
  /** The application's service principals by tenant ID. */
  readonly servicePrincipals: Readonly<
    Record<string, { readonly objectId: string; readonly disabled?: boolean }>
  >;
}

export interface ManagedIdentity {
  readonly clientId: string;
  /** The principal ID. It is `oid` and `sub` in tokens. */
  readonly objectId: string;
  readonly resourceId: string;
  readonly tenant: string;
  readonly kind: 'user-assigned' | 'system-assigned';
  /** The remaining lifetime, in seconds, of the token that the machine has cached. A new token has 24 hours. */
  readonly tokenLifetime: number;
}

/** A web API. */
export interface Resource {
  readonly displayName: string;
  readonly appId: string;
  /** For example `https://management.azure.com/`. The form with and the form without the slash are two entries. */
  readonly identifierUris: readonly string[];
  readonly accessTokenVersion: 1 | 2;
  /** The tenants that have a service principal for it. Default: all tenants. */
  readonly tenants?: readonly string[];
  readonly disabled?: boolean;
  /** App roles in every app-only token for this API. */
  readonly roles?: readonly string[];
}

export interface Subscription {
  readonly id: string;
  readonly displayName: string;
  readonly tenant: string;
  /** Client IDs of the applications that can read it. */
  readonly visibleTo: readonly string[];
}

/** The kind of machine that runs the job. It decides which identity endpoint exists and how it behaves. */
export type MachineKind =
  | 'virtual-machine'
  | 'app-service'
  | 'container-apps'
  | 'azure-arc'
  | 'cloud-shell'
  | 'service-fabric'
  | 'azure-ml'
  | 'aci-windows';

interface Machine {
  readonly kind: MachineKind;
  /** Client IDs of the managed identities assigned to it. */
  readonly identities: readonly string[];
}

/** A storage account. All accounts are in the resource group `runners`. */
export interface StorageAccount {
  readonly name: string;
  readonly subscription: string;
}

/** A container registry of Azure Container Registry. */
export interface Registry {
  /** For example `contoso.azurecr.io`. */
  readonly loginServer: string;
  readonly tenant: string;
  /** Client IDs of the applications with these rights. */
  readonly pull: readonly string[];
  readonly push: readonly string[];
  /** The policy `azureADAuthenticationAsArmPolicy` is disabled: only tokens for the registry's own audience work. */
  readonly rejectsArmTokens?: boolean;
}

/** An organization of Azure DevOps. */
export interface AzureDevOpsOrganization {
  /** `contoso` in `https://dev.azure.com/contoso`. */
  readonly name: string;
  readonly tenant: string;
  /** Client IDs of the applications that can read and write every repository. */
  readonly members: readonly string[];
}

export interface World {
  readonly cloud: CloudName;
  readonly tenants: readonly Tenant[];
  readonly applications: readonly Application[];
  readonly identities: readonly ManagedIdentity[];
  readonly resources: readonly Resource[];
  readonly subscriptions: readonly Subscription[];
  readonly storageAccounts: readonly StorageAccount[];
  readonly registries: readonly Registry[];
  readonly organizations: readonly AzureDevOpsOrganization[];
  readonly machine: Machine;
}
