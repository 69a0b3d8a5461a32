/** `npm run docs`: writes docs/troubleshooting.md from the tables with which the step explains its failures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { aadsts } from '../emulator/aadsts.ts';
import type { InputName } from '../src/contract.ts';
import { OwnEndpointError } from '../src/endpoint/own-endpoint.ts';
import { agentIdentityCodes } from '../src/exchange/agent-identity-codes.ts';
import { type EntraCodeRow, entraCodes } from '../src/exchange/entra-codes.ts';
import { ExchangeError, type TokenFileProblem, type UnusableAnswer } from '../src/exchange/errors.ts';
import { identityErrors } from '../src/exchange/identity-errors.ts';
import { unfitMachines } from '../src/exchange/machine.ts';
import { registryErrors } from '../src/exchange/registry-errors.ts';
import { azureCliErrors } from '../src/handover/azure-cli-errors.ts';
import { type ChildEnd, HandoverError, type SignInStage } from '../src/handover/errors.ts';
import { InputError, StepDeclined } from '../src/inputs/errors.ts';
import { readStepRequest } from '../src/inputs/read.ts';
import { connectionFailures } from '../src/messages/connection-failures.ts';
import type { MessageContext } from '../src/messages/explanation.ts';
import { describeFailure } from '../src/messages/failures.ts';
import { tokenFileFailures } from '../src/messages/token-files.ts';
import { unusableAnswers } from '../src/messages/unusable-answers.ts';

export const troubleshootingFile = 'docs/troubleshooting.md';

/** The page as it should be. Headings are what people search for: codes and short phrases. */
export function troubleshooting(): string {
  return [
    '# Troubleshooting',
    '',
    'Search this page for a code or for words of the error. `npm run docs` writes this page from the tables that the step',
    'uses. The log shows the same text with your own values instead of `<…>`.',
    '',
    '| the error is from                           | read                                                                 |',
    '| ------------------------------------------- | -------------------------------------------------------------------- |',
    '| Entra: `AADSTS` and a number                | [Entra](#entra)                                                      |',
    '| the machine: `Identity not found`, HTTP 400 | [The machine’s identity endpoint](#the-machines-identity-endpoint)   |',
    '| the network: `ECONNREFUSED`, a certificate  | [No connection, or no answer](#no-connection-or-no-answer)           |',
    '| something between: a web page, another app  | [An answer that cannot be used](#an-answer-that-cannot-be-used)      |',
    '| a container registry                        | [Container registries](#container-registries)                        |',
    '| an input                                    | [Inputs](#inputs)                                                    |',
    '| the job: a variable, a folder, a fork       | [The job](#the-job)                                                  |',
    '| `az`                                        | [The Azure CLI](#the-azure-cli)                                      |',
    '| npm, pip, Maven, NuGet                      | [Feeds](feeds.md#when-it-fails)                                      |',
    '| a program in `entra-app-token run`          | [The identity endpoint](identity-endpoint.md#when-there-is-no-token) |',
    '',
    'A failure has this order: what failed, what the server said (with trace ID and correlation ID for Microsoft’s',
    'support), the cause, the fix. A step that fails hands over nothing, unless its message says otherwise.',
    '',
    // `npm run pictures` draws it.
    '![The log of a failed step with its cause, its fix, and the command that creates the federated credential](failure.svg)',
    '',
    '## Debug lines',
    '',
    'With the debug switch of the host, the log also shows which machine the step detected and why, the endpoint, the proxy',
    'and why it was chosen, the status, duration and request ID (`x-ms-request-id`) of each try, the claims of the assertion',
    'and of the app tokens (`uti` is the token’s ID in the sign-in logs), the files that were written and the commands that',
    'were run. It never shows a token.',
    '',
    '- GitHub: run the job again with _Enable debug logging_, or set the variable `ACTIONS_STEP_DEBUG` to `true`.',
    '- Azure Pipelines: run with _Enable system diagnostics_, or set the variable `System.Debug` to `true`.',
    '- The command `entra-app-token`: add `--debug`.',
    '',
    '## Entra',
    '',
    'Entra appends digits to some codes (AADSTS7002138 is AADSTS700213 where only letter case differs). Search for the',
    'code without its last digits. For any other code see `https://login.microsoftonline.com/error?code=<number>`.',
    '',
    ...entraCodes.flatMap(entraSection),
    '## Entra, for an agent identity',
    '',
    'With `agent-identity-id`, these codes have another cause. The first line of the error says who asked Entra: “as its',
    'blueprint” or “as agent identity”. See [Agent identities](agent-identities.md).',
    '',
    ...agentIdentityCodes.flatMap(({ actor, codes, cause, fix, show }) => {
      const [first, ...others] = codes;
      const as = actor === 'blueprint' ? 'its blueprint' : 'agent identity';
      return [
        ...section(`AADSTS${first} as ${as}`, { cause, fix }),
        ...(show === 'trust' ? [blueprintTrustBlock, ''] : []),
        ...others.flatMap((code) => [
          ...heading(`AADSTS${code} as ${as}`),
          `The same cause and fix as AADSTS${first} as ${as}.`,
          '',
        ]),
      ];
    }),
    '## Create the credential',
    '',
    'The log prints these commands with your own values. Entra compares issuer, subject and audience character by character.',
    '',
    '```bash',
    'az ad app federated-credential list --id <app>',
    'az ad app federated-credential create --id <app> --parameters \\',
    '  \'{"name":"runners","issuer":"<issuer>","subject":"<subject>","audiences":["<audience>"]}\'',
    '```',
    '',
    '- The issuer is `https://login.microsoftonline.com/<tenant of the identity>/v2.0`, in other clouds',
    '  [another address](clouds.md).',
    '- The subject is the managed identity’s **object (principal) ID**, not its client ID.',
    '- The audience is `api://AzureADTokenExchange`, in other clouds [another one](clouds.md). If only the audience differs,',
    '  the log prints `az ad app federated-credential update` instead of `create`.',
    '- For a pod’s token, the issuer is the cluster’s and the subject is `system:serviceaccount:<namespace>:<name>`: see',
    '  [Pods on AKS](pods.md#set-up-the-trust).',
    '- A new credential can take minutes to reach all of Entra. The step tries three times within 20 seconds. If the same',
    '  pipeline creates the trust, see [Retries](retries.md#retry-right-after-you-create-a-trust).',
    '',
    '## The machine’s identity endpoint',
    '',
    ...identityErrors.flatMap(({ text, cause, fix }) => [
      // Entra's section has a heading with the bare code.
      ...section(/^AADSTS/u.test(text) ? `${text} from this machine` : text, {
        cause,
        fix: fix.replace('\n{assign}', ''),
      }),
      ...(fix.includes('{assign}') ? [assignBlock, ''] : []),
    ]),
    ...unfitMachines.flatMap(({ machine, reason, fix }) => [
      `### This machine is ${machine}`,
      '',
      `This step cannot use it. ${reason} ${fix}`,
      '',
    ]),
    ...failure(
      'AZURE_POD_IDENTITY_AUTHORITY_HOST',
      new ExchangeError({ kind: 'metadata-override', value: 'http://metadata.example' }),
    ),
    ...failure(
      'IDENTITY_ENDPOINT is not an address',
      new ExchangeError({ kind: 'invalid-endpoint', value: 'ftp://identity.example' }),
    ),
    ...failure(
      'IDENTITY_ENDPOINT of an earlier use',
      new OwnEndpointError({ kind: 'no-answer', address: '<address>', found: '<the system’s words>' }),
    ),
    '## The file with a pod’s token',
    '',
    'The step could not use the file that `federated-token-file` names: “the token in `<path>` cannot be used. Nothing was',
    'requested.” See [Pods on AKS](pods.md).',
    '',
    ...entries(tokenFileFailures).flatMap(([problem, row]) => section(tokenFileHeadings[problem], row)),
    '## No connection, or no answer',
    '',
    'Which hosts the machine must reach: [Firewall](firewall.md).',
    '',
    ...connectionFailures.flatMap(({ shows, cause, fix }) => section(upperFirst(shows), { cause, fix })),
    ...failure('NODE_TLS_REJECT_UNAUTHORIZED=0', new StepDeclined('tls-verification-off')),
    '## An answer that cannot be used',
    '',
    ...entries(unusableAnswers).flatMap(([answer, row]) => section(answerHeadings[answer], row)),
    '## Container registries',
    '',
    ...registryErrors.flatMap(({ text, cause, fix }) => section(text, { cause, fix })),
    '## Inputs',
    '',
    'The message names the input and says what is right. It quotes a value only if it cannot be a secret:',
    '[Wrong values](inputs.md#wrong-values).',
    '',
    ...wrongInputs.flatMap(({ heading, inputs }) => failure(heading, inputError(inputs))),
    '## The job',
    '',
    ...failure(
      'AZURE_CLIENT_SECRET, ARM_USE_MSI and other variables',
      new HandoverError({
        kind: 'conflicting-variables',
        variables: [
          {
            name: 'AZURE_CLIENT_SECRET',
            tool: 'azure-sdk',
            conflict: 'is a secret that the SDKs prefer to the exported identity',
          },
        ],
      }),
    ),
    ...failure('Pull request from a fork', new StepDeclined('fork', '<how the step knows>')),
    ...failure('No temporary folder', new HandoverError({ kind: 'no-temporary-folder', path: '' })),
    ...failure(
      'GITHUB_OUTPUT, GITHUB_ENV or GITHUB_STATE cannot be used',
      new HandoverError({
        kind: 'unusable-command-file',
        name: 'GITHUB_OUTPUT',
        detail: '<the system’s words>',
      }),
    ),
    ...failure(
      'The private directory',
      new HandoverError({
        kind: 'not-written',
        what: 'directory',
        path: '<path>',
        detail: '<the system’s words>',
      }),
    ),
    ...failure(
      'whoami.exe, icacls.exe',
      new HandoverError({
        kind: 'not-written',
        what: 'access',
        path: '<path>',
        detail: '<the system’s words>',
      }),
    ),
    ...failure(
      'Not all outputs and variables',
      new HandoverError({ kind: 'not-published', visible: [], detail: '<the system’s words>' }),
    ),
    '## The Azure CLI',
    '',
    'The exchange succeeded, and then the sign-in of `login: azure-cli` failed. The log shows the command and the words of',
    '`az`.',
    '',
    ...failure('az is not on the PATH', new HandoverError({ kind: 'tool-missing', tool: 'azure-cli' })),
    ...failure(
      'az cannot be started safely',
      new HandoverError({ kind: 'tool-unsafe', tool: 'azure-cli', path: '<path>' }),
    ),
    ...azureCliErrors.flatMap(({ pattern, cause, fix }) => section(wordsIn(pattern), { cause, fix })),
    ...failure('The sign-in timed out', signIn('identity', { kind: 'timed-out', words: '' })),
    ...failure('The subscription', signIn('subscription', { kind: 'failed', code: 1, words: '' })),
    '### AADSTS from az',
    '',
    'Entra accepted the same assertion a moment earlier. Run the job again. If it still fails, search for the code in',
    '[Entra](#entra).',
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/gu, '\n\n');
}

