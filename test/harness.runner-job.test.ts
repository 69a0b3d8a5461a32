import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { hostPatience } from './harness/host-process.ts';
import type { RunnerEvent } from './harness/runner.ts';
import {
  actionJob,
  appending,
  childOf,
  closeJobs,
  environmentOf,
  leavingChild,
  patienceFor,
  printing,
  ready,
  showEnvironment,
  untilToldToGo,
  waiting,
} from './harness/trial-jobs.ts';

/** The runner's rules about a whole job: cancel, time-out, shutdown, processes that stay, outputs, proxies, debug. */

afterEach(closeJobs);

const short = { interruptMilliseconds: 100, terminateMilliseconds: 100, openStreamsMilliseconds: 100 };
const signalsOf = (events: readonly RunnerEvent[]) =>
  events.flatMap((event) => (event.kind === 'signal' ? [event.signal] : []));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a cancel', () => {
  test('waits 7.5 s after SIGINT and 2.5 s after SIGTERM, and 5 s for open streams', () => {
    expect(hostPatience).toMatchObject({
      interruptMilliseconds: 7500,
      terminateMilliseconds: 2500,
      openStreamsMilliseconds: 5000,
    });
  });

  test.each([
    [[], ['SIGINT']],
    [['SIGINT'], ['SIGINT', 'SIGTERM']],
    [
      ['SIGINT', 'SIGTERM'],
      ['SIGINT', 'SIGTERM', 'SIGKILL'],
    ],
  ] as const)('of a step that ignores %j sends %j', async (ignored, sent) => {
    const running = actionJob(waiting(...ignored), { patience: patienceFor(ignored) }).start();
    await running.seen(ready);
    const result = await running.cancel();
    expect(signalsOf(result.events)).toEqual(sent);
    expect(result).toMatchObject({ conclusion: 'cancelled', signal: sent.at(-1) });
    expect(result.annotations.map(({ message }) => message)).toEqual(['The operation was canceled.']);
  });

  test('leaves the descendants of the step alive; the end of the job terminates them', async () => {
    const job = actionJob(`${leavingChild('ignore')} ${waiting('SIGINT', 'SIGTERM')}`, { patience: short });
    const running = job.start();
    await running.seen(ready);
    const result = await running.cancel();
    const child = childOf(result);
    expect(result.signal).toBe('SIGKILL');
    expect(isAlive(child)).toBe(true);
    const completion = job.complete();
    expect(completion.orphans).toEqual([{ pid: child, name: expect.stringMatching(/node|MainThread/) }]);
    expect(completion.displayed).toContain(`Terminate orphan process: pid (${child}) (`);
  });

  test('does not interrupt a step with `if: always()`, and later steps without it are skipped', async () => {
    const job = actionJob('');
    const running = job.startScript(untilToldToGo, { condition: 'always()' });
    await running.seen(ready);
    const cancelled = running.cancel();
    writeFileSync(join(job.workspace, 'go'), '');
    expect(await cancelled).toMatchObject({ conclusion: 'success', exitCode: 0 });
    expect(job.conclusion).toBe('cancelled');
    expect(await job.step({ condition: 'success()' })).toMatchObject({ conclusion: 'skipped' });
    expect(await job.step({ condition: 'always()' })).toMatchObject({ conclusion: 'success' });
  });

  test('does not interrupt a post step', async () => {
    const job = actionJob('', { post: untilToldToGo });
    await job.step();
    const post = job.startPost();
    await post?.seen(ready);
    const cancelled = post?.cancel();
    writeFileSync(join(job.workspace, 'go'), '');
    expect(await cancelled).toMatchObject({ conclusion: 'success', exitCode: 0 });
    expect(job.conclusion).toBe('cancelled');
  });
});

test('a step that takes too long fails, and the job goes on as failed', async () => {
  const job = actionJob(waiting(), { post: '' });
  const running = job.start();
  await running.seen(ready);
  const result = await running.timeOut();
  expect(result.conclusion).toBe('failure');
  expect(result.annotations[0]?.message).toMatch(/^The action 'Throw-away' has timed out after/);
  expect(job.conclusion).toBe('failure');
  expect(await job.post()).toHaveLength(1);
});

test('a shutdown of the runner stops the step, skips post steps, and empties the temporary folder', async () => {
  const job = actionJob(
    `(await import('node:fs')).writeFileSync(process.env.RUNNER_TEMP + '/left', ''); ${waiting()}`,
    { post: '' },
  );
  const running = job.start();
  await running.seen(ready);
  await job.shutDown();
  expect(await running.finished).toMatchObject({ conclusion: 'cancelled', signal: 'SIGINT' });
  expect(await job.post()).toEqual([]);
  expect(job.conclusion).toBe('failure');
  expect(existsSync(join(job.temp, 'left'))).toBe(true);
  job.complete();
  expect(existsSync(join(job.temp, 'left'))).toBe(false);
});

