import { type Cloud, clouds, v1Issuer, v2Issuer } from './clouds.ts';
import { resourcesOf } from './resources.ts';
import type { Application, CloudName, FederatedIdentityCredential, ManagedIdentity, World } from './world.ts';

/** The two directories: everything is at home in Contoso; Fabrikam is a customer of its. */
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
  /** Assigned to the machine; what the default world's applications trust. */
  runner: userAssigned(
    'runner',
    'a1b2c3d4-1111-4000-8000-000000000001',
    '0b1ec700-1111-4000-8000-000000000001',
  ),
  /** Assigned to the machine too; no application but `otherSubject` trusts it. */
  second: userAssigned(
    'second',
    'a1b2c3d4-1111-4000-8000-000000000002',
    '0b1ec700-1111-4000-8000-000000000002',
  ),
  /** Exists in the directory, but is not assigned to the machine. */
  elsewhere: userAssigned(
    'elsewhere',
    'a1b2c3d4-1111-4000-8000-000000000003',
    '0b1ec700-1111-4000-8000-000000000003',
  ),
  /** The machine's own, system-assigned identity, which no application can trust. */
  system: {
    clientId: 'a1b2c3d4-1111-4000-8000-000000000004',
    objectId: '0b1ec700-1111-4000-8000-000000000004',
    resourceId: `/subscriptions/${subscriptionIds.contosoProduction}/resourcegroups/runners/providers/Microsoft.Compute/virtualMachines/runner-01`,
    tenant: tenantIds.contoso,
    kind: 'system-assigned',
    tokenLifetime: 86_400,
  },
} as const satisfies Record<string, ManagedIdentity>;

/** Application (client) IDs, by what each application is there to show. */
export const clientIds = {
  /** Single-tenant, trusts `identities.runner`: the one that just works. */
  deployer: 'd3b10700-2222-4000-8000-000000000001',
  /** Multitenant, trusts `identities.runner`, provisioned in Contoso and in Fabrikam. */
  multitenant: 'd3b10700-2222-4000-8000-000000000002',
  /** Multitenant, trusts `identities.runner`, never provisioned in Fabrikam. */
  unprovisioned: 'd3b10700-2222-4000-8000-000000000003',
  /** Trusts `identities.runner`, but is disabled. */
  disabled: 'd3b10700-2222-4000-8000-000000000004',
  /** Multitenant; its service principal in Fabrikam is disabled, the one in Contoso is not. */
  disabledInFabrikam: 'd3b10700-2222-4000-8000-000000000005',
  /** Has no federated credential at all. */
  trustless: 'd3b10700-2222-4000-8000-000000000006',
  /** Trusts the v1.0 issuer, which the assertion never has. */
  wrongIssuer: 'd3b10700-2222-4000-8000-000000000007',
  /** Trusts the identity's client ID, the commonest mistake. */
  wrongSubject: 'd3b10700-2222-4000-8000-000000000008',
  /** Trusts the right principal ID, written in capitals. */
  wrongCase: 'd3b10700-2222-4000-8000-000000000009',
  /** Expects the audience of another cloud. */
  wrongAudience: 'd3b10700-2222-4000-8000-000000000010',
  /** Registered in Fabrikam, trusting an identity of Contoso: not allowed. */
  foreign: 'd3b10700-2222-4000-8000-000000000011',
  /** Trusts the system-assigned identity: not allowed. */
  trustsSystem: 'd3b10700-2222-4000-8000-000000000012',
  /** Trusts `identities.second`. */
  otherSubject: 'd3b10700-2222-4000-8000-000000000013',
  /** Multitenant, trusts `identities.runner`, may change applications through Graph in both tenants. */
  administrator: 'd3b10700-2222-4000-8000-000000000014',
  /** Registered in Contoso, but has no service principal anywhere. */
  principalless: 'd3b10700-2222-4000-8000-000000000015',
} as const;

/** An API of Contoso's own, for scopes of the form `api://…`; its tokens are v2.0. */
export const ordersApi = {
  uri: 'api://contoso-orders',
  appId: 'a9100000-3333-4000-8000-000000000001',
  role: 'Orders.Read.All',
} as const;

/** An API that Fabrikam has not provisioned, and one that is disabled. */
export const contosoOnlyApiUri = 'api://contoso-internal';
export const disabledApiUri = 'api://contoso-retired';

interface Sketch {
  readonly name: keyof typeof clientIds;
  readonly signInAudience?: Application['signInAudience'];
  readonly home?: string;
  readonly disabled?: boolean;
  readonly graphAdministrator?: boolean;
  readonly trusts?: readonly Partial<FederatedIdentityCredential>[];
  readonly provisionedIn?: readonly string[];
  readonly disabledIn?: string;
}

/** The principal's object ID of an application in a tenant: derived, so that tests can foretell it. */
function servicePrincipalId(clientId: string, tenantId: string): string {
  return `5e21c1ba-${tenantId.slice(0, 4)}-4000-8000-${clientId.slice(-12)}`;
}

/** The world in which all is well for `deployer`, and each other application shows one thing that is not. */
export function worldFor(cloud: CloudName): World {
  const { contoso, fabrikam } = tenantIds;
  const cloudRow: Cloud = clouds[cloud];
  const trustOfRunner: FederatedIdentityCredential = {
    name: 'runner',
    issuer: v2Issuer(cloud, contoso),
    subject: identities.runner.objectId,
    audiences: [cloudRow.exchangeUri],
  };
  const otherCloud = clouds[cloud === 'public' ? 'usgovernment' : 'public'];
  const sketches: readonly Sketch[] = [
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
    { name: 'principalless', provisionedIn: [] },
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
    applications: sketches.map((sketch) => application(sketch, trustOfRunner)),
    identities: Object.values(identities),
    resources: [
      ...resourcesOf(cloud),
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
        visibleTo: [clientIds.deployer, clientIds.multitenant],
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
    machine: {
      kind: 'virtual-machine',
      identities: [identities.runner.clientId, identities.second.clientId, identities.system.clientId],
    },
  };
}

function application(sketch: Sketch, trust: FederatedIdentityCredential): Application {
  const clientId = clientIds[sketch.name];
  const home = sketch.home ?? tenantIds.contoso;
  const trusts = sketch.trusts ?? [{}];
  return {
    clientId,
    objectId: clientId.replace(/^d3b10700-2222/, '0b1ec700-2222'),
    displayName: sketch.name,
    homeTenant: home,
    signInAudience: sketch.signInAudience ?? 'AzureADMyOrg',
    ...(sketch.disabled === true && { disabled: true }),
    ...(sketch.graphAdministrator === true && { graphAdministrator: true }),
    federatedCredentials: trusts.map((difference) => ({ ...trust, ...difference })),
    servicePrincipals: Object.fromEntries(
      (sketch.provisionedIn ?? [home]).map((tenant) => [
        tenant,
        {
          objectId: servicePrincipalId(clientId, tenant),
          ...(sketch.disabledIn === tenant && { disabled: true }),
        },
      ]),
    ),
  };
}
