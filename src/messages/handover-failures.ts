import { inputNames, outputNames } from '../contract.ts';
import { entraCodeRow } from '../exchange/entra-codes.ts';
import { azureCliErrors, entraCodesIn } from '../handover/azure-cli-errors.ts';
import type { ChildEnd, HandoverProblem } from '../handover/errors.ts';
import { actorName } from './agent-identities.ts';
import { duration } from './durations.ts';
import type { Explanation, MessageContext } from './explanation.ts';
import { foreignEnd, foreignText } from './foreign-text.ts';

/** Why the job could not receive the result of the exchange. */
export function explainHandoverError(detail: HandoverProblem, context: MessageContext): Explanation {
  const { inputLabel, secrets } = context;
  const windows = context.facts?.windows === true;
  const label = (name: string): string => {
    const output = outputNames.find((known) => known === name);
    if (output === undefined) return name;
    // An input can have the same name.
    const ambiguous = inputNames.some((input) => input === name);
    return `${ambiguous ? 'the output ' : ''}${inputLabel(output)}`;
  };
  switch (detail.kind) {
    case 'conflicting-variables':
      return {
        what: 'This job has variables that would make a tool act as an identity other than the app. Nothing was requested or handed over.',
        said: detail.variables.map(({ name, tool, conflict }) => `  ${name} ${conflict} (${tool})`),
        fix: 'Remove them from the job, and from the environment in which the runner or agent was started.',
      };
    case 'no-temporary-folder':
      return {
        what:
          detail.path === ''
            ? 'The job’s temporary folder is not known. Nothing was requested.'
            : `The job’s temporary folder ${detail.path} does not exist. Nothing was requested.`,
        cause: 'The step writes the identity’s token only to that folder.',
        fix: 'Run the step in a job of GitHub Actions, which sets RUNNER_TEMP, or of Azure Pipelines, which sets Agent.TempDirectory.',
      };
    case 'unusable-command-file':
      return {
        what: `The job cannot receive outputs and variables: ${detail.name} cannot be used. Nothing was requested.`,
        said: [`  ${foreignText(detail.detail, secrets, 300)}`],
        fix: `Make sure that the user of this step can write to the file that ${detail.name} names. In a container job, use an image that runs as root, or one whose user has the ID of the runner’s user.`,
      };
    case 'not-recorded':
      return {
        what: 'The step could not save the record that its clean-up needs. Nothing was requested.',
        said: [`  ${foreignText(detail.detail, secrets, 300)}`],
        fix: roomForTheJob,
      };
    case 'not-published':
      return {
        what: 'The runner or agent did not accept all outputs and variables.',
        said: [`  ${foreignText(detail.detail, secrets, 300)}`],
        cause:
          detail.visible.length === 0
            ? 'Nothing was handed over.'
            : `Later steps can see only ${detail.visible.map(label).join(', ')}.`,
        fix: roomForTheJob,
      };
    case 'not-written':
      return {
        what: `${whatNotWritten[detail.what]} ${detail.path}. Nothing was handed over.`,
        said: [`  ${foreignText(detail.detail, secrets, 300)}`],
        fix:
          fixNotWritten[detail.what] ??
          'Make sure that the job’s user can write to the job’s temporary folder, and that its disk has free space.',
      };
    case 'endpoint-not-started':
      return {
        what: 'The job’s identity endpoint could not be started on 127.0.0.1. Nothing was handed over that works.',
        said: [`  ${foreignText(detail.detail, secrets, 300)}`],
        fix: 'Run the job again. If it fails again, make sure that the user of this step can start processes and listen on 127.0.0.1, and that the machine has free memory.',
      };
    case 'tool-missing':
      return {
        what: `${inputLabel('login')} needs the Azure CLI, but az is not on the job’s PATH. Nothing was requested.`,
        fix: `Install it on the machine (https://learn.microsoft.com/cli/azure/install-azure-cli) and restart the runner or agent, or use ${inputLabel('export')} or ${inputLabel('scopes')} instead. ${windows ? 'On Windows' : 'On Debian and Ubuntu'}:`,
        commands: [
          windows
            ? '  winget install --exact --id Microsoft.AzureCLI'
            : '  curl -sL https://aka.ms/InstallAzureCLIDeb | sudo bash',
        ],
      };
    case 'tool-too-old':
      return {
        what: `${detail.program} is ${detail.found === '' ? 'an Azure CLI of an unknown version' : `Azure CLI ${detail.found}`}. Beside managed-identity, ${inputLabel('login')} needs ${detail.needed} or later. Nothing was handed over.`,
        cause:
          'An older az does not ask the job’s identity endpoint. It would sign in as an identity of the machine.',
        fix: `Update the Azure CLI on the machine: az upgrade. Or use ${inputLabel('login')} without ${inputLabel('export')}.`,
      };
    case 'tool-unsafe':
      return {
        what: `The Azure CLI cannot be started safely: the Windows command interpreter would change characters of ${detail.path}. Nothing was requested.`,
        fix: 'Install the Azure CLI with Microsoft’s package (https://learn.microsoft.com/cli/azure/install-azure-cli-windows), which does not need that interpreter, or use a path without special characters.',
      };
    case 'sign-in-failed':
      return explainSignIn(detail, context);
  }
}

const roomForTheJob =
  'Make sure that the disk of the job’s temporary folder has free space and that the user of this step can write there.';

const whatNotWritten = {
  directory: 'Could not create the private directory',
  access: 'Could not limit access to the private directory',
  privacy: 'Another process can have access to the private directory',
  'token-file': 'Could not write the identity’s token to',
  'git-settings': 'Could not write the settings of git’s credential helper to',
  marker: 'Could not write the marker of the identity endpoint to',
  'git-token': 'Could not write the token of git’s credential helper to',
} as const;