describe('a process that runs longer than its step', () => {
  test('without the step’s output does not delay the step', async () => {
    const job = actionJob(leavingChild('ignore'));
    const result = await job.step();
    expect(result).toMatchObject({ conclusion: 'success', streamsLeftOpen: false });
    expect(isAlive(childOf(result))).toBe(true);
    expect(job.complete().orphans).toHaveLength(1);
  });

  test('with the step’s output makes the runner wait, and lives on', async () => {
    const job = actionJob(leavingChild('inherit'), { patience: short });
    const running = job.start();
    const result = await running.finished;
    expect(result).toMatchObject({ conclusion: 'success', streamsLeftOpen: true });
    expect(isAlive(childOf(result))).toBe(true);
    job.complete();
    await running.gone;
  });

  test('survives the job if its environment lacks RUNNER_TRACKING_ID', async () => {
    const job = actionJob(leavingChild('ignore', '{ PATH: process.env.PATH }'));
    const child = childOf(await job.step());
    try {
      expect(job.complete().orphans).toEqual([]);
      expect(isAlive(child)).toBe(true);
    } finally {
      process.kill(child, 'SIGKILL');
    }
  });
});

describe('outputs', () => {
  const token = 'a-token-of-this-job';

  test('exist only for a step with an ID; names ignore letter case', async () => {
    const job = actionJob(appending('OUTPUT', 'o1=first\nO1=second\n'));
    await job.step();
    await job.step({ id: 'login' });
    expect(job.stepOutputs('LOGIN')).toEqual({ o1: 'second' });
    expect(
      job.complete({ one: { step: 'login', output: 'O1' }, none: { step: 'other', output: 'o1' } }).outputs,
    ).toEqual({
      one: 'second',
    });
  });

  test('of the job are dropped when they hold a masked value', async () => {
    const job = actionJob(
      `console.log('::add-mask::${token}'); ${appending('OUTPUT', `token=${token}\nid=1\n`)}`,
    );
    await job.step({ id: 'login' });
    const completion = job.complete({
      token: { step: 'login', output: 'token' },
      id: { step: 'login', output: 'id' },
    });
    expect(completion.outputs).toEqual({ id: '1' });
    expect(completion.annotations).toEqual([
      expect.objectContaining({
        level: 'warning',
        message: "Skip output 'token' since it may contain secret.",
      }),
    ]);
  });
});

