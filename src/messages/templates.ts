import type { InputName, OutputName } from '../contract.ts';
import type { Actor, RequestFailure } from '../exchange/errors.ts';
import { type AssertionClaims, actingClientId } from '../exchange/request.ts';
import { graphOf } from './agent-identities.ts';
import type { MessageContext } from './explanation.ts';
import { foreignText } from './foreign-text.ts';

/**
 * Templates of the tables. `{input:NAME}` and `{output:NAME}` stand for a name as the host writes it, every other
 * `{word}` for one of the run's own values. Only templates are filled: text from outside never is.
 */
export function fill(
  template: string,
  values: Readonly<Record<string, string>>,
  inputLabel: MessageContext['inputLabel'],
): string {
  return template.replace(
    /\{(?:(?:input|output):([\w-]+)|(\w+))\}/gu,
    (whole, label: string | undefined, name: string | undefined) =>
      label === undefined ? (values[name ?? ''] ?? whole) : inputLabel(label as InputName | OutputName),
  );
}

/** The run's own values for the templates; documentation shows the placeholders themselves. */
export function runValues(
  { request, facts, secrets }: MessageContext,
  assertion: AssertionClaims | undefined,
  failure: RequestFailure & { readonly scope?: string; readonly actor?: Actor },
): Readonly<Record<string, string>> {
  const claim = (value: string | undefined, otherwise: string): string =>
    value === undefined ? otherwise : foreignText(value, secrets, 200);
  const identity = request?.origin.kind === 'managed-identity' ? request.origin.identity : undefined;
  const trusted = request?.clientId ?? '<client-id>';
  return {
    app: failure.actor === 'blueprint' || request === undefined ? trusted : actingClientId(request),
    blueprint: trusted,
    agent: request?.agentIdentityId ?? '<agent-identity-id>',
    graph: graphOf(request),
    tenant: request?.tenantId ?? '<tenant-id>',
    scope: failure.scope ?? '<scope>',
    found: failure.kind === 'unusable-answer' ? claim(failure.found, '') : '',
    authority: failure.host,
    proxy: 'proxy' in failure ? (failure.proxy?.host ?? '<proxy>') : '<proxy>',
    proxySetting: 'proxy' in failure ? (failure.proxy?.setting ?? 'HTTPS_PROXY') : 'HTTPS_PROXY',
    issuer: claim(assertion?.issuer, '<issuer>'),
    // In documentation the placeholder itself; the usual origin otherwise.
    assertion:
      failure.actor === 'agent-identity'
        ? 'blueprint’s token'
        : request?.origin.kind === 'token-file'
          ? 'pod’s service account token'
          : 'managed identity’s token',
    identity: `Managed identity ${identity?.value ?? '<identity>'}`,
    registry: failure.host,
    registryName: failure.host.split(/[.-]/u)[0] ?? '<registry>',
    identityTenant: claim(assertion?.tenantId, '<the identity’s tenant>'),
    clockCommand: facts?.windows ? 'w32tm /query /status' : 'timedatectl status',
    assign: assignCommands(identity, facts?.windows === true).join('\n'),
  };
}

/** az takes resource IDs (or names in the same group) here, so another kind of ID must be looked up. */
function assignCommands(
  identity: { readonly kind: string; readonly value: string } | undefined,
  windows: boolean,
): readonly string[] {
  const id = identity?.value ?? '<ID>';
  const argument =
    identity?.kind === 'resource-id'
      ? id
      : `"$(az identity list --query "[?clientId=='${id}' || principalId=='${id}'].id" --output tsv)"`;
  // PowerShell takes the same inner command, without quotes around the whole.
  const identities = windows ? argument.replace(/^"\$\((.*)\)"$/u, '$($1)') : argument;
  return [
    `  az vm identity assign --resource-group <group> --name <machine> --identities ${identities}`,
    `  az vmss identity assign --resource-group <group> --name <scale set> --identities ${identities}`,
    '  (Run it in the identity’s subscription. If the inner command finds nothing, the ID is wrong. A scale set with',
    '  manual upgrades also needs az vmss update-instances.)',
  ];
}
