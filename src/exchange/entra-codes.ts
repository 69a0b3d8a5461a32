/**
 * Entra's error codes that an exchange meets: what each means here and what mends it.
 *
 * Codes are matched by prefix, longest first, since Entra appends digits (700213 → 7002138).
 * Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes and, for the federation codes,
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-troubleshoot.
 *
 * In `cause` and `remedy`, `{app}`, `{tenant}`, `{scope}`, `{resource}`, `{authority}`, `{issuer}`, `{subject}`,
 * `{audience}` and `{identityTenant}` stand for the run's own values.
 */
export interface EntraCodeRow {
  readonly codes: readonly [string, ...string[]];
  readonly cause: string;
  readonly remedy: string;
  /** `trust`: the comparison of the assertion with the trust, and the command that creates it, belong below. */
  readonly show?: 'trust';
  /** What retrying can mend; a code without it fails at once. */
  readonly retry?: 'trust' | 'transient';
}

const trust = { show: 'trust', retry: 'trust' } as const;

export const entraCodes: readonly EntraCodeRow[] = [
  {
    codes: ['70021', '700211', '700212', '700213'],
    cause:
      'No federated identity credential of app {app} matches the managed identity’s token: issuer, subject and audience must each be exactly equal, letter case included.',
    remedy: 'Create the credential below, or correct the one that differs.',
    ...trust,
  },
  {
    codes: ['70025'],
    cause: 'App {app} has no federated identity credential at all.',
    remedy: 'Create the credential below.',
    ...trust,
  },
  {
    codes: ['7002206'],
    cause: 'The managed identity’s token has the token-exchange audience of another cloud than {authority}.',
    remedy:
      'Set `cloud` (or `audience`) to the cloud of the machine and of {authority}; tokens are never exchanged across clouds.',
  },
  {
    codes: ['700222', '700236'],
    cause:
      'App {app} may not use tokens that Entra itself issued, most often because the app registration and the managed identity live in different tenants.',
    remedy:
      'Register the app in the identity’s own tenant {identityTenant}. For another tenant’s resources make it multitenant and provision it there: az ad sp create --id {app}',
  },
  {
    codes: ['700226'],
    cause: 'Only the token of a managed identity may be presented, and this one is none.',
    remedy:
      'Point the managed-identity input at a user-assigned managed identity that is assigned to this machine.',
  },
  {
    codes: ['700227'],
    cause:
      'Entra forbids this audience, usually because the federated identity credential names the v1.0 issuer https://sts.windows.net/….',
    remedy:
      'Set the credential’s issuer to the v2.0 issuer and its audience to the cloud’s, as in the command below.',
    show: 'trust',
  },
  {
    codes: ['700229'],
    cause: 'Only app-only tokens may be presented, and this one is a user’s.',
    remedy:
      'Point the managed-identity input at a user-assigned managed identity that is assigned to this machine.',
  },
  {
    codes: ['700231'],
    cause: 'The token presented came through a federation itself, and Entra does not chain federations.',
    remedy:
      'Use an identity that the machine hands out itself. On AKS assign the user-assigned identity to the node pool’s virtual machine scale set and let the pod reach IMDS; a workload-identity token will not do.',
  },
  {
    codes: ['700223', '700238'],
    cause: 'A policy of tenant {tenant} disables or limits workload identity federation.',
    remedy:
      'Ask an administrator of tenant {tenant} to allow the issuer {issuer} for app {app} in the tenant’s app management policy.',
  },
  {
    codes: ['700016'],
    cause: 'App {app} does not exist in tenant {tenant}, or is not provisioned there.',
    remedy:
      'Check `client-id` (the application ID, not the object ID) and `tenant-id`. For a multitenant app create its service principal in tenant {tenant}: az ad sp create --id {app}',
  },
  {
    codes: ['7000229'],
    cause: 'App {app} has no service principal in tenant {tenant}.',
    remedy: 'Create it there, or have an administrator consent to the app: az ad sp create --id {app}',
  },
  {
    codes: ['650059', '50194', '50020'],
    cause: 'App {app} is single-tenant and does not admit tenant {tenant}.',
    remedy:
      'Use the app’s own tenant as `tenant-id`, or make the app multitenant: az ad app update --id {app} --sign-in-audience AzureADMultipleOrgs',
  },
  {
    codes: ['7000112', '7000111'],
    cause: 'App {app}, or its service principal in tenant {tenant}, is disabled.',
    remedy: 'Enable it: az ad sp update --id {app} --set accountEnabled=true',
  },
  {
    codes: ['90002', '900021', '900023'],
    cause: 'Tenant {tenant} is not known at {authority}: a typing error, or another cloud’s tenant.',
    remedy: 'Check `tenant-id`, and `cloud` if the tenant is not in the public cloud.',
  },
  {
    codes: ['900382', '900432', '90038'],
    cause: 'Tenant {tenant} belongs to another cloud than {authority}.',
    remedy: 'Set `cloud` to the cloud of the tenant; the managed identity must live in the same cloud.',
  },
  {
    codes: ['500011', '50001'],
    cause: 'The resource of scope {scope} has no service principal in tenant {tenant}, or is disabled there.',
    remedy:
      'Check the scope’s spelling. If the API exists, provision it in the tenant: az ad sp create --id <the API’s application ID>',
  },
  {
    codes: ['501051'],
    cause: 'The resource of scope {scope} wants app {app} to be assigned to one of its roles, and it is not.',
    remedy: 'Assign an app role of the API to the app’s service principal in tenant {tenant}.',
  },
  {
    codes: ['70011', '1002012', '700022', '700023', '28002', '901002'],
    cause: 'Scope {scope} is malformed for client credentials, or names several resources.',
    remedy:
      'Give one resource a line, with `/.default` or without it: https://vault.azure.net, api://<application ID>.',
  },
  {
    codes: ['700024', '500133'],
    cause: 'The managed identity’s token is outside its time of validity.',
    remedy: 'Check this machine’s clock (timedatectl status); Entra allows five minutes.',
  },
  {
    codes: ['700027', '50013', '50027'],
    cause: 'The managed identity’s token did not pass verification: signature or form are wrong.',
    remedy:
      'See that no proxy rewrites requests to {authority}, and that `cloud` and `authority-host` are those of the machine.',
  },
  {
    codes: ['7000218', '900144'],
    cause: 'The request lacked a parameter: a defect of this step, or of a proxy on the way.',
    remedy: 'Please report it with the trace ID above.',
  },
  {
    codes: ['7000215', '7000222'],
    cause:
      'Entra judged the request as one with a client secret: a defect of this step, or of a proxy on the way.',
    remedy: 'Please report it with the trace ID above.',
  },
  {
    codes: ['53003', '530032', '530035'],
    cause:
      'A Conditional Access policy for workload identities in tenant {tenant} blocks app {app} from here.',
    remedy:
      'Have an administrator of tenant {tenant} add this machine’s egress address to the policy’s named locations, or exclude the app.',
  },
  {
    codes: ['50196'],
    cause: 'Entra saw the same request too often in a short time and stops the loop.',
    remedy: 'Wait some minutes; ask for tokens once a job rather than in a loop.',
  },
  {
    codes: ['90033', '90006', '90012', '90024', '90055', '50033', '90090'],
    cause: 'Entra is for the moment unable to answer.',
    remedy: 'Run the job again; if it stays, see https://status.azure.com.',
    retry: 'transient',
  },
  {
    codes: ['100007'],
    cause: 'A regional token endpoint was asked and refused.',
    remedy: 'Unset AZURE_REGIONAL_AUTHORITY_NAME and MSAL_FORCE_REGION on the machine.',
  },
];

/** The row for the first of `codes` that has one, by longest prefix. */
export function entraCodeRow(codes: readonly string[]): EntraCodeRow | undefined {
  for (const code of codes) {
    const best = entraCodes
      .flatMap((row) => row.codes.map((prefix) => ({ row, prefix })))
      .filter(({ prefix }) => code.startsWith(prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    if (best) return best.row;
  }
  return undefined;
}
