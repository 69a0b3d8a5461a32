/** `npm run docs`: writes docs/troubleshooting.md from the tables with which the step explains its failures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { aadsts } from '../emulator/aadsts.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';
import { identityErrors } from '../src/exchange/identity-errors.ts';
import { unfitMachines } from '../src/exchange/machine.ts';
import { registryErrors } from '../src/exchange/registry-errors.ts';
import { connectionFailures } from '../src/messages/connection-failures.ts';
import { tokenFileFailures } from '../src/messages/token-files.ts';
import { unusableAnswers } from '../src/messages/unusable-answers.ts';

export const troubleshootingFile = 'docs/troubleshooting.md';

/** The page as it should be. */
export function troubleshooting(): string {
  return [
    '# Troubleshooting',
    '',
    'Search this page for the text of the error. `npm run docs` writes this page from the tables that the step uses.',
    'The log shows the same text with your own values instead of `<…>`.',
    '',
    'A failure has this order: what failed, what the server said (with trace ID and correlation ID for Microsoft’s',
    'support), the cause, the fix. A step that fails hands over nothing, unless its message says otherwise.',
    '',
    '## Debug lines',
    '',
    'With the debug switch of the host, the log also shows which machine the step detected and why, the endpoint, the proxy',
    'and why it was chosen, the status and duration of each try, the claims of the assertion and of the app tokens, the',
    'files that were written and the commands that were run. It never shows a token.',
    '',
    '- GitHub: run the job again with _Enable debug logging_, or set the variable `ACTIONS_STEP_DEBUG` to `true`.',
    '- Azure Pipelines: run with _Enable system diagnostics_, or set the variable `System.Debug` to `true`.',
    '',
    '## Entra: `AADSTS…`',
    '',
    ...entraCodes.flatMap(({ codes, cause, fix, retry, show }) => [
      ...codes.map((code) => `### AADSTS${code}${wordsOf(code)}\n`),
      paragraph(cause),
      '',
      `**Fix:** ${paragraph(fix)}`,
      '',
      ...(show === 'trust' ? [trustBlock, ''] : []),
      ...(retry === undefined ? [] : [retryWords[retry], '']),
      ...codes.flatMap((code) => (code in inLaterSteps ? [inLaterSteps[code] ?? '', ''] : [])),
    ]),
    'Entra appends digits to some codes (AADSTS7002138 is AADSTS700213 where only letter case differs). Search for the',
    'code without its last digits. For any other code see https://login.microsoftonline.com/error?code=`<number>`.',
    '',
    '## The machine’s identity endpoint',
    '',
    ...identityErrors.flatMap(({ text, cause, fix }) => [
      `### ${text}`,
      '',
      paragraph(cause),
      '',
      `**Fix:** ${paragraph(fix.replace('\n{assign}', ''))}`,
      '',
      ...(fix.includes('{assign}') ? [assignBlock, ''] : []),
    ]),
    '## Container registries',
    '',
    ...registryErrors.flatMap(({ text, cause, fix }) => [
      `### ${text}`,
      '',
      paragraph(cause),
      '',
      `**Fix:** ${paragraph(fix.replace(/:\n {2}(az .*)$/u, '.'))}`,
      '',
      ...(/^ {2}az .*$/mu.exec(fix) ? ['```bash', command(fix), '```', ''] : []),
    ]),
    '## No connection, or no answer',
    '',
    ...connectionFailures.flatMap(({ shows, cause, fix }) => [
      `### ${shows}`,
      '',
      paragraph(cause),
      '',
      `**Fix:** ${paragraph(fix)}`,
      '',
    ]),
    '## An answer that cannot be used',
    '',
    ...Object.values(unusableAnswers).flatMap(({ cause, fix }) => [
      `### ${paragraph(cause)}`,
      '',
      `**Fix:** ${paragraph(fix)}`,
      '',
    ]),
    '## The file with a pod’s token',
    '',
    'The step could not use the file that `federated-token-file` names: “the token in `<path>` cannot be used. Nothing was',
    'requested.” See [Pods on AKS](pods.md).',
    '',
    ...Object.values(tokenFileFailures).flatMap(({ cause, fix }) => [
      `### ${paragraph(cause)}`,
      '',
      `**Fix:** ${paragraph(fix)}`,
      '',
    ]),
    '## This machine cannot be used',
    '',
    ...unfitMachines.flatMap(({ machine, reason, fix }) => [
      `### This machine is ${machine}, which this step cannot use`,
      '',
      `${reason} ${fix}`,
      '',
    ]),
  ]
    .join('\n')
    .replace(/\n{3,}/gu, '\n\n');
}

