import { describe, expect, test } from '@jest/globals';
import { subscriptionIds } from '../../emulator/default-world.ts';
import { azureCliErrors } from '../../src/handover/azure-cli-errors.ts';
import { type ChildEnd, HandoverError, type HandoverProblem } from '../../src/handover/errors.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import {
  callsByBash,
  causeAndFix,
  commandsIn,
  contextFor,
  everything,
  expectWellFormed,
  inputs,
  labelledHosts,
} from './message-context.ts';

const given = { 'subscription-id': subscriptionIds.contosoTest, login: 'azure-cli', export: 'azure-sdk' };

function signIn(end: ChildEnd, more: object = {}): HandoverProblem {
  return {
    kind: 'sign-in-failed',
    tool: 'azure-cli',
    program: '/usr/bin/az',
    stage: 'identity',
    arguments: ['login', '--service-principal'],
    end,
    tries: 1,
    limit: 120_000,
    ...more,
  };
}
const failed = (words: string, more: object = {}) => signIn({ kind: 'failed', code: 1, words }, more);

/** What az writes, and what a user must learn from it; one line or more for each row of the table. */
const azCases = [
  [
    0,
    'SSLError(SSLCertVerificationError(1, CERTIFICATE_VERIFY_FAILED))',
    /does not trust/u,
    /REQUESTS_CA_BUNDLE/u,
  ],
  [1, 'ProxyError: Cannot connect to proxy. Tunnel connection failed: 407', /proxy/u, /HTTPS_PROXY/u],
  [
    2,
    'urllib3.exceptions.NewConnectionError: Failed to establish a new connection',
    /cannot reach the sign-in address/u,
    /Allow this machine/u,
  ],
  [2, 'Failed to resolve login.microsoftonline.com', /cannot reach/u, /HTTPS_PROXY/u],
  [3, 'az: error: unrecognized arguments: --federated-token', /This version of az/u, /2\.30 or later/u],
  [4, 'ModuleNotFoundError: No module named azure', /broken/u, /Install it again/u],
  [4, '/usr/bin/az: bad interpreter: No such file', /broken/u, /Install it again/u],
] as const;

test('every row of the table is met here, and no other takes it first', () => {
  const rows = azCases.map(([, words]) => azureCliErrors.findIndex(({ pattern }) => pattern.test(words)));
  expect(rows).toEqual(azCases.map(([row]) => row));
  expect(new Set(rows).size).toBe(azureCliErrors.length);
});

const [github] = labelledHosts;
if (github === undefined) throw new Error('no host');

