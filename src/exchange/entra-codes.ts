/**
 * Entra's error codes that an exchange meets: what each means here and how to fix it.
 *
 * Codes are matched by prefix, longest first, because Entra appends digits (700213 → 7002138).
 * Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes and, for the federation codes,
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-troubleshoot.
 *
 * `cause` and `fix` are templates of `messages/templates.ts`: `{app}` and the like stand for the run's own values,
 * `{input:client-id}` for an input's name as the host writes it.
 */
export interface EntraCodeRow {
  readonly codes: readonly [string, ...string[]];
  readonly cause: string;
  readonly fix: string;
  /** `trust`: the message also compares the assertion with the trust and prints the command that creates it. */
  readonly show?: 'trust';
  /** What retrying can fix; a code without it fails at once. */
  readonly retry?: 'trust' | 'transient';
}

const trust = { show: 'trust', retry: 'trust' } as const;

export const entraCodes: readonly EntraCodeRow[] = [
  {
    codes: ['70021', '700211', '700212', '700213'],
    cause:
      'App {app} has no federated identity credential that matches the {assertion}. Issuer, subject and audience must each be equal, including letter case.',
    fix: 'Create the credential with the command below, or correct the value that differs.',
    ...trust,
  },
  {
    codes: ['70025'],
    cause: 'App {app} has no federated identity credential.',
    fix: 'Create the credential with the command below.',
    ...trust,
  },
  {
    codes: ['7002206'],
    cause: 'The {assertion} has the token-exchange audience of a different cloud than {authority}.',
    fix: 'Set {input:cloud} (or {input:audience}) to the cloud of the machine and of {authority}. Tokens cannot be exchanged across clouds.',
  },
  {
    codes: ['700222', '700236'],
    cause:
      'App {app} cannot use tokens that Entra itself issued. Usually the app registration and the managed identity are in different tenants.',
    fix: 'Register the app in the identity’s own tenant, {identityTenant}. To reach another tenant, make the app multitenant and provision it there: az ad sp create --id {app}',
  },
  {
    codes: ['700226'],
    cause: 'Entra accepts only a managed identity’s token here, and this token is not one.',
    fix: 'Set the managed identity input to a user-assigned managed identity that is assigned to this machine.',
  },
  {
    codes: ['700227'],
    cause:
      'Entra does not allow this audience. Usually the federated identity credential has the v1.0 issuer https://sts.windows.net/….',
    fix: 'Create a credential with the v2.0 issuer and the cloud’s audience: use the command below. Then delete the credential with the v1.0 issuer.',
    show: 'trust',
  },
  {
    codes: ['700229'],
    cause: 'Entra accepts only app-only tokens here, and this token is a user’s.',
    fix: 'Set the managed identity input to a user-assigned managed identity that is assigned to this machine.',
  },
  {
    codes: ['700231'],
    cause: 'The token was itself obtained through federation. Entra does not allow chained federation.',
    fix: 'Present a token that was not exchanged: the machine’s own managed identity, or in an AKS pod its service account token ({input:federated-token-file}).',
  },
  {
    codes: ['700223', '700238'],
    cause: 'A policy of tenant {tenant} disables or limits workload identity federation.',
    fix: 'Ask an administrator of tenant {tenant} to allow the issuer {issuer} for app {app} in the tenant’s app management policy.',
  },
  {
    codes: ['700016'],
    cause: 'App {app} does not exist in tenant {tenant}, or it is not provisioned there.',
    fix: 'Check {input:client-id} (the application ID, not the object ID) and {input:tenant-id}. For a multitenant app, create its service principal in tenant {tenant}: az ad sp create --id {app}',
  },
  {
    codes: ['700038'],
    cause: '{app} is not a valid application ID. The all-zero ID is a placeholder of samples.',
    fix: 'Set {input:client-id} to the application (client) ID of your app registration: az ad app list --display-name <name> --query [].appId --output tsv',
  },
  {
    codes: ['7000229'],
    cause: 'App {app} has no service principal in tenant {tenant}.',
    fix: 'Create it in that tenant, or ask an administrator to consent to the app: az ad sp create --id {app}',
  },
  {
    codes: ['650059', '50194', '50020'],
    cause: 'App {app} is single-tenant and does not allow tenant {tenant}.',
    fix: 'Set {input:tenant-id} to the app’s own tenant, or make the app multitenant: az ad app update --id {app} --sign-in-audience AzureADMultipleOrgs',
  },
  {
    codes: ['7000112', '7000111'],
    cause: 'App {app}, or its service principal in tenant {tenant}, is disabled.',
    fix: 'Enable it: az ad sp update --id {app} --set accountEnabled=true',
  },
  {
    codes: ['90002', '900021', '900023'],
    cause:
      '{authority} does not know tenant {tenant}. Either it is misspelled, or it belongs to another cloud.',
    fix: 'Check {input:tenant-id}. If the tenant is not in the public cloud, set {input:cloud}.',
  },
  {
    codes: ['900382', '900432', '90038'],
    cause: 'Tenant {tenant} belongs to a different cloud than {authority}.',
    fix: 'Set {input:cloud} to the cloud of the tenant. The managed identity must be in the same cloud.',
  },
  {
    codes: ['500011', '500014', '50001'],
    cause:
      'The resource of scope {scope} has no service principal in tenant {tenant}, or it is disabled there.',
    fix: 'Check the spelling of the scope. If the API exists, provision it in the tenant: az ad sp create --id <application ID of the API>',
  },
  {
    codes: ['501051'],
    cause: 'The resource of scope {scope} requires app {app} to have one of its app roles, and it has none.',
    fix: 'Assign an app role of the API to the app’s service principal in tenant {tenant}.',
  },
  {
    codes: ['70011', '1002012', '700022', '700023', '28002', '901002'],
    cause: 'Scope {scope} is malformed for client credentials, or it names several resources.',
    fix: 'Write one resource per line, with or without /.default: https://vault.azure.net, api://<application ID>.',
  },
  {
    codes: ['700024', '500133'],
    cause: 'The {assertion} is not valid yet, or it has expired.',
    fix: 'Check this machine’s clock ({clockCommand}). Entra allows five minutes of difference.',
  },
  {
    codes: ['700027', '50013', '50027'],
    cause: 'Entra could not verify the {assertion}: its signature or its form is wrong.',
    fix: 'Make sure that no proxy rewrites requests to {authority}, and that {input:cloud} and {input:authority-host} match the machine’s cloud.',
  },
  {
    codes: ['7000218', '7000216', '900144'],
    cause:
      'A parameter was missing from the request. This is a defect of this step, or of a proxy on the way.',
    fix: 'Report it with the trace ID above.',
  },
  {
    codes: ['50166', '501661'],
    cause:
      'Entra cannot read the signing keys of the token’s issuer {issuer}: it cannot reach the issuer’s discovery document.',
    fix: 'Make sure that the issuer’s address is right and can be reached from the internet, then run the job again.',
  },
  {
    codes: ['7000215', '7000222', '9002313'],
    cause:
      'Entra did not recognize the client assertion in the request. This is a defect of this step, or of a proxy on the way.',
    fix: 'Report it with the trace ID above.',
  },
  {
    codes: ['82001', '82002', '82008'],
    cause:
      '{app} is an agent identity blueprint. A blueprint gets no tokens for itself, only for its agent identities.',
    fix: 'Set {input:agent-identity-id} to the client ID of one of its agent identities. {input:client-id} stays the blueprint. To list them:\n  az rest --url "{graph}/beta/servicePrincipals/microsoft.graph.agentIdentity" --query "value[?agentIdentityBlueprintId==\'{app}\'].[displayName, appId]" --output tsv',
  },
  {
    codes: ['53003', '530032', '530035'],
    cause:
      'A Conditional Access policy for workload identities in tenant {tenant} blocks app {app} from this network.',
    fix: 'Ask an administrator of tenant {tenant} to add this machine’s egress IP address to the policy’s named locations, or to exclude the app.',
  },
  {
    codes: ['50196'],
    cause: 'Entra received the same request too often in a short time and stopped the loop.',
    fix: 'Wait a few minutes. Request tokens once per job, not in a loop.',
  },
  {
    codes: ['90033', '90006', '90012', '90024', '90055', '50033', '90090'],
    cause: 'Entra is temporarily unavailable.',
    fix: 'Run the job again. If it still fails, check https://status.azure.com.',
    retry: 'transient',
  },
  {
    codes: ['100007'],
    cause: 'The request went to a regional token endpoint, which rejected it.',
    fix: 'Unset AZURE_REGIONAL_AUTHORITY_NAME and MSAL_FORCE_REGION on the machine.',
  },
];

/** The row for the first of `codes` that has one. */
export function entraCodeRow(codes: readonly string[]): EntraCodeRow | undefined {
  return rowByPrefix(entraCodes, codes);
}

/** The row of a table for the first of `codes` that has one, by longest prefix. */
export function rowByPrefix(
  rows: readonly EntraCodeRow[],
  codes: readonly string[],
): EntraCodeRow | undefined {
  for (const code of codes) {
    const best = rows
      .flatMap((row) => row.codes.map((prefix) => ({ row, prefix })))
      .filter(({ prefix }) => code.startsWith(prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    if (best) return best.row;
  }
  return undefined;
}