/** Each code has a heading of its own. The first of a row has the text. */
function entraSection({ codes, cause, fix, retry, show }: EntraCodeRow): readonly string[] {
  const [first, ...others] = codes;
  return [
    ...heading(`AADSTS${first}`),
    ...entraWords(first),
    paragraph(cause),
    '',
    ...howToFix(fix).map((line) =>
      line.replace('the command below', '[these commands](#create-the-credential)'),
    ),
    ...(show === 'trust' && !fix.includes('the command below')
      ? ['See [Create the credential](#create-the-credential).', '']
      : []),
    ...(retry === 'transient'
      ? ['The step tries again until its time budget (`timeout-seconds`) is used up.', '']
      : []),
    ...inLaterStep(first),
    ...others.flatMap((code) => [
      ...heading(`AADSTS${code}`),
      ...entraWords(code),
      `The same cause and fix as [AADSTS${first}](#aadsts${first}).`,
      '',
      ...inLaterStep(code),
    ]),
  ];
}

function inLaterStep(code: string): readonly string[] {
  const text = inLaterSteps[code];
  return text === undefined ? [] : [text, ''];
}

function heading(text: string): readonly string[] {
  return [`### ${text}`, ''];
}

function section(
  title: string,
  { cause, fix }: { readonly cause: string; readonly fix: string },
): readonly string[] {
  return [...heading(title), paragraph(cause), '', ...howToFix(fix)];
}