describe('the environment', () => {
  test('has both spellings of the runner’s own proxy; a job’s `env:` replaces one of them', async () => {
    const proxy = { https: 'http://127.0.0.1:2', noProxy: '127.0.0.1' };
    const job = actionJob(showEnvironment, { proxy, environment: { HTTPS_PROXY: 'http://127.0.0.1:3' } });
    expect(environmentOf(await job.step())).toMatchObject({
      https_proxy: 'http://127.0.0.1:2',
      HTTPS_PROXY: 'http://127.0.0.1:3',
      no_proxy: '127.0.0.1',
      NO_PROXY: '127.0.0.1',
    });
  });

  test('has what the runner adds: artifacts, the action’s repository, a tracking ID', async () => {
    const remote = environmentOf(await actionJob(showEnvironment, { uses: 'owner/name@v2' }).step());
    expect(remote).toMatchObject({
      GITHUB_ACTION_REPOSITORY: 'owner/name',
      GITHUB_ACTION_REF: 'v2',
      GITHUB_ARTIFACTS: expect.stringContaining('/_runner_file_commands/artifacts_'),
      GITHUB_ARTIFACTS_LIST: expect.stringContaining('/_runner_file_commands/artifacts_list_'),
      RUNNER_TRACKING_ID: expect.stringMatching(/^github_[\da-f-]{36}$/),
    });
    const local = await actionJob(showEnvironment, { uses: './' }).step();
    expect(environmentOf(local)).toMatchObject({ GITHUB_ACTION_REPOSITORY: '', GITHUB_ACTION_REF: '' });
    expect(local.displayed).toMatch(/^▼ Run \.\//);
  });
});

describe('with the debug switch', () => {
  test('commands are echoed from the start, masks as stars, and steps get RUNNER_DEBUG=1', async () => {
    const main = `console.log('::add-mask::hidden-value'); console.log('::group::Title'); console.log('::debug::saw hidden-value'); console.log('debug', process.env.RUNNER_DEBUG); ${appending('STATE', 'a=hidden-value\n')}`;
    const result = await actionJob(main, { debug: true }).step();
    const shown = result.displayed.split('\n');
    expect(shown).toEqual(
      expect.arrayContaining(['::add-mask::***', '::group::Title', '▼ Title', 'debug 1']),
    );
    expect(result.debugLines).toEqual(
      expect.arrayContaining([
        'saw ***',
        'Save intra-action state a = ***',
        'Node Action run completed with exit code 0',
      ]),
    );
    const quiet = await actionJob(main).step();
    expect(quiet.debugLines).toEqual([]);
    expect(quiet.displayed).not.toContain('::');
    expect(quiet.displayed).toContain('debug undefined');
  });

  test('the exit code of a killed process is 128 and the signal', async () => {
    const result = await actionJob(`process.kill(process.pid, 'SIGKILL'); ${waiting()}`, {
      debug: true,
    }).step();
    expect(result.conclusion).toBe('failure');
    expect(result.debugLines).toContain('Node Action run completed with exit code 137');
  });
});

describe('limits and refusals', () => {
  test.each([
    ['OUTPUT', 'outputs'],
    ['ENV', 'exported'],
  ] as const)('an empty name in GITHUB_%s fails the step and stops that file', async (file, into) => {
    const result = await actionJob(appending(file, 'before=1\n=x\nafter=2\n')).step();
    expect(result.conclusion).toBe('failure');
    expect(result[into]).toEqual({ before: '1' });
    expect(result.annotations.map(({ message }) => message)).toEqual([
      `Unable to process file command '${file.toLowerCase()}' successfully.`,
      "Value cannot be null. (Parameter 'name')",
    ]);
  });

  test('state names ignore letter case and keep their first spelling', async () => {
    const job = actionJob(appending('STATE', 'Mark=1\nMARK=2\n'), {
      post: 'console.log(process.env.STATE_Mark, process.env.STATE_MARK);',
    });
    expect((await job.step()).state).toEqual({ Mark: '2' });
    expect((await job.post())[0]?.raw.stdout).toBe('2 undefined\n');
  });

  test('an annotation keeps its line breaks and 4,096 characters, in the log too; ten of each type are kept', async () => {
    const long = `${'x'.repeat(2000)}%0A${'y'.repeat(3000)}`;
    const result = await actionJob(
      printing(`::error::${long}`, ...Array.from({ length: 11 }, (_, index) => `::warning::w${index}`)),
    ).step();
    expect(result.annotations.filter(({ level }) => level === 'warning')).toHaveLength(10);
    const [error] = result.annotations;
    expect(error?.message).toMatch(/^x+\ny+$/);
    expect(error?.message).toHaveLength(4096);
    expect(result.displayed).not.toContain('y'.repeat(2096));
    expect(result.displayed).toContain('Warning: w10');
  });

  test('an empty message makes no annotation, and a title is not masked', async () => {
    const result = await actionJob(
      printing('::add-mask::hidden-value', '::error::', '::error title=hidden-value::with a title'),
    ).step();
    expect(result.annotations).toEqual([
      { level: 'error', message: 'with a title', properties: { title: 'hidden-value' } },
    ]);
  });

  test('a bad stop token ends the step at once, and what it writes later is lost', async () => {
    const running = actionJob(`console.log('::stop-commands::error'); ${waiting()}`).start();
    const result = await running.finished;
    expect(result).toMatchObject({ conclusion: 'failure', exitCode: undefined });
    expect(result.annotations[0]?.message).toMatch(/^You cannot use a endToken/);
    expect(result.displayed).not.toContain('ready');
    process.kill(running.pid ?? 0, 'SIGKILL');
    await running.gone;
  });

  test('a summary over 1 MiB is an error and is not uploaded', async () => {
    const main = `(await import('node:fs')).writeFileSync(process.env.GITHUB_STEP_SUMMARY, 'x'.repeat(1024 * 1024 + 1));`;
    const result = await actionJob(main).step();
    expect(result.summary).toBe('');
    expect(result.annotations[0]?.message).toMatch(/^\$GITHUB_STEP_SUMMARY upload aborted/);
  });

  test('set-output and save-state warn, and a matcher without its file fails the step', async () => {
    const old = await actionJob(printing('::set-output name=a::1', '::save-state name=b::2')).step();
    expect(old).toMatchObject({ conclusion: 'success', outputs: { a: '1' }, state: { b: '2' } });
    expect(old.annotations.map(({ level }) => level)).toEqual(['warning', 'warning']);
    const matcher = await actionJob(printing('::add-matcher::not-there.json')).step();
    expect(matcher.conclusion).toBe('failure');
  });

  test('an input with a deprecation message warns', async () => {
    const directory = join(actionJob('').workspace, 'action');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'main.mjs'), '');
    writeFileSync(
      join(directory, 'action.yml'),
      'name: a\ninputs:\n  old:\n    deprecationMessage: use another\nruns: { using: node24, main: main.mjs }\n',
    );
    const result = await actionJob('').step({ actionDirectory: directory, inputs: { old: '1' } });
    expect(result.annotations[0]?.message).toBe("Input 'old' has been deprecated with message: use another");
  });
});
