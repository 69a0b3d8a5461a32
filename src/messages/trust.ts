import { createHash } from 'node:crypto';
import { tenantOfIssuer } from '../azure/clouds.ts';
import { isGuid } from '../exchange/claims.ts';
import type { AssertionClaims } from '../exchange/request.ts';
import { isShownAudience } from '../inputs/authority.ts';
import { graphOf } from './agent-identities.ts';
import type { MessageContext } from './explanation.ts';
import { foreignText } from './foreign-text.ts';

/**
 * Why no credential may be created for this assertion; nothing if it can be what it claims to be. Whoever answers in
 * place of the identity endpoint chooses the claims, and the owner of a trusted issuer acts as the app for ever. A pod's
 * token is different: it is a file, and its issuer is the cluster.
 */
export function warnOfForgedAssertion(
  { request, secrets }: MessageContext,
  assertion: AssertionClaims | undefined,
): { readonly cause: string; readonly fix: string } | undefined {
  if (assertion === undefined || request?.origin.kind === 'token-file') return undefined;
  const { issuer = '', subject = '', tenantId } = assertion;
  const tenant = tenantOfIssuer(issuer, request);
  const sameTenant = tenantId === undefined || tenantId.toLowerCase() === tenant?.toLowerCase();
  if (tenant !== undefined && sameTenant && isGuid(subject)) return undefined;
  const claims = [
    `issuer ${foreignText(issuer || '(none)', secrets, 200)}`,
    `subject ${foreignText(subject || '(none)', secrets, 100)}`,
    ...(tenantId === undefined ? [] : [`tenant ${foreignText(tenantId, secrets, 100)}`]),
  ];
  return {
    cause: `The identity endpoint returned a token that Entra did not issue for a managed identity: ${claims.join(', ')}.`,
    fix: 'Do not create a federated identity credential for these values: their owner could then act as the app at any time. Find out what answers in place of this machine’s identity endpoint. Check whether the job sets IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST.',
  };
}

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
  { request, facts, secrets, inputLabel }: MessageContext,
  assertion: AssertionClaims | undefined,
  codes: readonly string[],
): TrustDiagnosis {
  const shown = (value: string | undefined, otherwise: string): string =>
    value === undefined ? otherwise : foreignText(value, secrets, 300);
  // The request of an agent identity that can lack this trust is its blueprint's.
  const client = request?.agentIdentityId === undefined ? appCommands(request) : blueprintCommands(request);
  const issuer = shown(assertion?.issuer, '<issuer>');
  const subject = shown(assertion?.subject, '<the managed identity’s object (principal) ID>');
  const wanted = request?.audience ?? 'api://AzureADTokenExchange';
  const audience = isShownAudience(wanted) ? wanted : `<the value of ${inputLabel('audience')}>`;
  const tenant = shown(assertion?.tenantId, '<the identity’s tenant>');
  const inPod = request?.origin.kind === 'token-file';
  const subjectNote = inPod
    ? '(the pod’s namespace and service account)'
    : '(the identity’s object ID, not its client ID)';
  // A pod's token names no tenant.
  const signedInTo = inPod ? `the ${client.name}’s own tenant` : `tenant ${tenant}`;
  const values = { issuer, subject, audiences: [audience] };
  const shell = facts?.windows === true ? powershell : bash;
  const audienceDiffers = codes.some((code) => code.startsWith('700212'));
  return {
    comparison: [
      `The ${client.name}’s federated identity credential must have exactly these values:`,
      `  issuer    ${issuer}${inPod ? '  (the cluster’s, with its trailing slash)' : ''}`,
      `  subject   ${subject}  ${subjectNote}`,
      `  audience  ${audience}${assertion?.audience === undefined ? '' : `  (the token shows it as ${shown(assertion.audience, '')})`}`,
      ...checkOfOrigin(request),
      `To list the ${client.name}’s credentials:  ${client.list}`,
    ],
    commands: audienceDiffers
      ? [
          `The ${client.name} has a credential with this issuer and subject. Sign in to ${signedInTo} and correct its audience (${shell.name}):`,
          ...shell.parameters(
            client.update(
              shell.output(
                `${client.list} --query ${shell.quote(`${client.listed}${query(values)}`)} --output tsv`,
              ),
            ),
            client.json,
            values,
          ),
        ]
      : [
          `Sign in to ${signedInTo} and create the credential (${shell.name}):`,
          ...shell.parameters(client.create, client.json, {
            name: inPod ? podCredentialName(issuer, subject) : identityCredentialName(subject),
            ...values,
          }),
        ],
  };
}