describe.each(labelledHosts)('$title', (host) => {
  const describeProblem = (problem: HandoverProblem, more: Parameters<typeof contextFor>[1] = {}) =>
    describeFailure(new HandoverError(problem), contextFor(host, { given, ...more }));

  test.each(azCases)('az, row %i: %s', (_, words, cause, fix) => {
    const text = describeProblem(failed(words));
    expectWellFormed(text, host);
    const all = everything(text);
    expect(all).toContain(
      `Could not sign the Azure CLI in as app ${inputs['client-id']} in tenant ${inputs['tenant-id']}.`,
    );
    expect(all).toContain('The exchange itself had succeeded.');
    expect(all).toContain('  /usr/bin/az login --service-principal');
    expect(all).toContain('  It failed with exit code 1:');
    expect(all).toContain(`  | ${words}`);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
  });

  test.each([
    [{ kind: 'failed', code: 1, words: 'x' }, 3, 'It failed with exit code 1 after 3 tries:'],
    [{ kind: 'failed', code: 1, words: '' }, 3, 'It failed with exit code 1 after 3 tries.'],
    [{ kind: 'failed', code: 2, words: '' }, 1, 'It failed with exit code 2.'],
    [{ kind: 'failed', code: 'SIGKILL', words: '' }, 1, 'It was stopped by SIGKILL.'],
    [{ kind: 'failed', code: null, words: '' }, 1, 'It was stopped by another process.'],
    [{ kind: 'timed-out', words: 'w' }, 1, 'The sign-in timed out after 120 s:'],
    [{ kind: 'not-started', words: 'spawn EACCES' }, 1, 'It could not be started:'],
  ] as const)('how az ended: %j after %i', (end, tries, sentence) => {
    const text = describeProblem(signIn(end, { tries }));
    expectWellFormed(text, host);
    expect(everything(text).split('\n')).toContain(`  ${sentence}`);
  });

  test('an az that reports success and left no session', () => {
    const text = describeProblem(signIn({ kind: 'done' }));
    expectWellFormed(text, host);
    expect(everything(text)).toContain('  It succeeded.');
    expect(causeAndFix(text).cause).toContain('has no session of this app');
    expect(causeAndFix(text).fix).toContain('/usr/bin/az is the Azure CLI');
  });

  test('of a Python traceback only the last line is shown', () => {
    const words =
      'Traceback (most recent call last):\n  File "/x.py", line 7, in f\n    raise\nValueError: the reason';
    const all = everything(describeProblem(failed(words)));
    expect(all).toContain('  | ValueError: the reason');
    expect(all).not.toContain('line 7');
  });

  test('long words are kept from the start of a line on', () => {
    const words = Array.from({ length: 400 }, (_, index) => `line ${index} of az`).join('\n');
    const shown = everything(describeProblem(failed(words)))
      .split('\n')
      .filter((line) => line.startsWith('  | '));
    expect(shown.at(-1)).toBe('  | line 399 of az');
    expect(shown[0]).toMatch(/^ {2}\| line \d+ of az$/u);
    expect(shown.length).toBeLessThan(200);
  });

  test('Entra’s code in az’s words is in the error, with where to look it up', () => {
    const temporary = describeProblem(failed('AADSTS90033: later'));
    expect(causeAndFix(temporary).cause).toContain('although it had accepted the same assertion');
    expect(causeAndFix(temporary).fix).toMatch(/^Run the job again\..*error\?code=90033$/u);
    const final = describeProblem(failed('AADSTS53003: blocked'));
    expect(final.error).toContain(
      'Fix: Look up the code: https://login.microsoftonline.com/error?code=53003',
    );
    expect(describeProblem(failed(`AADSTS53003: ${'w '.repeat(700)}`)).error).toContain('AADSTS53003.');
  });

  test('a subscription that the app does not see: bash reads the command that assigns a role', () => {
    const text = describeProblem(failed('The subscription does not exist', { stage: 'subscription' }));
    expectWellFormed(text, host);
    expect(text.error).toContain(`could not select subscription ${subscriptionIds.contosoTest}`);
    expect(causeAndFix(text).cause).toContain('cannot see this subscription');
    expect(causeAndFix(text).fix).toContain(
      `Correct ${host.inputLabel('subscription-id')} or ${host.inputLabel('tenant-id')}`,
    );
    expect(callsByBash(commandsIn(text)[0] ?? '')).toEqual([
      [
        'role',
        'assignment',
        'create',
        '--assignee',
        inputs['client-id'],
        '--role',
        'Reader',
        '--scope',
        `/subscriptions/${subscriptionIds.contosoTest}`,
      ],
    ]);
  });

  test('a cloud that az cannot select', () => {
    const text = describeProblem(failed('x', { stage: 'cloud' }), {
      given: { ...given, cloud: 'usgovernment' },
    });
    expect(text.error).toContain('Could not select the cloud AzureUSGovernment for the Azure CLI.');
  });

  test('az is missing: each system gets its own command', () => {
    const linux = describeProblem({ kind: 'tool-missing', tool: 'azure-cli' });
    const windows = describeProblem({ kind: 'tool-missing', tool: 'azure-cli' }, { windows: true });
    for (const text of [linux, windows]) expectWellFormed(text, host);
    expect(linux.error).toContain(
      `${host.inputLabel('login')} needs the Azure CLI, but az is not on the job’s PATH. Nothing was requested.`,
    );
    expect(linux.error).toContain('On Debian and Ubuntu:\n  curl -sL');
    expect(windows.error).toContain('On Windows:\n  winget install --exact --id Microsoft.AzureCLI');
    expect(windows.error).not.toContain('bash');
  });

  const others: readonly (readonly [problem: HandoverProblem, what: RegExp, fix: RegExp])[] = [
    [
      { kind: 'no-temporary-folder', path: '' },
      /temporary folder is not known\. Nothing was requested/u,
      /RUNNER_TEMP/u,
    ],
    [
      { kind: 'no-temporary-folder', path: '/gone' },
      /temporary folder \/gone does not exist/u,
      /RUNNER_TEMP/u,
    ],
    [
      { kind: 'unusable-command-file', name: 'GITHUB_ENV', detail: 'it is not set' },
      /GITHUB_ENV cannot be used\. Nothing was requested\.\n {2}it is not set/u,
      /can write to the file that GITHUB_ENV names/u,
    ],
    [
      { kind: 'not-published', visible: [], detail: 'ENOSPC' },
      /did not accept all outputs and variables\.\n {2}ENOSPC\nCause: Nothing was handed over\./u,
      /has free space/u,
    ],
    [
      { kind: 'not-published', visible: ['A'], detail: 'ENOSPC' },
      /Cause: Later steps can see only A\./u,
      /has free space/u,
    ],
    [
      { kind: 'not-published', visible: ['A', 'access-token'], detail: 'ENOSPC' },
      /Cause: Later steps can see only A, (access-token|accessToken)\./u,
      /has free space/u,
    ],
    [
      { kind: 'not-published', visible: ['federated-token-file'], detail: 'ENOSPC' },
      /Cause: Later steps can see only the output (federated-token-file|federatedTokenFile)\./u,
      /has free space/u,
    ],
    [
      { kind: 'not-written', what: 'directory', path: '/t/d', detail: 'EACCES' },
      /Could not create the private directory \/t\/d\. Nothing was handed over\.\n {2}EACCES/u,
      /can write to the job’s temporary folder/u,
    ],
    [
      { kind: 'not-written', what: 'access', path: '/t/d', detail: 'x' },
      /Could not limit access to the private directory \/t\/d/u,
      /icacls\.exe/u,
    ],
    [
      { kind: 'not-written', what: 'privacy', path: '/t/d', detail: 'It was moved.' },
      /Another process can have access to the private directory \/t\/d\. Nothing was handed over\.\n {2}It was moved\./u,
      /no other user may write to it/u,
    ],
    [
      { kind: 'not-written', what: 'token-file', path: '/t/f', detail: 'x' },
      /Could not write the identity’s token to \/t\/f/u,
      /can write/u,
    ],
    [
      { kind: 'tool-unsafe', tool: 'azure-cli', path: 'C:\\a&b\\az.cmd' },
      /would change characters of C:\\a&b\\az\.cmd/u,
      /Microsoft’s package/u,
    ],
    [
      {
        kind: 'conflicting-variables',
        variables: [
          { name: 'ARM_USE_MSI', tool: 'terraform', conflict: 'makes Terraform act as somebody else' },
        ],
      },
      /Nothing was requested or handed over\.\n {2}ARM_USE_MSI makes Terraform act as somebody else \(terraform\)/u,
      /Remove them from the job/u,
    ],
  ];
  test.each(others)('%j', (problem, what, fix) => {
    const text = describeProblem(problem);
    expectWellFormed(text, host);
    expect(text.error).toMatch(what);
    expect(causeAndFix({ error: `Cause: (as matched above)\n${text.error}` }).fix).toMatch(fix);
  });
});

