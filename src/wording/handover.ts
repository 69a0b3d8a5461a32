import { entraCodeRow } from '../exchange/entra-codes.ts';
import { azureCliComplaints, entraCodesIn } from '../handover/azure-cli-complaints.ts';
import type { ChildEnd } from '../handover/child-process.ts';
import type { HandoverProblem, SignInStage } from '../handover/problem.ts';
import { duration } from './durations.ts';
import type { KnownOfRun } from './known.ts';

type SignInProblem = Extract<HandoverProblem, { kind: 'sign-in-failed' }>;

/** Why tools could not be given the app's identity. Tokens were not handed over either. */
export function describeHandoverProblem(problem: HandoverProblem, known: KnownOfRun): string {
  switch (problem.kind) {
    case 'rival-variables':
      return [
        'This job has variables that would make a tool act as somebody else than the app:',
        ...problem.rivals.map(({ name, tool, effect }) => `  ${name} ${effect} (${tool})`),
        'Nothing was asked for and nothing is handed over. Remove them from the job, and from the environment the runner or agent was started with.',
      ].join('\n');
    case 'no-temporary-folder':
      return [
        problem.path === ''
          ? 'The job’s temporary folder is not known, and the identity’s token is written nowhere else.'
          : `The job’s temporary folder ${problem.path} does not exist, and the identity’s token is written nowhere else.`,
        'The host names it by RUNNER_TEMP (GitHub) or Agent.TempDirectory (Azure Pipelines): see that the step runs in a job of one of them.',
      ].join('\n');
    case 'not-written':
      return [
        `${writing[problem.what]} ${problem.path} failed.`,
        `  ${problem.detail}`,
        'Remedy: see that the job’s user may write to the job’s temporary folder, and that its disk has room.',
      ].join('\n');
    case 'tool-missing':
      return [
        `${known.spell('login')} asks for the Azure CLI, and there is no az on this job’s PATH. Nothing was asked for.`,
        'Remedy: install it on the machine (https://learn.microsoft.com/cli/azure/install-azure-cli). On Debian and Ubuntu:',
        '  curl -sL https://aka.ms/InstallAzureCLIDeb | sudo bash',
        `and restart the runner or agent when the PATH has changed; or leave ${known.spell('login')} out and use ${known.spell('export')} or ${known.spell('scopes')}.`,
      ].join('\n');
    case 'tool-unsafe':
      return [
        `The Azure CLI cannot be started safely: ${problem.path} holds characters that Windows’ command interpreter would take for its own.`,
        'Remedy: install the Azure CLI by Microsoft’s package (https://learn.microsoft.com/cli/azure/install-azure-cli-windows), which is started without that interpreter.',
      ].join('\n');
    case 'sign-in-failed':
      return describeSignIn(problem, known);
  }
}

const writing = {
  directory: 'Making the private directory',
  access: 'Closing the private directory to everybody else,',
  'token-file': 'Writing the identity’s token to',
} as const;

function describeSignIn(problem: SignInProblem, known: KnownOfRun): string {
  const { end, tries } = problem;
  return [
    doing(problem.stage, known),
    `  ${problem.program} ${problem.arguments.join(' ')}`,
    `  ${ending(end, problem.limit)}${tries > 1 ? ` (tried ${tries} times)` : ''}`,
    ...words(end),
    ...causeAndRemedy(problem, known),
  ].join('\n');
}

function doing(stage: SignInStage, { request }: KnownOfRun): string {
  switch (stage) {
    case 'cloud':
      return `Choosing the cloud ${request?.cloud.azureCli ?? ''} for the Azure CLI failed.`;
    case 'identity':
      return `Signing the Azure CLI in as app ${request?.clientId ?? ''} in tenant ${request?.tenantId ?? ''} failed, after the exchange itself had succeeded.`;
    case 'subscription':
      return `The Azure CLI is signed in, but selecting subscription ${request?.subscriptionId ?? ''} failed.`;
  }
}

function ending(end: ChildEnd, limit: number): string {
  switch (end.kind) {
    case 'done':
      return 'It ended well.';
    case 'failed':
      return typeof end.code === 'number'
        ? `It ended with exit code ${end.code}${end.words === '' ? ' and said nothing.' : ':'}`
        : `It was ended by ${end.code ?? 'somebody else'}${end.words === '' ? '.' : ':'}`;
    case 'timed-out':
      return `It had not ended when the ${duration(limit)} of the sign-in were over, and was stopped${end.words === '' ? '.' : ':'}`;
    case 'not-started':
      return 'It could not be started:';
  }
}

const longest = 2000;

/** az's own words, their end when there are too many; of a Python traceback only what it comes to. */
function words(end: ChildEnd): readonly string[] {
  if (end.kind === 'done') return [];
  const lines = end.words.split('\n').filter((line) => line.trim() !== '');
  const traceback = lines.some((line) => /^ {2}File ".*", line \d+/u.test(line));
  const told = traceback
    ? lines.filter((line) => !/^(\s|To check existing issues)/u.test(line)).slice(-1)
    : lines;
  const short = told.join('\n').slice(-longest);
  return short === '' ? [] : short.split('\n').map((line) => `  | ${line}`);
}

function causeAndRemedy({ stage, end }: SignInProblem, { request, spell }: KnownOfRun): readonly string[] {
  if (end.kind === 'done') return [];
  const complaint = azureCliComplaints.find(({ pattern }) => pattern.test(end.words));
  if (complaint !== undefined) return [`Cause: ${complaint.cause}`, `Remedy: ${complaint.remedy}`];
  if (end.kind === 'timed-out') {
    return [
      'Cause: az got no answer, from the sign-in address or from Azure Resource Manager, or the machine is too slow for it.',
      'Remedy: allow this machine to reach both, or set HTTPS_PROXY in the job’s environment to the proxy that leads there.',
    ];
  }
  const code = entraCodesIn(end.words)[0];
  if (code !== undefined) {
    const passing = entraCodeRow([code])?.retry !== undefined;
    return [
      ...(passing ? ['Cause: Entra refused what it had accepted a moment before. Run the job again.'] : []),
      `Look it up: https://login.microsoftonline.com/error?code=${encodeURIComponent(code)}`,
    ];
  }
  if (stage === 'subscription' && end.kind === 'failed') {
    const app = request?.clientId ?? '<client-id>';
    const subscription = request?.subscriptionId ?? '<subscription-id>';
    return [
      `Cause: app ${app} does not see this subscription: it has no role there, or the subscription belongs to another tenant than ${request?.tenantId ?? '<tenant-id>'}.`,
      `Remedy: correct ${spell('subscription-id')} or ${spell('tenant-id')}, leave ${spell('subscription-id')} out to work at tenant level, or give the app a role:`,
      `  az role assignment create --assignee ${app} --role Reader --scope /subscriptions/${subscription}`,
      'A new role assignment may take some minutes to be seen.',
    ];
  }
  return [];
}