const trustBlock = [
  '```bash',
  'az ad app federated-credential list --id <app>',
  'az ad app federated-credential create --id <app> --parameters \\',
  '  \'{"name":"runners","issuer":"<issuer>","subject":"<subject>","audiences":["<audience>"]}\'',
  '```',
  '',
  'The issuer is `https://login.microsoftonline.com/<tenant of the identity>/v2.0` (of the cloud). The subject is the managed',
  'identity’s **object (principal) ID**. The audience is `api://AzureADTokenExchange` (of the cloud). If only the audience',
  'differs, the log prints `az ad app federated-credential update` instead of `create`.',
  'For a pod’s token, the issuer is the cluster’s and the subject is `system:serviceaccount:<namespace>:<name>`: see',
  '[Pods on AKS](pods.md#set-up-the-trust).',
].join('\n');

const assignBlock = [
  '```bash',
  'az vm identity assign --resource-group <group> --name <machine> --identities <resource ID of the identity>',
  'az vmss identity assign --resource-group <group> --name <scale set> --identities <resource ID of the identity>',
  '```',
  '',
  'The log prints the commands with your own ID. A scale set with manual upgrades also needs `az vmss update-instances`.',
].join('\n');

/** The same code in a later step of the job, from a tool and not from this step. */
const inLaterSteps: Readonly<Record<string, string>> = {
  '700016':
    '**In a later step, from an SDK:** after `export: azure-sdk` (also `azcopy`, `kubelogin`, `ansible`), `ManagedIdentityCredential` no longer asks the machine. It presents the exported file, and Entra looks for an app with the ID of your managed identity. Unset `AZURE_FEDERATED_TOKEN_FILE` for that command, or use `scopes` instead of `export`: [Inputs](inputs.md#the-machines-own-identity-after-export-azure-sdk).',
  '700024': '**In a later step, from a tool:** the assertion has expired. See [Long jobs](long-jobs.md).',
};

const retryWords = {
  trust:
    'A new credential can take minutes to reach all of Entra. The step tries three times within 20 seconds. If the same pipeline creates the trust, see [retries.md](retries.md).',
  transient: 'The step tries again until its time budget (`timeout-seconds`) is used up.',
} as const;

/** Entra's own words, as far as they are published. */
function wordsOf(code: string): string {
  const row = aadsts[Number(code)];
  return row === undefined || row.source.startsWith('unconfirmed') ? '' : `: ${paragraph(row.message)}`;
}

/** A template with its placeholders in code marks: bare angle brackets would disappear as unknown tags. */
function paragraph(text: string): string {
  return text
    .replace(/\{(?:input|output):([\w-]+)\}/gu, '`$1`')
    .replace(/\{(\w+)\}/gu, (_, name: string) =>
      name === 'clockCommand' ? '`timedatectl status`, on Windows `w32tm /query /status`' : `<${name}>`,
    )
    .replace(/<[^<>]+>/gu, '`$&`');
}

/** The command in a fix, with its placeholders as an administrator fills them. */
function command(fix: string): string {
  const line = /^ {2}(az .*)$/mu.exec(fix)?.[1] ?? '';
  return line.replace(/\{(\w+)\}/gu, '<$1>');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(process.cwd(), troubleshootingFile), troubleshooting());
}
