/** `npm run docs`: writes docs/troubleshooting.md from the tables the step itself explains its failures with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { aadsts } from '../emulator/aadsts.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';
import { identityRefusals } from '../src/exchange/identity-refusals.ts';
import { unfitMachines } from '../src/exchange/machine.ts';
import { flawWords } from '../src/wording/flaws.ts';
import { obstacles } from '../src/wording/obstacles.ts';

export const troubleshootingFile = 'docs/troubleshooting.md';

/** The page as it should be. */
export function troubleshooting(): string {
  return [
    '# Troubleshooting',
    '',
    'Search this page for the words of the error. It is made by `npm run docs` from the tables with which the step',
    'explains its failures; the log has the same with your own values filled in, `<…>` stands for them here.',
    '',
    'A failure is one message: what was being done, the words of whoever refused (with trace ID and correlation ID for',
    'Microsoft’s support), the cause, the remedy. Nothing is handed over by a step that fails.',
    '',
    '## Entra refuses: `AADSTS…`',
    '',
    ...entraCodes.flatMap(({ codes, cause, remedy, retry, show }) => [
      ...codes.map((code) => `### AADSTS${code}${wordsOf(code)}\n`),
      paragraph(cause),
      '',
      `**Remedy.** ${paragraph(remedy)}`,
      '',
      ...(show === 'trust' ? [trustBlock, ''] : []),
      ...(retry === undefined ? [] : [retryWords[retry], '']),
    ]),
    'Entra appends digits to some codes (AADSTS7002138 is AADSTS700213 with the letter case alone wrong): look for the code',
    'without its last digits. Any other code: https://login.microsoftonline.com/error?code=`<number>` says what it means.',
    '',
    '## The machine refuses its identity’s token',
    '',
    ...identityRefusals.flatMap(({ text, cause, remedy }) => [
      `### ${text}`,
      '',
      paragraph(cause),
      '',
      `**Remedy.** ${paragraph(remedy.replace('\n{assign}', ' See `az vm identity assign` and `az vmss identity assign`; the log prints them with the identity’s own ID.'))}`,
      '',
    ]),
    '## Nobody answers',
    '',
    ...obstacles.flatMap(({ shows, cause, remedy }) => [
      `### ${shows}`,
      '',
      sentence(paragraph(cause)),
      '',
      `**Remedy.** ${sentence(paragraph(remedy))}`,
      '',
    ]),
    '## An answer that cannot be used',
    '',
    ...Object.values(flawWords).flatMap(({ what, remedy }) => [
      `### it is ${paragraph(what)}, and was not handed over`,
      '',
      `**Remedy.** ${sentence(paragraph(remedy))}`,
      '',
    ]),
    '## This machine cannot be used',
    '',
    ...unfitMachines.flatMap(({ machine, reason }) => [
      `### This machine is ${machine}, and it cannot be used`,
      '',
      `${sentence(reason)}.`,
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
  'The issuer is `https://login.microsoftonline.com/<tenant of the identity>/v2.0` (of the cloud), the subject the managed',
  'identity’s **object (principal) ID**, the audience `api://AzureADTokenExchange` (of the cloud). Where the audience alone',
  'differs the log prints an `az ad app federated-credential update` in place of the `create`.',
].join('\n');

const retryWords = {
  trust:
    'It may also be that the credential is younger than Entra’s caches: the step tries three times within 20 seconds. For a trust that the same pipeline has just created see [retries.md](retries.md).',
  transient: 'The step tries again until its time budget (`timeout-seconds`) ends.',
} as const;

/** Entra's own words, as far as they are published. */
function wordsOf(code: string): string {
  const row = aadsts[Number(code)];
  return row === undefined || row.source.startsWith('unconfirmed') ? '' : `: ${paragraph(row.message)}`;
}

/** A table's text with its placeholders in code marks: bare angle brackets would vanish as unknown tags. */
function paragraph(text: string): string {
  return text.replace(/\{(\w+)\}/gu, '<$1>').replace(/<[^<>]+>/gu, '`$&`');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(process.cwd(), troubleshootingFile), troubleshooting());
}
