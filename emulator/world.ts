/**
 * The world the embedded Azure plays: tenants, applications, managed identities, federated identity credentials,
 * resources and the machine the job runs on. One value says it all; a test copies it and changes what it is about.
 */

/** A sovereign cloud's worth of constants; see the rows in `clouds.ts`. */
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
  /** Verified domains, the first one the initial `….onmicrosoft.com`. */
  readonly domains: readonly string[];
  readonly displayName: string;
}

/** What an application trusts. The documentation: https://learn.microsoft.com/graph/api/resources/federatedidentitycredential */
export interface FederatedIdentityCredential {
  /** The credential's own ID in Graph; left out: Graph derives one from the name. */
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
  /** May register and change applications through Graph, as `Application.ReadWrite.All` allows. */
  readonly graphAdministrator?: boolean;
  readonly federatedCredentials: readonly FederatedIdentityCredential[];
  /** Where the application is provisioned: tenant ID → its service principal there. */
  readonly servicePrincipals: Readonly<
    Record<string, { readonly objectId: string; readonly disabled?: boolean }>
  >;
}

export interface ManagedIdentity {
  readonly clientId: string;
  /** The principal ID: `oid` and `sub` of its tokens. */
  readonly objectId: string;
  readonly resourceId: string;
  readonly tenant: string;
  readonly kind: 'user-assigned' | 'system-assigned';
  /** How long the token the machine has cached still lives; a real one starts at 24 hours. Seconds. */
  readonly tokenLifetime: number;
}

/** A web API that tokens can be asked for. */
export interface Resource {
  readonly displayName: string;
  readonly appId: string;
  /** `https://management.azure.com/` and the like, each as registered, with or without its slash. */
  readonly identifierUris: readonly string[];
  readonly accessTokenVersion: 1 | 2;
  /** Tenants that have a service principal for it; left out: every tenant. */
  readonly tenants?: readonly string[];
  readonly disabled?: boolean;
  /** App roles the resource puts in every app-only token. */
  readonly roles?: readonly string[];
}

export interface Subscription {
  readonly id: string;
  readonly displayName: string;
  readonly tenant: string;
  /** Client IDs of applications that can see it. */
  readonly visibleTo: readonly string[];
}

/** The kind of machine the job runs on: which endpoint it has and which rules that endpoint follows. */
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

export interface World {
  readonly cloud: CloudName;
  readonly tenants: readonly Tenant[];
  readonly applications: readonly Application[];
  readonly identities: readonly ManagedIdentity[];
  readonly resources: readonly Resource[];
  readonly subscriptions: readonly Subscription[];
  readonly machine: Machine;
}