/** How az changes the credentials of an app, or of a blueprint. */
interface CredentialCommands {
  readonly name: string;
  readonly list: string;
  /** Where the answer of `list` has the credentials, for a query. */
  readonly listed: string;
  readonly create: string;
  /** @param id as the shell writes it */
  update(id: string): string;
  /** The argument that takes the credential. */
  readonly json: string;
}

function appCommands(request: MessageContext['request']): CredentialCommands {
  const app = request?.clientId ?? '<client-id>';
  return {
    name: 'app',
    list: `az ad app federated-credential list --id ${app}`,
    listed: '',
    create: `az ad app federated-credential create --id ${app}`,
    update: (id) => `az ad app federated-credential update --id ${app} --federated-credential-id ${id}`,
    json: '--parameters',
  };
}

/**
 * `az ad app federated-credential` does not know blueprints. Graph has their credentials at the path of their type, and a
 * blueprint's ID there is its client ID.
 * https://learn.microsoft.com/entra/agent-id/create-blueprint
 */
function blueprintCommands(request: NonNullable<MessageContext['request']>): CredentialCommands {
  const url = `${graphOf(request)}/beta/applications/${request.clientId}/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials`;
  const headers = '--headers OData-Version=4.0 Content-Type=application/json';
  return {
    name: 'blueprint',
    list: `az rest --url ${url}`,
    listed: 'value',
    create: `az rest --method post --url ${url} ${headers}`,
    update: (id) => `az rest --method patch --url ${url}/${id} ${headers}`,
    json: '--body',
  };
}

/** How to see that the issuer or the subject is really one's own. Nobody has verified the token's signature. */
function checkOfOrigin(request: MessageContext['request']): readonly string[] {
  const { origin } = request ?? {};
  if (origin === undefined) return [];
  if (origin.kind === 'token-file') {
    return [
      'Compare the issuer with your cluster’s before you create the credential:  az aks show --resource-group <group> --name <cluster> --query oidcIssuerProfile.issuerUrl --output tsv',
    ];
  }
  const { kind, value } = origin.identity;
  // The object ID is the subject itself.
  if (kind === 'object-id') return [];
  const command =
    kind === 'client-id'
      ? `az ad sp show --id ${value} --query id`
      : `az identity show --ids ${value} --query principalId`;
  return [
    `Compare the subject with the identity’s object ID before you create the credential:  ${command} --output tsv`,
  ];
}

/** How a shell writes a literal, a command's output, and a JSON argument. What a token says is data, here too. */
interface Shell {
  readonly name: string;
  quote(text: string): string;
  output(command: string): string;
  parameters(command: string, argument: string, json: object): readonly string[];
}

const bash: Shell = {
  name: 'in bash',
  quote: (text) => `'${text.replaceAll("'", `'\\''`)}'`,
  output: (command) => `"$(${command})"`,
  parameters: (command, argument, json) => [`  ${command} ${argument} ${bash.quote(JSON.stringify(json))}`],
};

/** az.cmd takes the quotes out of a JSON argument, so the JSON goes through stdin. */
const powershell: Shell = {
  name: 'in PowerShell',
  // PowerShell takes typographic quotes for quotes, too.
  quote: (text) => `'${text.replace(/['‘’‚‛]/gu, '$&$&')}'`,
  output: (command) => `$(${command})`,
  parameters: (command, argument, json) => [
    `  ${powershell.quote(JSON.stringify(json))} |`,
    `    ${command} ${argument} '@-'`,
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
