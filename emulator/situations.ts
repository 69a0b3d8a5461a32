import { agentIdentityIds, clientIds, displayNames, identities, tenantIds } from './default-world.ts';

/** A situation that an application of the default world shows. */
export interface Situation {
  readonly app: keyof typeof clientIds;
  /** What the application is set up for. */
  readonly setUpFor: string;
  /** The tenant of the request. Default: Contoso. */
  readonly tenant?: keyof typeof tenantIds;
  /** The managed identity of the request. Default: `runner`. */
  readonly identity?: 'runner' | 'second';
  /** The agent identity of the request. `app` is then the blueprint that asks for it. */
  readonly agent?: keyof typeof agentIdentityIds;
  /** Tokens, or the AADSTS number of Entra's response. */
  readonly result: 'tokens' | number;
}

/** Every application of the default world, and what a request with its ID gives. A test runs each row. */
export const situations: readonly Situation[] = [
  { app: 'deployer', setUpFor: 'everything is right: start here', result: 'tokens' },
  {
    app: 'multitenant',
    setUpFor: 'an app of Contoso that is also in Fabrikam',
    tenant: 'fabrikam',
    result: 'tokens',
  },
  {
    app: 'administrator',
    setUpFor: 'may change apps and credentials through Graph',
    result: 'tokens',
  },
  {
    app: 'otherSubject',
    setUpFor: 'trusts the machine’s second identity',
    identity: 'second',
    result: 'tokens',
  },
  { app: 'trustless', setUpFor: 'has no federated identity credential', result: 70025 },
  { app: 'wrongIssuer', setUpFor: 'the credential has the v1.0 issuer', result: 700211 },
  { app: 'wrongSubject', setUpFor: 'the credential has the client ID, not the object ID', result: 700213 },
  { app: 'wrongCase', setUpFor: 'the credential has the object ID in upper case', result: 7002138 },
  { app: 'wrongAudience', setUpFor: 'the credential has the audience of another cloud', result: 7002121 },
  { app: 'trustsSystem', setUpFor: 'trusts the system-assigned identity', result: 700213 },
  { app: 'podDeployer', setUpFor: 'trusts a pod’s service account, not the machine', result: 700211 },
  { app: 'disabled', setUpFor: 'the app is disabled', result: 7000112 },
  {
    app: 'disabledInFabrikam',
    setUpFor: 'the service principal is disabled in Fabrikam',
    tenant: 'fabrikam',
    result: 7000112,
  },
  { app: 'principalless', setUpFor: 'the app has no service principal', result: 7000229 },
  {
    app: 'unprovisioned',
    setUpFor: 'multitenant, but not provisioned in Fabrikam',
    tenant: 'fabrikam',
    result: 7000229,
  },
  {
    app: 'foreign',
    setUpFor: 'registered in Fabrikam, trusts an identity of Contoso',
    tenant: 'fabrikam',
    result: 700236,
  },
  {
    app: 'blueprint',
    setUpFor: 'an agent identity of the blueprint, with roles',
    agent: 'triage',
    result: 'tokens',
  },
  { app: 'blueprint', setUpFor: 'a disabled agent identity', agent: 'disabled', result: 7000112 },
  {
    app: 'blueprint',
    setUpFor: 'an agent identity of another blueprint',
    agent: 'elsewhere',
    result: 700213,
  },
  { app: 'blueprint', setUpFor: 'a blueprint, without an agent identity', result: 82001 },
  {
    app: 'deployer',
    setUpFor: 'an app that is not a blueprint, with an agent identity',
    agent: 'triage',
    result: 700213,
  },
  {
    app: 'otherBlueprint',
    setUpFor: 'a blueprint that trusts the second identity',
    identity: 'second',
    agent: 'elsewhere',
    result: 'tokens',
  },
];

/** The step's inputs for a situation. Names of tenants and identities can stand for their IDs after `--run`. */
export function inputsOf({ app, tenant, identity, agent }: Situation): Readonly<Record<string, string>> {
  return {
    'client-id': clientIds[app],
    ...(agent !== undefined && { 'agent-identity-id': agentIdentityIds[agent] }),
    ...(tenant !== undefined && { 'tenant-id': tenant }),
    ...(identity !== undefined && { 'managed-identity-client-id': identity }),
  };
}

/** The IDs by display name and by the name in the code. */
const appIds = Object.fromEntries(
  Object.entries(clientIds).flatMap(([name, id]) => [
    [name, id],
    [displayNames[name as keyof typeof clientIds], id],
  ]),
);

/** What a name after `--run` stands for, by input. */
export const namedValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'client-id': appIds,
  'agent-identity-id': agentIdentityIds,
  'tenant-id': tenantIds,
  'managed-identity-client-id': {
    runner: identities.runner.clientId,
    second: identities.second.clientId,
  },
};
