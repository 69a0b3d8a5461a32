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
  /** An agent identity blueprint: a special application that impersonates its agent identities and nothing else. */
  readonly isBlueprint?: boolean;
  /** Has Graph's `Application.ReadWrite.All`, and may create blueprints and agent identities. */
  readonly graphAdministrator?: boolean;
  /** The lifetime of its app tokens in seconds. Default: a random time of 60 to 90 minutes, as in Entra. */
  readonly tokenLifetime?: number;
  readonly federatedCredentials: readonly FederatedIdentityCredential[];
  /** The application's service principals by tenant ID. */
  readonly servicePrincipals: Readonly<
    Record<string, { readonly objectId: string; readonly disabled?: boolean }>
  >;
}

/**
 * An agent identity: a service principal without credentials, the child of one blueprint, in one tenant.
 * https://learn.microsoft.com/entra/agent-id/agent-identities
 */
export interface AgentIdentity {
  /** Client ID and object ID. They are the same. */
  readonly clientId: string;
  readonly displayName: string;
  /** The blueprint's client ID. */
  readonly blueprint: string;
  readonly tenant: string;
  readonly disabled?: boolean;
  /** The app roles that are assigned to it. Unlike an application, it has no others in its tokens. */
  readonly roles: readonly AppRoleAssignment[];
}

/** https://learn.microsoft.com/graph/api/resources/approleassignment */
export interface AppRoleAssignment {
  /** The assignment's ID in Graph. */
  readonly id: string;
  /** The web API's application ID. */
  readonly api: string;
  readonly role: string;
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
  /** Client IDs of the applications and agent identities that can read it. */
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
  /** Client IDs of the applications and agent identities with these rights. */
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

/** A feed of Azure Artifacts, with all its protocols. */
export interface Feed {
  /** Its path below `pkgs.dev.azure.com`, for example `contoso/_packaging/packages`. */
  readonly path: string;
  /** The tenant that the organization is connected to. */
  readonly tenant: string;
  /** Client IDs of the applications with these roles. A publisher can also read. */
  readonly readers: readonly string[];
  readonly publishers: readonly string[];
}

export interface World {
  readonly cloud: CloudName;
  readonly tenants: readonly Tenant[];
  readonly applications: readonly Application[];
  readonly agentIdentities: readonly AgentIdentity[];
  readonly identities: readonly ManagedIdentity[];
  readonly resources: readonly Resource[];
  readonly subscriptions: readonly Subscription[];
  readonly storageAccounts: readonly StorageAccount[];
  readonly registries: readonly Registry[];
  readonly organizations: readonly AzureDevOpsOrganization[];
  readonly feeds: readonly Feed[];
  readonly machine: Machine;
}
