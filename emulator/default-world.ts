import { blobHost, type Cloud, clouds, v1Issuer, v2Issuer } from './clouds.ts';
import { resourcesOf } from './resources.ts';
import type {
  AgentIdentity,
  Application,
  CloudName,
  FederatedIdentityCredential,
  ManagedIdentity,
  Registry,
  Resource,
  World,
} from './world.ts';

/** Contoso owns the identities, the applications and most APIs. Fabrikam is its customer. */
export const tenantIds = {
  contoso: 'c0470505-0000-4000-8000-00000000c001',
  fabrikam: 'fab21ca3-0000-4000-8000-00000000fab1',
} as const;

export const subscriptionIds = {
  contosoProduction: '50b5c217-0000-4000-8000-00000000aa01',
  contosoTest: '50b5c217-0000-4000-8000-00000000aa02',
  fabrikam: '50b5c217-0000-4000-8000-00000000bb01',
} as const;

function userAssigned(name: string, clientId: string, objectId: string): ManagedIdentity {
  return {
    clientId,
    objectId,
    resourceId: `/subscriptions/${subscriptionIds.contosoProduction}/resourcegroups/runners/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
    tenant: tenantIds.contoso,
    kind: 'user-assigned',
    tokenLifetime: 86_400,
  };
}

export const identities = {
  /** Assigned to the machine. Most applications of the default world trust it. */
  runner: userAssigned(
    'runner',
    'a1b2c3d4-1111-4000-8000-000000000001',
    '0b1ec700-1111-4000-8000-000000000001',
  ),
  /** Also assigned to the machine. Only `otherSubject` trusts it. */
  second: userAssigned(
    'second',
    'a1b2c3d4-1111-4000-8000-000000000002',
    '0b1ec700-1111-4000-8000-000000000002',
  ),
  /** Exists in the directory. Not assigned to the machine. */
  elsewhere: userAssigned(
    'elsewhere',
    'a1b2c3d4-1111-4000-8000-000000000003',
    '0b1ec700-1111-4000-8000-000000000003',
  ),
  /** The machine's system-assigned identity. No application can trust it. */
  system: {
    clientId: 'a1b2c3d4-1111-4000-8000-000000000004',
    objectId: '0b1ec700-1111-4000-8000-000000000004',
    resourceId: `/subscriptions/${subscriptionIds.contosoProduction}/resourcegroups/runners/providers/Microsoft.Compute/virtualMachines/runner-01`,
    tenant: tenantIds.contoso,
    kind: 'system-assigned',
    tokenLifetime: 86_400,
  },
} as const satisfies Record<string, ManagedIdentity>;

/** Application (client) IDs. `situations.ts` says what each application shows. */
export const clientIds = {
  /** Single-tenant, trusts `identities.runner`. The one without any problem. */
  deployer: 'd3b10700-2222-4000-8000-000000000001',
  /** Multitenant, trusts `identities.runner`, provisioned in Contoso and in Fabrikam. */
  multitenant: 'd3b10700-2222-4000-8000-000000000002',
  /** Multitenant, trusts `identities.runner`, not provisioned in Fabrikam. */
  unprovisioned: 'd3b10700-2222-4000-8000-000000000003',
  /** Trusts `identities.runner`, but is disabled. */
  disabled: 'd3b10700-2222-4000-8000-000000000004',
  /** Multitenant. Its service principal is disabled in Fabrikam and enabled in Contoso. */
  disabledInFabrikam: 'd3b10700-2222-4000-8000-000000000005',
  /** Has no federated credential. */
  trustless: 'd3b10700-2222-4000-8000-000000000006',
  /** Trusts the v1.0 issuer. The assertion has the v2.0 issuer. */
  wrongIssuer: 'd3b10700-2222-4000-8000-000000000007',
  /** Trusts the identity's client ID instead of its principal ID, the most common mistake. */
  wrongSubject: 'd3b10700-2222-4000-8000-000000000008',
  /** Trusts the right principal ID in upper case. */
  wrongCase: 'd3b10700-2222-4000-8000-000000000009',
  /** Trusts the audience of another cloud. */
  wrongAudience: 'd3b10700-2222-4000-8000-000000000010',
  /** Registered in Fabrikam, trusts an identity of Contoso. Entra does not allow this. */
  foreign: 'd3b10700-2222-4000-8000-000000000011',
  /** Trusts the system-assigned identity. Entra does not allow this. */
  trustsSystem: 'd3b10700-2222-4000-8000-000000000012',
  /** Trusts `identities.second`. */
  otherSubject: 'd3b10700-2222-4000-8000-000000000013',
  /** Multitenant, trusts `identities.runner`, can change applications through Graph in both tenants. */
  administrator: 'd3b10700-2222-4000-8000-000000000014',
  /** Trusts the service account `runner` in the namespace `ci` of the cluster, not a managed identity. */
  podDeployer: 'd3b10700-2222-4000-8000-000000000016',
  /** Registered in Contoso, without a service principal. */
  principalless: 'd3b10700-2222-4000-8000-000000000015',
  /** An agent identity blueprint, trusts `identities.runner`. Parent of `triage` and `disabled` in `agentIdentityIds`. */
  blueprint: 'd3b10700-2222-4000-8000-000000000017',
  /** Another blueprint, trusts `identities.second`. Parent of `elsewhere`. */
  otherBlueprint: 'd3b10700-2222-4000-8000-000000000018',
} as const;

/** Client IDs, and object IDs, of the agent identities. */
export const agentIdentityIds = {
  /** Child of `blueprint`. Reads the production subscription, pulls images, has the role of the orders API. */
  triage: 'a9e17000-5555-4000-8000-000000000001',
  /** Child of `blueprint`, disabled. */
  disabled: 'a9e17000-5555-4000-8000-000000000002',
  /** Child of `otherBlueprint`. */
  elsewhere: 'a9e17000-5555-4000-8000-000000000003',
} as const;

/** The display name of each application in the directory. It says what the application shows. */
export const displayNames: Readonly<Record<keyof typeof clientIds, string>> = {
  deployer: 'deployer',
  multitenant: 'multitenant',
  unprovisioned: 'not-provisioned-in-fabrikam',
  disabled: 'disabled',
  disabledInFabrikam: 'disabled-in-fabrikam',
  trustless: 'no-credential',
  wrongIssuer: 'wrong-issuer',
  wrongSubject: 'wrong-subject',
  wrongCase: 'wrong-letter-case',
  wrongAudience: 'wrong-audience',
  foreign: 'registered-in-fabrikam',
  trustsSystem: 'trusts-system-assigned',
  otherSubject: 'trusts-second-identity',
  administrator: 'administrator',
  podDeployer: 'pod-deployer',
  principalless: 'no-service-principal',
  blueprint: 'agent-blueprint',
  otherBlueprint: 'other-agent-blueprint',
};

/** The OpenID Connect issuer of Contoso's AKS cluster. Real issuers have this form, with a slash at the end. */
export const clusterIssuer = `https://westeurope.oic.prod-aks.azure.com/${tenantIds.contoso}/c1057e20-4444-4000-8000-000000000001/`;

/** The service account that `podDeployer` trusts. */
export const runnerServiceAccount = { namespace: 'ci', serviceAccount: 'runner' } as const;

/** Contoso's own API, for scopes such as `api://…`. Its tokens are v2.0. */
export const ordersApi = {
  uri: 'api://contoso-orders',
  appId: 'a9100000-3333-4000-8000-000000000001',
  role: 'Orders.Read.All',
} as const;

/** Fabrikam has not provisioned the first API. The second one is disabled. */
export const contosoOnlyApiUri = 'api://contoso-internal';
export const disabledApiUri = 'api://contoso-retired';

/** The storage accounts that the examples use. They belong to the production subscription. */
export const storageAccounts = ['contosodata', 'contosostate'] as const;

const STORAGE_APP_ID = 'e406a681-f3d4-42a8-90b6-c2b029497af1';

/** Azure Storage also accepts the address of one account as the resource. */
function withStorageAccounts(resource: Resource, cloud: CloudName): Resource {
  if (resource.appId !== STORAGE_APP_ID) return resource;
  const accountUris = storageAccounts.map((name) => `https://${blobHost(cloud, name)}`);
  return { ...resource, identifierUris: [...resource.identifierUris, ...accountUris] };
}

/** An application, without what all applications share. */
interface ApplicationOutline {
  readonly name: keyof typeof clientIds;
  readonly signInAudience?: Application['signInAudience'];
  readonly home?: string;
  readonly disabled?: boolean;
  readonly graphAdministrator?: boolean;
  readonly isBlueprint?: boolean;
  readonly trusts?: readonly Partial<FederatedIdentityCredential>[];
  readonly provisionedIn?: readonly string[];
  readonly disabledIn?: string;
}

/** The object ID of a service principal. It is derived from both IDs, so that tests can predict it. */
function servicePrincipalId(clientId: string, tenantId: string): string {
  return `5e21c1ba-${tenantId.slice(0, 4)}-4000-8000-${clientId.slice(-12)}`;
}

/** The default world of a cloud. `deployer` works, and each other application shows one situation. */
export function worldFor(cloud: CloudName): World {
  const { contoso, fabrikam } = tenantIds;
  const cloudRow: Cloud = clouds[cloud];
  const runnerCredential: FederatedIdentityCredential = {
    name: 'runner',
    issuer: v2Issuer(cloud, contoso),
    subject: identities.runner.objectId,
    audiences: [cloudRow.exchangeUri],
  };
  const otherCloud = clouds[cloud === 'public' ? 'usgovernment' : 'public'];
  const outlines: readonly ApplicationOutline[] = [
    { name: 'deployer' },
    { name: 'multitenant', signInAudience: 'AzureADMultipleOrgs', provisionedIn: [contoso, fabrikam] },
    { name: 'unprovisioned', signInAudience: 'AzureADMultipleOrgs' },
    { name: 'disabled', disabled: true },
    {
      name: 'disabledInFabrikam',
      signInAudience: 'AzureADMultipleOrgs',
      provisionedIn: [contoso, fabrikam],
      disabledIn: fabrikam,
    },
    { name: 'trustless', trusts: [] },
    { name: 'wrongIssuer', trusts: [{ issuer: v1Issuer(cloud, contoso) }] },
    { name: 'wrongSubject', trusts: [{ subject: identities.runner.clientId }] },
    { name: 'wrongCase', trusts: [{ subject: identities.runner.objectId.toUpperCase() }] },
    { name: 'wrongAudience', trusts: [{ audiences: [otherCloud.exchangeUri] }] },
    { name: 'foreign', home: fabrikam, provisionedIn: [fabrikam] },
    { name: 'trustsSystem', trusts: [{ name: 'system', subject: identities.system.objectId }] },
    { name: 'otherSubject', trusts: [{ name: 'second', subject: identities.second.objectId }] },
    {
      name: 'administrator',
      graphAdministrator: true,
      signInAudience: 'AzureADMultipleOrgs',
      provisionedIn: [contoso, fabrikam],
    },
    {
      name: 'podDeployer',
      trusts: [
        {
          name: 'pod',
          issuer: clusterIssuer,
          subject: `system:serviceaccount:${runnerServiceAccount.namespace}:${runnerServiceAccount.serviceAccount}`,
          audiences: ['api://AzureADTokenExchange'],
        },
      ],
    },
    { name: 'principalless', provisionedIn: [] },
    { name: 'blueprint', isBlueprint: true },
    {
      name: 'otherBlueprint',
      isBlueprint: true,
      trusts: [{ name: 'second', subject: identities.second.objectId }],
    },
  ];
  return {
    cloud,
    tenants: [
      {
        id: contoso,
        domains: [`contoso.${cloudRow.domain}`, 'contoso.example'],
        displayName: 'Contoso',
      },
      {
        id: fabrikam,
        domains: [`fabrikam.${cloudRow.domain}`, 'fabrikam.example'],
        displayName: 'Fabrikam',
      },
    ],
    applications: outlines.map((outline) => application(outline, runnerCredential)),
    agentIdentities: agentIdentities(),
    identities: Object.values(identities),
    resources: [
      ...resourcesOf(cloud).map((resource) => withStorageAccounts(resource, cloud)),
      {
        displayName: 'Orders',
        appId: ordersApi.appId,
        identifierUris: [ordersApi.uri],
        accessTokenVersion: 2,
        roles: [ordersApi.role],
      },
      {
        displayName: 'Contoso internal',
        appId: 'a9100000-3333-4000-8000-000000000002',
        identifierUris: [contosoOnlyApiUri],
        accessTokenVersion: 1,
        tenants: [contoso],
      },
      {
        displayName: 'Retired',
        appId: 'a9100000-3333-4000-8000-000000000003',
        identifierUris: [disabledApiUri],
        accessTokenVersion: 1,
        disabled: true,
      },
    ],
    subscriptions: [
      {
        id: subscriptionIds.contosoProduction,
        displayName: 'Contoso production',
        tenant: contoso,
        visibleTo: [
          clientIds.deployer,
          clientIds.multitenant,
          clientIds.podDeployer,
          agentIdentityIds.triage,
        ],
      },
      {
        id: subscriptionIds.contosoTest,
        displayName: 'Contoso test',
        tenant: contoso,
        visibleTo: [clientIds.deployer],
      },
      {
        id: subscriptionIds.fabrikam,
        displayName: 'Fabrikam',
        tenant: fabrikam,
        visibleTo: [clientIds.multitenant],
      },
    ],
    storageAccounts: storageAccounts.map((name) => ({
      name,
      subscription: subscriptionIds.contosoProduction,
    })),
    registries: registriesOf(cloudRow),
    // Azure DevOps exists only in the public cloud.
    organizations:
      cloud === 'public'
        ? [
            {
              name: 'contoso',
              tenant: contoso,
              members: [clientIds.deployer, clientIds.multitenant, clientIds.podDeployer],
            },
            { name: 'fabrikam', tenant: fabrikam, members: [clientIds.multitenant] },
          ]
        : [],
    feeds: [
      {
        path: 'contoso/_packaging/packages',
        tenant: contoso,
        readers: [clientIds.multitenant],
        publishers: [clientIds.deployer],
      },
    ],
    machine: {
      kind: 'virtual-machine',
      identities: [identities.runner.clientId, identities.second.clientId, identities.system.clientId],
    },
  };
}

function agentIdentities(): readonly AgentIdentity[] {
  const child = { blueprint: clientIds.blueprint, tenant: tenantIds.contoso, roles: [] };
  return [
    {
      ...child,
      clientId: agentIdentityIds.triage,
      displayName: 'triage-agent',
      roles: [{ id: 'orders-triage', api: ordersApi.appId, role: ordersApi.role }],
    },
    { ...child, clientId: agentIdentityIds.disabled, displayName: 'disabled-agent', disabled: true },
    {
      ...child,
      clientId: agentIdentityIds.elsewhere,
      displayName: 'agent-of-the-other-blueprint',
      blueprint: clientIds.otherBlueprint,
    },
  ];
}

/** `contoso` accepts every documented audience, `contosostrict` only the registry's own. */
function registriesOf({ registrySuffix }: Cloud): readonly Registry[] {
  if (registrySuffix === undefined) return [];
  const { deployer, multitenant, podDeployer } = clientIds;
  const contoso = {
    loginServer: `contoso.${registrySuffix}`,
    tenant: tenantIds.contoso,
    pull: [deployer, multitenant, podDeployer, agentIdentityIds.triage],
    push: [deployer, podDeployer],
  };
  return [
    contoso,
    { ...contoso, loginServer: `contosostrict.${registrySuffix}`, rejectsArmTokens: true },
    { ...contoso, loginServer: `contoso-a1b2c3d4e5f6g7h8.${registrySuffix}` },
    { ...contoso, loginServer: `contoso.westeurope.geo.${registrySuffix}` },
  ];
}

function application(outline: ApplicationOutline, credential: FederatedIdentityCredential): Application {
  const clientId = clientIds[outline.name];
  const home = outline.home ?? tenantIds.contoso;
  const trusts = outline.trusts ?? [{}];
  return {
    clientId,
    // A blueprint's object ID is its client ID.
    objectId: outline.isBlueprint === true ? clientId : clientId.replace(/^d3b10700-2222/, '0b1ec700-2222'),
    displayName: displayNames[outline.name],
    homeTenant: home,
    signInAudience: outline.signInAudience ?? 'AzureADMyOrg',
    ...(outline.disabled === true && { disabled: true }),
    ...(outline.graphAdministrator === true && { graphAdministrator: true }),
    ...(outline.isBlueprint === true && { isBlueprint: true }),
    federatedCredentials: trusts.map((difference) => ({ ...credential, ...difference })),
    servicePrincipals: Object.fromEntries(
      (outline.provisionedIn ?? [home]).map((tenant) => [
        tenant,
        {
          objectId: servicePrincipalId(clientId, tenant),
          ...(outline.disabledIn === tenant && { disabled: true }),
        },
      ]),
    ),
  };
}