/** A fix, and the commands below it in a block of their own. */
function howToFix(fix: string): readonly string[] {
  const [words = '', ...commands] = fix.split('\n');
  return [
    `**Fix:** ${paragraph(words)}`,
    '',
    ...(commands.length > 0 ? ['```bash', ...commands.map(command), '```', ''] : []),
  ];
}

const rightInputs: Readonly<Partial<Record<InputName, string>>> = {
  'client-id': '11111111-1111-4111-8111-111111111111',
  'tenant-id': 'contoso.onmicrosoft.com',
  'managed-identity-client-id': '22222222-2222-4222-8222-222222222222',
};

const context: MessageContext = {
  inputLabel: (name) => `\`${name}\``,
  request: {
    ...readStepRequest((name) => rightInputs[name] ?? ''),
    ...{ clientId: '<app>', tenantId: '<tenant>', subscriptionId: '<subscription>' },
  },
  secrets: new Set(),
};

/** The message that the step prints for an error, with placeholders for the run's own values. */
function failure(title: string, error: Error): readonly string[] {
  const { error: short, diagnosis } = describeFailure(error, context);
  const lines = (diagnosis ?? short).split('\n');
  const commands = lines.filter((line) => /^ {2}(?:az|curl|winget) [-a-z]/u.test(line));
  const words = lines.filter((line) => !/^ {2}/u.test(line));
  return [
    ...heading(title),
    ...words.flatMap((line) => [
      paragraph(line.replace(/^Cause: /u, '').replace(/^Fix: /u, '**Fix:** ')),
      '',
    ]),
    ...(commands.length > 0 ? ['```bash', ...commands.map((line) => line.trim()), '```', ''] : []),
  ];
}

