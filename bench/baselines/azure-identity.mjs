// @azure/identity, used for an app that trusts a managed identity as its documentation shows it.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
import { ClientAssertionCredential, ManagedIdentityCredential } from '@azure/identity';

const { AUTHORITY, TENANT_ID, CLIENT_ID, IDENTITY_CLIENT_ID, SCOPES } = process.env;

const identity = new ManagedIdentityCredential({ clientId: IDENTITY_CLIENT_ID });
const assertion = async () => (await identity.getToken('api://AzureADTokenExchange/.default')).token;

// An authority host that is not Microsoft's works only without instance discovery.
const options = AUTHORITY ? { authorityHost: AUTHORITY, disableInstanceDiscovery: true } : {};
const app = new ClientAssertionCredential(TENANT_ID, CLIENT_ID, assertion, options);

const tokens = await Promise.all(SCOPES.split(' ').map(async (scope) => (await app.getToken(scope)).token));
console.log(tokens.join('\n'));
