import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AgentEvent, AgentResult } from './harness/agent.ts';
import { isIgnorable, parseAgentCommand } from './harness/agent-command.ts';
import {
  childOf,
  closeJobs,
  environmentOf,
  leavingChild,
  patienceFor,
  printing,
  ready,
  showEnvironment,
  taskJob,
  untilToldToGo,
  waiting,
} from './harness/trial-jobs.ts';

/** The agent's rules about a whole job, about what hides a command, and about what a person sees. */

afterEach(closeJobs);

const short = { interruptMilliseconds: 100, terminateMilliseconds: 100, openStreamsMilliseconds: 100 };
const signalsOf = (events: readonly AgentEvent[]) =>
  events.flatMap((event) => (event.kind === 'signal' ? [event.signal] : []));
const messagesOf = (result: AgentResult) => result.annotations.map(({ message }) => message);

describe('ignorable characters', () => {
  /** Those that HOSTS names as seen, and zero-width ones. */
  const characters = [
    ...['\u00ad', '\ufe00', '\u034f', '\u061c', '\u17b4', '\u180b', '\u180e'],
    ...[
      '\u206a',
      '\u206b',
      '\u206c',
      '\u206d',
      '\u206e',
      '\u206f',
      '\u200b',
      '\u200d',
      '\u2060',
      '\ufeff',
      '\0',
    ],
  ];

  test.each(characters)(
    '%j does not hide a command: the agent swallows the line and warns',
    async (character) => {
      const line = `#${character}#vso[task.setvariable variable=a]1`;
      const result = await taskJob(printing('before', line, 'after')).step();
      expect(result.variables).toEqual({});
      expect(messagesOf(result)).toEqual([
        expect.stringMatching(/^Cannot find command extension for ##vso\[\[task\.command\]/),
      ]);
      expect(result.displayed).toMatch(/before\n##\[warning\]Cannot find[^\n]*\nafter/);
    },
  );

  test('after the bracket, one is part of the area’s name; before the prefix, it changes nothing', () => {
    expect(parseAgentCommand('##vso[\u00adtask.debug]x')).toMatchObject({ area: '\u00adtask' });
    expect(parseAgentCommand('\u00ad##vso[task.debug]x')).toMatchObject({
      area: 'task',
      event: 'debug',
      data: 'x',
    });
  });

  test.each(['a', ' ', '\t', '\ufffd', '\uff03', '.'])('%j counts', (character) => {
    expect(isIgnorable(character)).toBe(false);
    expect(parseAgentCommand(`#${character}#vso[task.debug]x`)).toBeUndefined();
  });

  test('`##vso` without a bracket costs a warning that quotes the line, with and without ignorable characters', async () => {
    const result = await taskJob(printing('see ##vso here', 'see #\u00ad#vso here')).step();
    expect(messagesOf(result)).toEqual([
      expect.stringMatching(/^'see ##vso here' contains logging command keyword/),
      expect.stringMatching(/^'see #\u00ad#vso here' contains logging command keyword/),
    ]);
    expect(result.displayed).toContain('\nsee ##vso here\n');
  });
});

describe('what a person sees', () => {
  test('the console cuts an entry at 1,024 characters; the log is complete', async () => {
    const issue = `${'x'.repeat(1500)}%0AFix: read this`;
    const result = await taskJob(
      printing(`##vso[task.logissue type=error]${issue}`, 'y'.repeat(1024)),
    ).step();
    expect(result.displayed).toContain('Fix: read this');
    expect(result.console).not.toContain('Fix: read this');
    expect(result.console).toContain(`##[error]${'x'.repeat(1024 - '##[error]'.length)}...\n`);
    expect(result.console).toContain(`\n${'y'.repeat(1024)}\n`);
    expect(result.annotations[0]?.message).toContain('Fix: read this');
  });

  test('ten issues of each type are kept, and the counts go on', async () => {
    const lines = Array.from({ length: 12 }, (_, index) => `##vso[task.logissue type=warning]w${index}`);
    const result = await taskJob(printing(...lines, '##vso[task.logissue type=error]e')).step();
    expect(messagesOf(result)).toEqual([...lines.slice(0, 10).map((_, index) => `w${index}`), 'e']);
    expect(result.issueCounts).toEqual({ error: 1, warning: 12, notice: 0 });
    expect(result.displayed).toContain('##[warning]w11');
  });

  test('base64 of a secret is not masked; a password in an address is', async () => {
    const secret = 'a-secret-of-this-job';
    const encoded = Buffer.from(`:${secret}`).toString('base64');
    const result = await taskJob(
      printing(`##vso[task.setsecret]${secret}`, encoded, 'http://user:p%40ss@host/ http://user@host'),
    ).step();
    expect(result.displayed).toContain(encoded);
    expect(result.displayed).toContain('http://user:***@host/ http://user@host');
  });

  test('with the debug switch, each set variable and command shows in the debug lines, masked', async () => {
    const result = await taskJob(
      printing(
        '##vso[task.setvariable variable=a;issecret=true]hidden-value',
        '##vso[task.debug]saw hidden-value',
      ),
      { debug: true },
    ).step();
    expect(result.debugLines).toEqual(
      expect.arrayContaining(['Processed: ##vso[task.setvariable variable=a;issecret=true]***', 'saw ***']),
    );
    expect((await taskJob(printing('##vso[task.debug]quiet')).step()).debugLines).toEqual([]);
  });
});

describe('variables', () => {
  test('expand again before each step', async () => {
    const job = taskJob(printing('##vso[task.setvariable variable=B]second'), {
      variables: { A: '[$(B)]', B: 'first' },
    });
    expect(environmentOf(await job.script(showEnvironment))).toMatchObject({ A: '[first]' });
    await job.step();
    expect(environmentOf(await job.script(showEnvironment))).toMatchObject({ A: '[second]' });
  });

  test('a plain variable that holds a secret one becomes secret, and its value is masked', async () => {
    const job = taskJob(printing('##vso[task.setvariable variable=Header]Bearer $(Token)'), {
      variables: { Token: { value: 'hidden-value', secret: true } },
    });
    await job.step();
    const later = await job.script(
      `console.log(process.env.HEADER, 'Bearer hidden-value', process.env.MAPPED);`,
      {
        MAPPED: '$(Header)',
      },
    );
    expect(later.raw.stdout).toBe('undefined Bearer hidden-value Bearer hidden-value\n');
    expect(later.displayed).toContain('\nundefined *** ***\n');
    expect(job.variables.get('header')).toMatchObject({ secret: true });
  });

  test('a variable that refers to itself stays as it is, with a warning', async () => {
    const result = await taskJob(showEnvironment, { variables: { A: '$(B)', B: '$(A)' } }).step();
    expect(environmentOf(result)).toMatchObject({ A: '$(B)', B: '$(A)' });
    expect(messagesOf(result)).toEqual([
      "Unable to expand variable 'A'. A cyclical reference was detected.",
      "Unable to expand variable 'B'. A cyclical reference was detected.",
    ]);
  });

  test('a macro in a macro gives the inner value only', async () => {
    const manifest = { inputs: [{ name: 'text', type: 'string', label: 'l' }] };
    const job = taskJob(showEnvironment, { manifest, variables: { A: 'unused', B: 'A' } });
    const environment = environmentOf(await job.step({ inputs: { text: '$($(B)) $(C $(B)' } }));
    expect(environment).toMatchObject({ INPUT_TEXT: '$(A) $(C A' });
  });

  test('NO_PROXY and no_proxy are one variable, in upper case unless preservecase is set', async () => {
    const job = taskJob(
      printing(
        '##vso[task.setvariable variable=NO_PROXY]first',
        '##vso[task.setvariable variable=no_proxy]second',
      ),
      { environment: { no_proxy: 'of-the-machine' } },
    );
    await job.step();
    expect(environmentOf(await job.script(showEnvironment))).toMatchObject({
      NO_PROXY: 'second',
      no_proxy: 'of-the-machine',
    });
    const kept = taskJob(printing('##vso[task.setvariable variable=no_proxy;preservecase=true]third'));
    await kept.step();
    expect(environmentOf(await kept.script(showEnvironment))).toMatchObject({ no_proxy: 'third' });
  });

  test('a plain variable whose value is a secret reaches the environment and is masked', async () => {
    const job = taskJob(
      printing(
        '##vso[task.setsecret]hidden-value',
        '##vso[task.setvariable variable=IDENTITY_HEADER]hidden-value',
      ),
    );
    await job.step();
    const later = await job.script('console.log(process.env.IDENTITY_HEADER);');
    expect(later.raw.stdout).toBe('hidden-value\n');
    expect(job.displayed).not.toContain('hidden-value');
  });

  test('an earlier step can overwrite System.PullRequest.IsFork unless the server protects it and the knob is set', async () => {
    const overwrite = printing('##vso[task.setvariable variable=system.pullRequest.isFork]False');
    const IsFork = { value: 'True', readOnly: true };
    const open = taskJob(overwrite, { variables: { 'System.PullRequest.IsFork': IsFork } });
    expect((await open.step()).annotations[0]?.message).toMatch(
      /^Overwriting readonly variable 'system\.pullRequest\.isFork'\. This behavior .* See https:/,
    );
    expect(open.variables.get('System.PullRequest.IsFork')?.value).toBe('False');
    const closed = taskJob(overwrite, {
      variables: { 'System.PullRequest.IsFork': IsFork, 'agent.readOnlyVariables': 'true' },
    });
    expect((await closed.step()).result).toBe('Failed');
    expect(closed.variables.get('System.PullRequest.IsFork')?.value).toBe('True');
  });

  test('`variable==X` names X, and a missing name fails the task in .NET’s words', async () => {
    const result = await taskJob(
      printing('##vso[task.setvariable variable==X]1', '##vso[task.setvariable issecret=true]2'),
    ).step();
    expect(result.variables).toEqual({ X: { value: '1', secret: false } });
    expect(result.result).toBe('Failed');
    expect(messagesOf(result)[1]).toMatch(/^Value cannot be null\. \(Parameter 'Required field 'variable'/);
  });
});

describe('the `target:` of a pipeline’s step', () => {
  const setting = printing(
    '##vso[task.setvariable variable=accessToken;issecret=true]hidden-value',
    '##vso[task.setvariable variable=OTHER]1',
    '##vso[build.addbuildtag]x',
  );

  test('drops variables that it does not list; the step stays green', async () => {
    const result = await taskJob(setting).step({ target: { settableVariables: ['other'] } });
    expect(result.result).toBe('Succeeded');
    expect(Object.keys(result.variables)).toEqual(['OTHER']);
    expect(messagesOf(result)).toEqual([
      "Setting variable 'accessToken' has been disabled by the task or build definition.",
    ]);
    // The value is a secret all the same.
    expect(
      (await taskJob(setting + printing('hidden-value')).step({ target: { settableVariables: 'none' } }))
        .displayed,
    ).not.toContain('hidden-value');
  });

  test('restricts commands beside the task’s own restrictions, in the post-job step too', async () => {
    const job = taskJob('', {
      post: setting,
      manifest: { restrictions: { settableVariables: { allowed: ['OTHER'] } } },
    });
    await job.step({ target: { commands: 'restricted' } });
    const [post] = await job.post();
    expect(Object.keys(post?.variables ?? {})).toEqual(['OTHER']);
    expect(post?.events.flatMap((event) => (event.kind === 'refused' ? [event.what] : []))).toEqual([
      'accessToken',
      'build.addbuildtag',
    ]);
  });
});

describe('the end of a step', () => {
  test.each([
    ['99', '99'],
    ['2', 'Failed'],
    [' 0', 'Succeeded'],
  ])('the result %j is accepted as %s', async (given, result) => {
    expect((await taskJob(printing(`##vso[task.complete result=${given}]`)).step()).result).toBe(result);
  });

  test('only Failed and SucceededWithIssues count for the job', async () => {
    const job = taskJob(`console.log('##vso[task.complete result=' + process.env.INPUT_RESULT + ']');`);
    for (const [given, expected] of [
      ['Skipped', 'Succeeded'],
      ['SucceededWithIssues', 'SucceededWithIssues'],
      ['Canceled', 'SucceededWithIssues'],
      ['Failed', 'Failed'],
    ] as const) {
      expect((await job.step({ inputs: { result: given } })).result).toBe(given);
      expect(job.result).toBe(expected);
    }
    expect(environmentOf(await job.script(showEnvironment))).toMatchObject({
      'agent.jobstatus': 'Failed',
      AGENT_JOBSTATUS: 'Failed',
    });
  });

  test('a killed step ends with 128 and the signal, and the full path of node', async () => {
    const result = await taskJob(`process.kill(process.pid, 'SIGKILL'); ${waiting()}`).step();
    expect(messagesOf(result)).toEqual([
      expect.stringMatching(
        /^Exit code 137 returned from process: file name '\/.*node', arguments '"\/.*main\.mjs"'\.$/,
      ),
    ]);
    expect(result.result).toBe('Failed');
  });

  test('`done=true` acts later: until then the task is heard, and then the agent goes on without it', async () => {
    const running = taskJob(
      `${printing('##vso[task.complete result=SucceededWithIssues;done=true]\nstill heard')} setInterval(() => {}, 1000);`,
      { patience: { ...short, doneMilliseconds: 200 } },
    ).start();
    await running.seen((event) => event.kind === 'log' && event.text === 'still heard');
    expect(await running.finished).toMatchObject({ result: 'SucceededWithIssues', exitCode: undefined });
    process.kill(running.pid ?? 0, 'SIGKILL');
    await running.gone;
  });

  test('the post-job step of a skipped task runs, and its heading is the task’s name', async () => {
    const job = taskJob('', { post: printing('post ran') });
    const skipped = await job.step({ condition: 'failed()' });
    expect(skipped).toMatchObject({ result: 'Skipped', exitCode: undefined });
    expect(skipped.displayed).toContain('Skipping step due to condition evaluation.');
    const [post] = await job.post();
    expect(post?.displayed).toMatch(/^##\[section\]Starting: Throw-away\n/);
    expect(post?.raw.stdout).toBe('post ran\n');
    expect(job.result).toBe('Succeeded');
  });
});

describe('the end of a job', () => {
  test.each([
    [[], ['SIGINT']],
    [['SIGINT'], ['SIGINT', 'SIGTERM']],
    [
      ['SIGINT', 'SIGTERM'],
      ['SIGINT', 'SIGTERM', 'SIGKILL'],
    ],
  ] as const)('a cancel of a task that ignores %j sends %j', async (ignored, sent) => {
    const running = taskJob(waiting(...ignored), { patience: patienceFor(ignored) }).start();
    await running.seen(ready);
    const result = await running.cancel();
    expect(signalsOf(result.events)).toEqual(sent);
    expect(result).toMatchObject({ result: 'Canceled', signal: sent.at(-1) });
    expect(messagesOf(result)).toEqual([
      'The Operation will be canceled. The next steps may not contain expected logs.',
      'The operation was canceled.',
    ]);
  });

  test('a cancel leaves the descendants of the task alive; the end of the job terminates them', async () => {
    const job = taskJob(`${leavingChild('ignore')} ${waiting('SIGINT', 'SIGTERM')}`, { patience: short });
    const running = job.start();
    await running.seen(ready);
    const result = await running.cancel();
    expect(result.signal).toBe('SIGKILL');
    expect(job.complete().orphans.map(({ pid }) => pid)).toEqual([childOf(result)]);
  });

  test('the times of a cancel are variables of the job', async () => {
    const variables = { PROCESS_SIGINT_TIMEOUT: '50', PROCESS_SIGTERM_TIMEOUT: '50' };
    const running = taskJob(waiting('SIGINT', 'SIGTERM'), { variables }).start();
    await running.seen(ready);
    expect(await running.cancel()).toMatchObject({ signal: 'SIGKILL' });
  });

  test('a cancel does not interrupt a step with `always()`; later steps without it are skipped', async () => {
    const job = taskJob('');
    const running = job.startScript(untilToldToGo, { condition: 'always()' });
    await running.seen(ready);
    const canceled = running.cancel();
    writeFileSync(join(job.workspace, 'go'), '');
    expect(await canceled).toMatchObject({ result: 'Succeeded', exitCode: 0 });
    expect(job.result).toBe('Canceled');
    expect(await job.step({ condition: 'succeeded()' })).toMatchObject({ result: 'Skipped' });
  });

  test('a task that takes too long fails', async () => {
    const running = taskJob(waiting(), { patience: short }).start();
    await running.seen(ready);
    const result = await running.timeOut();
    expect(result.result).toBe('Failed');
    expect(messagesOf(result)).toEqual(['The task has timed out.']);
  });

  test('a shutdown of the agent skips post-job steps', async () => {
    const job = taskJob(waiting(), { post: '' });
    const running = job.start();
    await running.seen(ready);
    await job.shutDown();
    expect(await running.finished).toMatchObject({ result: 'Canceled' });
    expect(await job.post()).toEqual([]);
  });

  test('terminates processes that have VSTS_PROCESS_LOOKUP_ID, and empties the temporary folder', async () => {
    const job = taskJob(leavingChild('ignore'));
    writeFileSync(join(job.temp, 'file'), '');
    const result = await job.step();
    const child = childOf(result);
    const completion = job.complete();
    expect(completion.orphans.map(({ pid }) => pid)).toEqual([child]);
    expect(completion.displayed).toContain(`Terminate orphan process: pid (${child}) (`);
    expect(existsSync(join(job.temp, 'file'))).toBe(false);
  });

  test('leaves them alive with process.clean=false', async () => {
    const job = taskJob(leavingChild('ignore'), { variables: { 'process.clean': 'false' } });
    const child = childOf(await job.step());
    expect(job.complete()).toEqual({ displayed: '', orphans: [] });
    expect(process.kill(child, 0)).toBe(true);
    process.kill(child, 'SIGKILL');
  });
});