function signIn(stage: SignInStage, end: ChildEnd): HandoverError {
  return new HandoverError({
    ...{ kind: 'sign-in-failed', tool: 'azure-cli', program: 'az', arguments: [] },
    ...{ stage, end, tries: 1, limit: 120_000 },
  });
}

/** An error of each kind that people make in an input. The page has the message that these inputs get. */
const wrongInputs: readonly {
  readonly heading: string;
  readonly inputs: Readonly<Partial<Record<InputName, string>>>;
}[] = [
  { heading: 'client-id is not a GUID', inputs: { 'client-id': 'my-app' } },
  { heading: 'tenant-id is common or organizations', inputs: { 'tenant-id': 'common' } },
  { heading: 'No identity, or several', inputs: { 'managed-identity-client-id': '' } },
  { heading: 'An unknown cloud', inputs: { cloud: 'germany' } },
  {
    heading: 'authority-host with a path',
    inputs: { 'authority-host': 'https://login.microsoftonline.us/contoso' },
  },
  { heading: 'White space in scopes', inputs: { scopes: 'arm graph' } },
  { heading: 'A comment in scopes', inputs: { scopes: '# for the report' } },
  {
    heading: 'A delegated permission in scopes',
    inputs: { scopes: 'https://graph.microsoft.com/User.Read' },
  },
  { heading: 'An unknown scope', inputs: { scopes: 'armm' } },
  { heading: 'A reserved name in scopes', inputs: { scopes: 'PATH = arm' } },
  { heading: 'A registry’s address in scopes', inputs: { scopes: 'acr:https://contoso.azurecr.io' } },
  { heading: 'An unknown tool in export or login', inputs: { export: 'terrafrom' } },
  { heading: 'login with another cloud', inputs: { login: 'git', cloud: 'china' } },
  { heading: 'timeout-seconds out of range', inputs: { 'timeout-seconds': '2m' } },
];