describe('whole messages', () => {
  const whole = (problem: HandoverProblem): readonly string[] =>
    everything(describeFailure(new HandoverError(problem), contextFor(github, { given })))
      .trim()
      .split('\n');
  const [app, tenant] = [inputs['client-id'], inputs['tenant-id']];
  const command = '  /usr/bin/az login --service-principal';
  const notSignedIn = `Could not sign the Azure CLI in as app ${app} in tenant ${tenant}. The exchange itself had succeeded.`;
  const notSelected = `The Azure CLI is signed in, but it could not select subscription ${subscriptionIds.contosoTest}.`;
  const room =
    'Fix: Make sure that the disk of the job’s temporary folder has free space and that the user of this step can write there.';

  test('the record for the clean-up could not be saved', () => {
    expect(whole({ kind: 'not-recorded', detail: 'ENOSPC' })).toEqual([
      'The step could not save the record that its clean-up needs. Nothing was requested.',
      '  ENOSPC',
      room,
    ]);
  });

  test('no temporary folder', () => {
    expect(whole({ kind: 'no-temporary-folder', path: '' })).toEqual([
      'The job’s temporary folder is not known. Nothing was requested.',
      'Cause: The step writes the identity’s token only to that folder.',
      'Fix: Run the step in a job of GitHub Actions, which sets RUNNER_TEMP, or of Azure Pipelines, which sets Agent.TempDirectory.',
    ]);
  });

  test('no az', () => {
    expect(whole({ kind: 'tool-missing', tool: 'azure-cli' })).toEqual([
      'login needs the Azure CLI, but az is not on the job’s PATH. Nothing was requested.',
      'Fix: Install it on the machine (https://learn.microsoft.com/cli/azure/install-azure-cli) and restart the runner or agent, or use export or scopes instead. On Debian and Ubuntu:',
      '  curl -sL https://aka.ms/InstallAzureCLIDeb | sudo bash',
    ]);
  });

  test('az got no response in time', () => {
    const said = [notSignedIn, command, '  The sign-in timed out after 120 s.'];
    const explained = [
      'Cause: az got no response from the sign-in address or from Azure Resource Manager, or the machine is too slow.',
      'Fix: Allow this machine to reach both, or set HTTPS_PROXY in the job’s environment to a proxy that can.',
    ];
    expect(whole(signIn({ kind: 'timed-out', words: '' }))).toEqual([...said, ...explained]);
    // Not what it says of a subscription, either.
    expect(whole(signIn({ kind: 'timed-out', words: '' }, { stage: 'subscription' })).slice(-2)).toEqual(
      explained,
    );
  });

  test('az failed for a reason that nobody knows: its own words, without blank lines, and no guess', () => {
    expect(whole(failed('one\n\n  \ntwo\n'))).toEqual([
      notSignedIn,
      command,
      '  It failed with exit code 1:',
      '  | one',
      '  | two',
    ]);
    expect(whole(failed(''))).toEqual([notSignedIn, command, '  It failed with exit code 1.']);
  });

  test('of a traceback, az’s own advice and indented lines are left out', () => {
    const words = [
      'Traceback (most recent call last):',
      '  File "/x.py", line 7, in f',
      'ValueError: the reason',
      '  raise',
      'To check existing issues, please visit: https://example',
    ];
    expect(whole(failed(words.join('\n'))).slice(3)).toEqual(['  | ValueError: the reason']);
    expect(whole(failed(`ERROR: first\n${words.join('\n')}`)).slice(3)).toEqual([
      '  | ValueError: the reason',
    ]);
    // A quoted line of a traceback in the middle of a sentence is no traceback.
    expect(whole(failed('see:   File "/x.py", line 7\nlast')).slice(3)).toEqual([
      '  | see:   File "/x.py", line 7',
      '  | last',
    ]);
  });

  test('a subscription that cannot be selected: the advice is only for that command, and only if az ran', () => {
    expect(whole(failed('no', { stage: 'subscription' }))).toEqual([
      notSelected,
      command,
      '  It failed with exit code 1:',
      '  | no',
      `Cause: App ${app} cannot see this subscription. The app has no role there, or the subscription belongs to a tenant other than ${tenant}.`,
      'Fix: Correct subscription-id or tenant-id, omit subscription-id to work at tenant level, or give the app a role. A new role assignment can take a few minutes:',
      `  az role assignment create --assignee ${app} --role Reader --scope /subscriptions/${subscriptionIds.contosoTest}`,
    ]);
    expect(whole(signIn({ kind: 'not-started', words: 'EACCES' }, { stage: 'subscription' }))).toEqual([
      notSelected,
      command,
      '  It could not be started:',
      '  | EACCES',
    ]);
  });

  test('long words without a code of Entra: the error names none', () => {
    const { error } = describeFailure(
      new HandoverError(failed('w '.repeat(700))),
      contextFor(github, { given }),
    );
    expect(error).toBe(`${notSignedIn}\nThe full diagnosis is in the log above.`);
  });

  test('a code that the tables do not know', () => {
    expect(whole(failed('AADSTS987654: odd')).at(-1)).toBe(
      'Fix: Look up the code: https://login.microsoftonline.com/error?code=987654',
    );
  });
});