const fixNotWritten: Readonly<Partial<Record<keyof typeof whatNotWritten, string>>> = {
  access:
    'Make sure that whoami.exe and icacls.exe of Windows run in the job, and that the temporary folder is on an NTFS disk.',
  privacy:
    'Find the process that changes the job’s temporary folder while the step runs. The folder must be on a disk that keeps owners and modes, and no other user may write to it.',
};

type SignInFailure = Extract<HandoverProblem, { kind: 'sign-in-failed' }>;

function explainSignIn(detail: SignInFailure, context: MessageContext): Explanation {
  const { stage, end, tries, limit, program } = detail;
  const { request } = context;
  const what = {
    version: 'Could not find out the version of the Azure CLI.',
    cloud: `Could not select the cloud ${request?.cloud.azureCli ?? ''} for the Azure CLI.`,
    identity: `Could not sign the Azure CLI in as ${actorName(request ?? { clientId: '' })} in tenant ${request?.tenantId ?? ''}. The exchange itself had succeeded.`,
    subscription: `The Azure CLI is signed in, but it could not select subscription ${request?.subscriptionId ?? ''}.`,
  }[stage];
  const code = end.kind === 'done' ? undefined : entraCodesIn(end.words)[0];
  return {
    what,
    ...(code !== undefined && { code: `AADSTS${code}` }),
    said: [
      `  ${program} ${detail.arguments.join(' ')}`,
      `  ${howItEnded(end, limit)}${tries > 1 ? ` after ${tries} tries` : ''}${hasWords(end) ? ':' : '.'}`,
      ...toolWords(end, context.secrets),
    ],
    ...signInCause(detail, code, context),
  };
}

function howItEnded(end: ChildEnd, limit: number): string {
  switch (end.kind) {
    case 'done':
      return 'It succeeded';
    case 'failed':
      return typeof end.code === 'number'
        ? `It failed with exit code ${end.code}`
        : `It was stopped by ${end.code ?? 'another process'}`;
    case 'timed-out':
      return `The sign-in timed out after ${duration(limit)}`;
    case 'not-started':
      return 'It could not be started';
  }
}

function hasWords(end: ChildEnd): boolean {
  return end.kind !== 'done' && end.words !== '';
}

/** az's own words, their end if there are too many; of a Python traceback only the last line. */
function toolWords(end: ChildEnd, secrets: ReadonlySet<string>): readonly string[] {
  if (end.kind === 'done') return [];
  const lines = end.words.split('\n').filter((line) => line.trim() !== '');
  const traceback = lines.some((line) => /^ {2}File "[^"]{1,500}", line \d/u.test(line));
  const shown = traceback
    ? lines.filter((line) => !/^(\s|To check existing issues)/u.test(line)).slice(-1)
    : lines;
  const short = foreignEnd(shown.join('\n'), secrets, 2_000);
  return short === '' ? [] : short.split('\n').map((line) => `  | ${line}`);
}

function signInCause(
  { stage, end, program }: SignInFailure,
  code: string | undefined,
  { request, inputLabel }: MessageContext,
): Pick<Explanation, 'cause' | 'fix' | 'commands'> {
  if (end.kind === 'done') {
    return {
      cause: 'az reported success, but its configuration directory has no session of this app.',
      fix: `Make sure that ${program} is the Azure CLI. A wrapper must keep AZURE_CONFIG_DIR, and a container must see that directory under the same path.`,
    };
  }
  const row = azureCliErrors.find(({ pattern }) => pattern.test(end.words));
  if (row !== undefined) return { cause: row.cause, fix: row.fix };
  if (end.kind === 'timed-out') {
    return {
      cause:
        'az got no response from the sign-in address or from Azure Resource Manager, or the machine is too slow.',
      fix: 'Allow this machine to reach both, or set HTTPS_PROXY in the job’s environment to a proxy that can.',
    };
  }
  if (code !== undefined) {
    const temporary = entraCodeRow([code])?.retry !== undefined;
    return {
      ...(temporary && {
        cause: 'Entra rejected az’s sign-in, although it had accepted the same assertion a moment earlier.',
      }),
      fix: `${temporary ? 'Run the job again. ' : ''}Look up the code: https://login.microsoftonline.com/error?code=${code}`,
    };
  }
  if (stage === 'subscription' && end.kind === 'failed') {
    const who = actorName(request ?? { clientId: '<client-id>' });
    const noun = request?.agentIdentityId === undefined ? 'app' : 'agent identity';
    const assignee =
      request?.agentIdentityId === undefined
        ? `--assignee ${request?.clientId ?? '<client-id>'}`
        : `--assignee-object-id ${request.agentIdentityId} --assignee-principal-type ServicePrincipal`;
    const subscription = request?.subscriptionId ?? '<subscription-id>';
    return {
      cause: `${who.charAt(0).toUpperCase()}${who.slice(1)} cannot see this subscription. The ${noun} has no role there, or the subscription belongs to a tenant other than ${request?.tenantId ?? '<tenant-id>'}.`,
      fix: `Correct ${inputLabel('subscription-id')} or ${inputLabel('tenant-id')}, omit ${inputLabel('subscription-id')} to work at tenant level, or give the ${noun} a role. A new role assignment can take a few minutes:`,
      commands: [
        `  az role assignment create ${assignee} --role Reader --scope /subscriptions/${subscription}`,
      ],
    };
  }
  return {};
}