function inputError(inputs: Readonly<Partial<Record<InputName, string>>>): Error {
  try {
    readStepRequest((name) => inputs[name] ?? rightInputs[name] ?? '');
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error(`The step accepts ${JSON.stringify(inputs)}, or fails in another way.`);
}

const answerHeadings: Readonly<Record<UnusableAnswer, string>> = {
  'other-agent-identity': 'A token for another agent identity',
  'other-blueprint': 'A token of another blueprint',
  html: 'A web page instead of a token',
  'not-json': 'Not JSON',
  'too-large': 'More than 1 MB',
  redirect: 'A redirect',
  status: 'A wrong success status',
  'system-assigned': 'The system-assigned identity',
  encoded: 'An encoded answer',
  'no-token': 'No token',
  'token-size': 'A token of the wrong size',
  'not-bearer': 'Not a bearer token',
  'no-expiry': 'No expiry',
  expired: 'An expired token',
  'other-identity': 'Another identity’s token',
  'other-app': 'Another app’s token',
  'other-tenant': 'A token for another tenant',
  'other-resource': 'A token for another resource',
};

const tokenFileHeadings: Readonly<Record<TokenFileProblem, string>> = {
  missing: 'No such file',
  unreadable: 'The file cannot be read',
  'not-a-file': 'Not a regular file',
  'too-large': 'More than 64 KB',
  empty: 'An empty file',
  'not-a-token': 'Not a service account token',
  expired: 'The token in the file has expired',
  'issued-by-entra': 'A token that Entra issued',
  'wrong-audience': 'A token for another audience',
};

function entries<Key extends string, Value>(
  table: Readonly<Record<Key, Value>>,
): readonly (readonly [Key, Value])[] {
  return Object.entries(table) as [Key, Value][];
}

/** The first words that a pattern looks for, without those that are not plain text. */
function wordsIn({ source }: RegExp): string {
  return source
    .split('|')
    .filter((word) => /^[\w -]+$/u.test(word))
    .slice(0, 3)
    .join(', ');
}

function upperFirst(text: string): string {
  // Codes such as `client-id` do not occur here: these are phrases.
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const blueprintTrustBlock = [
  '```bash',
  'az rest --method post --headers OData-Version=4.0 Content-Type=application/json \\',
  '  --url https://graph.microsoft.com/beta/applications/<blueprint>/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials \\',
  '  --body \'{"name":"runners","issuer":"<issuer>","subject":"<subject>","audiences":["<audience>"]}\'',
  '```',
  '',
  '`az ad app federated-credential` does not know blueprints. The log prints the command with your own values.',
].join('\n');

const assignBlock = [
  '```bash',
  'az vm identity assign --resource-group <group> --name <machine> --identities <resource ID of the identity>',
  'az vmss identity assign --resource-group <group> --name <scale set> --identities <resource ID of the identity>',
  "az vmss update-instances --resource-group <group> --name <scale set> --instance-ids '*'",
  '```',
  '',
  'The log prints the commands with your own ID. Only a scale set with manual upgrades needs the last one: until then, its',
  'running instances do not have the identity. See [Assign the identity](self-hosted.md#assign-the-identity).',
].join('\n');

/** The same code in a later step of the job, from a tool and not from this step. */
const inLaterSteps: Readonly<Record<string, string>> = {
  '700016':
    '**In a later step, from an SDK:** after `export: azure-sdk` (also `azcopy`, `kubelogin`, `ansible`), `ManagedIdentityCredential` no longer asks the machine. It presents the exported file, and Entra looks for an app with the ID of your managed identity. Unset `AZURE_FEDERATED_TOKEN_FILE` for that command, or use `scopes` instead of `export`: [Inputs](inputs.md#the-machines-own-identity-after-export-azure-sdk).',
  '700024': '**In a later step, from a tool:** the assertion has expired. See [Long jobs](long-jobs.md).',
};

/** Entra's own words, as far as they are published. */
function entraWords(code: string): readonly string[] {
  const row = aadsts[Number(code)];
  // The address at the end of some is the same for all of them.
  const words = row?.message.replace(/ https:\/\/\S+$/u, '').replace(/:$/u, ': …') ?? '';
  return row === undefined || row.source.startsWith('unconfirmed') ? [] : [`> ${paragraph(words)}`, ''];
}

/**
 * A template with its placeholders in code marks: bare angle brackets would disappear as unknown tags. Addresses are
 * links, except in a value.
 */
function paragraph(text: string): string {
  const [, words = text, ending, stop = ''] = /^(.*: )(az [a-z].*?)(\.?)$/u.exec(text) ?? [];
  if (ending !== undefined) return `${paragraph(words)}\`${ending.replace(/\{(\w+)\}/gu, '<$1>')}\`${stop}`;
  return text
    .replace(/\{(?:input|output):([\w-]+)\}/gu, '`$1`')
    .replace(/\{(\w+)\}/gu, (_, name: string) =>
      name === 'clockCommand' ? '`timedatectl status`, on Windows `w32tm /query /status`' : `<${name}>`,
    )
    .replace(/<[^<>]+>/gu, '`$&`')
    .replace(/(["=:])(https?:\/\/[^\s",)`…]*[^\s",.):`…])/gu, '$1`$2`')
    .replace(/(?<!["=:`])https?:\/\/[^\s,)`…]*[^\s,.):`…]/gu, '<$&>');
}

/** A command with its placeholders as an administrator fills them. */
function command(line: string): string {
  return line
    .trim()
    .replace('{graph}', 'https://graph.microsoft.com')
    .replace(/\{(\w+)\}/gu, '<$1>');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(process.cwd(), troubleshootingFile), troubleshooting());
}
