import type { AssertionClaims } from '../exchange/request.ts';
import type { KnownOfRun } from './known.ts';

/**
 * The three values Entra compares, as the assertion has them, and the command that makes the app trust it. Where the
 * audience alone differs the app has a credential with this issuer and subject, and may not have a second one.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export function describeTrust(
  { request }: KnownOfRun,
  assertion: AssertionClaims | undefined,
  codes: readonly string[],
): readonly string[] {
  const app = request?.clientId ?? '<client-id>';
  const issuer = assertion?.issuer ?? '<issuer>';
  const subject = assertion?.subject ?? '<the managed identity’s object (principal) ID>';
  const audience = request?.audience ?? 'api://AzureADTokenExchange';
  const tenant = assertion?.tenantId ?? '<the identity’s tenant>';
  const values = { issuer, subject, audiences: [audience] };
  const audienceDiffers = codes.some((code) => code.startsWith('700212'));
  return [
    'The app’s federated identity credential must have exactly:',
    `  issuer    ${issuer}`,
    `  subject   ${subject}  (the identity’s object ID, not its client ID)`,
    `  audience  ${audience}${assertion?.audience === undefined ? '' : `  (the token shows it as ${assertion.audience})`}`,
    `See what it has:  az ad app federated-credential list --id ${app}`,
    ...(audienceDiffers
      ? [
          `It has one with this issuer and subject. Correct its audience, signed in to tenant ${tenant} (in bash):`,
          `  az ad app federated-credential update --id ${app} --federated-credential-id "$(az ad app federated-credential list --id ${app} --query ${singleQuoted(query(values))} --output tsv)" --parameters ${singleQuoted(JSON.stringify(values))}`,
        ]
      : [
          `Create it, signed in to tenant ${tenant} (in bash):`,
          `  az ad app federated-credential create --id ${app} --parameters ${singleQuoted(JSON.stringify({ name: credentialName(subject), ...values }))}`,
        ]),
  ];
}

/** 3 to 120 characters, letters, digits and hyphens: the constraint of the credential's name. */
function credentialName(subject: string): string {
  return `managed-identity-${subject.slice(0, 8)}`.replace(/[^A-Za-z0-9-]/gu, '');
}

/** The ID of the credential with this issuer and subject: https://jmespath.org/specification.html */
function query({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  const literal = (text: string): string => `\`${JSON.stringify(text).replaceAll('`', '\\`')}\``;
  return `[?issuer==${literal(issuer)} && subject==${literal(subject)}].id`;
}

/** For a POSIX shell. What a token says is data, in a command as much as in a log. */
function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
