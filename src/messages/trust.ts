import { createHash } from 'node:crypto';
import type { AssertionClaims } from '../exchange/request.ts';
import type { MessageContext } from './explanation.ts';
import { foreignText } from './foreign-text.ts';

export interface TrustDiagnosis {
  /** The three values that Entra compares, as the assertion has them. */
  readonly comparison: readonly string[];
  /** The command that makes the app trust the identity, with a line that says where to run it. */
  readonly commands: readonly string[];
}

/**
 * The values of the missing trust and the command that creates it. If only the audience differs, the app has a
 * credential with this issuer and subject, and cannot have a second one.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
 */
export function diagnoseTrust(
  { request, facts, secrets }: MessageContext,
  assertion: AssertionClaims | undefined,
  codes: readonly string[],
): TrustDiagnosis {
  const shown = (value: string | undefined, otherwise: string): string =>
    value === undefined ? otherwise : foreignText(value, secrets, 300);
  const app = request?.clientId ?? '<client-id>';
  const issuer = shown(assertion?.issuer, '<issuer>');
  const subject = shown(assertion?.subject, '<the managed identity’s object (principal) ID>');
  const audience = request?.audience ?? 'api://AzureADTokenExchange';
  const tenant = shown(assertion?.tenantId, '<the identity’s tenant>');
  const inPod = request?.origin.kind === 'token-file';
  const subjectNote = inPod
    ? '(the pod’s namespace and service account)'
    : '(the identity’s object ID, not its client ID)';
  // A pod's token names no tenant.
  const signedInTo = inPod ? 'the app’s own tenant' : `tenant ${tenant}`;
  const values = { issuer, subject, audiences: [audience] };
  const shell = facts?.windows === true ? powershell : bash;
  const audienceDiffers = codes.some((code) => code.startsWith('700212'));
  return {
    comparison: [
      'The app’s federated identity credential must have exactly these values:',
      `  issuer    ${issuer}${inPod ? '  (the cluster’s, with its trailing slash)' : ''}`,
      `  subject   ${subject}  ${subjectNote}`,
      `  audience  ${audience}${assertion?.audience === undefined ? '' : `  (the token shows it as ${shown(assertion.audience, '')})`}`,
      `To list the app’s credentials:  az ad app federated-credential list --id ${app}`,
    ],
    commands: audienceDiffers
      ? [
          `The app has a credential with this issuer and subject. Sign in to ${signedInTo} and correct its audience (${shell.name}):`,
          ...shell.parameters(
            `az ad app federated-credential update --id ${app} --federated-credential-id ${shell.output(`az ad app federated-credential list --id ${app} --query ${shell.quote(query(values))} --output tsv`)}`,
            values,
          ),
        ]
      : [
          `Sign in to ${signedInTo} and create the credential (${shell.name}):`,
          ...shell.parameters(`az ad app federated-credential create --id ${app}`, {
            name: inPod ? podCredentialName(issuer, subject) : identityCredentialName(subject),
            ...values,
          }),
        ],
  };
}

/** How a shell writes a literal, a command's output, and a JSON argument. What a token says is data, here too. */
interface Shell {
  readonly name: string;
  quote(text: string): string;
  output(command: string): string;
  parameters(command: string, json: object): readonly string[];
}

const bash: Shell = {
  name: 'in bash',
  quote: (text) => `'${text.replaceAll("'", `'\\''`)}'`,
  output: (command) => `"$(${command})"`,
  parameters: (command, json) => [`  ${command} --parameters ${bash.quote(JSON.stringify(json))}`],
};

/** az.cmd takes the quotes out of a JSON argument, so the JSON goes through stdin. */
const powershell: Shell = {
  name: 'in PowerShell',
  // PowerShell takes typographic quotes for quotes, too.
  quote: (text) => `'${text.replace(/['‘’‚‛]/gu, '$&$&')}'`,
  output: (command) => `$(${command})`,
  parameters: (command, json) => [
    `  ${powershell.quote(JSON.stringify(json))} |`,
    `    ${command} --parameters '@-'`,
  ],
};

/**
 * Names of credentials have 3 to 120 letters, digits and hyphens, begin with a letter or digit, and differ within an app.
 * https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
 */
function identityCredentialName(subject: string): string {
  return `managed-identity-${subject.slice(0, 8).replace(/[^A-Za-z0-9-]/gu, '')}`;
}

/** The same pod identity can exist in several clusters, and `a:b-c` and `a-b:c` would look alike: the hash tells them apart. */
function podCredentialName(issuer: string, subject: string): string {
  const pod = subject.replace(/^system:serviceaccount:/u, '').replace(/[^A-Za-z0-9]+/gu, '-');
  const hash = createHash('sha256').update(`${issuer} ${subject}`).digest('hex');
  return `pod-${pod.slice(0, 100)}-${hash.slice(0, 8)}`;
}

/** The ID of the credential with this issuer and subject: https://jmespath.org/specification.html */
function query({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  const literal = (text: string): string => `\`${JSON.stringify(text).replaceAll('`', '\\`')}\``;
  return `[?issuer==${literal(issuer)} && subject==${literal(subject)}].id`;
}
