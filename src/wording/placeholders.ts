import type { LegProblem } from '../exchange/failure.ts';
import type { AssertionClaims } from '../exchange/request.ts';
import type { KnownOfRun } from './known.ts';

/** The run's own values for the placeholders of the tables; documentation shows the placeholders themselves. */
export function placeholders(
  { request }: KnownOfRun,
  assertion: AssertionClaims | undefined,
  problem: LegProblem,
): Readonly<Record<string, string>> {
  const identity = request?.identity.value ?? '<identity>';
  return {
    app: request?.clientId ?? '<client-id>',
    tenant: request?.tenantId ?? '<tenant-id>',
    scope: 'scope' in problem && typeof problem.scope === 'string' ? problem.scope : '<scope>',
    authority: problem.host,
    issuer: assertion?.issuer ?? '<issuer>',
    subject: assertion?.subject ?? '<subject>',
    audience: request?.audience ?? '<audience>',
    identity: `Managed identity ${identity}`,
    identityTenant: assertion?.tenantId ?? '<the identity’s tenant>',
    assign: [
      `  az vm identity assign --resource-group <group> --name <machine> --identities ${identityArgument(request?.identity)}`,
      `  az vmss identity assign --resource-group <group> --name <scale set> --identities ${identityArgument(request?.identity)}`,
      '  (In the identity’s subscription. When the inner command finds nothing, the ID is wrong.)',
    ].join('\n'),
  };
}

/** az takes resource IDs (or names in the same group) here, so another kind of ID must be looked up. */
function identityArgument(identity: { kind: string; value: string } | undefined): string {
  if (identity?.kind === 'resource-id') return identity.value;
  const id = identity?.value ?? '<ID>';
  return `"$(az identity list --query "[?clientId=='${id}' || principalId=='${id}'].id" --output tsv)"`;
}

export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/gu, (whole, name: string) => values[name] ?? whole);
}
