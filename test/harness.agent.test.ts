import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AgentResult, TaskStepOptions } from './harness/agent.ts';
import { agentNodes } from './harness/nodes.ts';
import {
  closeJobs,
  environmentOf,
  printing,
  showEnvironment,
  type TaskJobOptions,
  taskJob,
} from './harness/trial-jobs.ts';

/** The agent's rules about one step: its environment, commands, result. One throw-away task for each rule. */

afterEach(closeJobs);

async function run(
  main: string,
  more: TaskJobOptions = {},
  step: TaskStepOptions = {},
): Promise<AgentResult> {
  return taskJob(main, more).step(step);
}

/** The log between the agent's own heading and its last line. */
function shownBy(result: AgentResult): string[] {
  return result.displayed.split('\n').slice(8, -1);
}

const restricted = { restrictions: { commands: { mode: 'restricted' } } };

describe('what a task gets', () => {
  test('inputs: trimmed, defaults from the manifest, variables replaced once, secrets too', async () => {
    const inputs = [
      { name: 'given', type: 'string', label: 'l', defaultValue: 'unused' },
      { name: 'left out', type: 'string', label: 'l', defaultValue: ' default ' },
      { name: 'none', type: 'string', label: 'l' },
    ];
    const variables = { inner: '$(given)', password: { value: 'hidden-value', secret: true } };
    const environment = environmentOf(
      await run(
        showEnvironment,
        { manifest: { inputs }, variables },
        { inputs: { Given: ' $(INNER) $(password) $(unknown) ' } },
      ),
    );
    expect(environment).toMatchObject({
      INPUT_GIVEN: '$(given) hidden-value $(unknown)',
      INPUT_LEFT_OUT: 'default',
      INPUT_NONE: '',
    });
  });

  test('variables by their formatted names; a secret one only as SECRET_…', async () => {
    const variables = {
      'System.PullRequest.IsFork': 'True',
      'my secret': { value: 'hidden-value', secret: true },
    };
    const environment = environmentOf(await run(showEnvironment, { variables }));
    expect(environment).toMatchObject({
      SYSTEM_PULLREQUEST_ISFORK: 'True',
      SECRET_MY_SECRET: 'hidden-value',
      TF_BUILD: 'True',
      'agent.jobstatus': 'Succeeded',
    });
    expect(environment['MY_SECRET']).toBeUndefined();
    expect(JSON.parse(environment['VSTS_PUBLIC_VARIABLES'] ?? '')).toContain('System.PullRequest.IsFork');
    expect(JSON.parse(environment['VSTS_SECRET_VARIABLES'] ?? '')).toContain('my secret');
    expect(environment['ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN']).toBeDefined();
  });

  test('the agent’s proxy and CA as variables, its password as a secret one', async () => {
    const proxy = { url: 'http://127.0.0.1:2', username: 'u', password: 'pass:word', bypass: ['^https://a'] };
    const environment = environmentOf(await run(showEnvironment, { proxy, caFile: '/ca.pem' }));
    expect(environment).toMatchObject({
      AGENT_PROXYURL: 'http://127.0.0.1:2',
      AGENT_PROXYUSERNAME: 'u',
      SECRET_AGENT_PROXYPASSWORD: 'pass:word',
      AGENT_PROXYBYPASSLIST: '["^https://a"]',
      AGENT_CAINFO: '/ca.pem',
      HTTPS_PROXY: 'http://127.0.0.1:1',
    });
    expect(environment['AGENT_PROXYPASSWORD']).toBeUndefined();
  });

  test.each(agentNodes)('the given Node runs the task (Node $major)', async ({ path, version }) => {
    expect((await run('console.log(process.versions.node);', { node: path })).raw.stdout).toBe(
      `${version}\n`,
    );
  });
});

describe('commands in the output', () => {
  test('a command is found anywhere in a line, and its escapes are decoded, the percent sign last', async () => {
    const result = await run(
      printing('text ##vso[task.setvariable variable=a%3Bb;]x%0Ay%5D%AZP250A', '##VSO[task.debug]not one'),
    );
    expect(result.variables).toEqual({ 'a;b': { value: 'x\ny]%0A', secret: false } });
    expect(shownBy(result)).toEqual(['##VSO[task.debug]not one']);
  });

  test('a mask hides a value and its escaped forms from its line on, not before', async () => {
    const secret = 'a"b c/d-secret';
    const result = await run(
      printing(
        secret,
        `##vso[task.setsecret]${secret}`,
        `now ${secret}`,
        encodeURIComponent(secret),
        JSON.stringify(secret),
        Buffer.from(secret).toString('base64'),
      ),
    );
    // The agent does not encode secrets in base64, unlike GitHub's runner.
    expect(shownBy(result)).toEqual([
      secret,
      'now ***',
      '***',
      '"***"',
      Buffer.from(secret).toString('base64'),
    ]);
    expect(result.events.map(({ kind }) => kind)).toEqual(['log', 'mask', 'log', 'log', 'log', 'log', 'end']);
  });

  test('a secret variable is hidden, stays secret when set again, and reaches a later step by `env:` alone', async () => {
    const made = taskJob(
      printing(
        '##vso[task.setvariable variable=token;issecret=true]hidden-value',
        '##vso[task.setvariable variable=TOKEN]other-value',
        'hidden-value other-value',
      ),
    );
    const result = await made.step();
    expect(shownBy(result)).toEqual(['*** ***']);
    expect(result.variables).toEqual({
      token: { value: 'hidden-value', secret: true },
      TOKEN: { value: 'other-value', secret: true },
    });
    const later = await made.script('console.log(process.env.TOKEN, process.env.MAPPED);', {
      MAPPED: '$(Token)',
    });
    expect(later.raw.stdout).toBe('undefined other-value\n');
    expect(made.displayed).not.toContain('other-value');
  });

  test('a secret with a line break fails the task, and the variable is not set', async () => {
    const result = await run(printing('##vso[task.setvariable variable=key;issecret=true]one%0Atwo'));
    expect(result.result).toBe('Failed');
    expect(result.variables).toEqual({});
    expect(result.annotations.map(({ message }) => message)).toEqual([
      expect.stringContaining('Unable to process command'),
      'Secrets cannot contain multiple lines',
    ]);
  });

  test('an output variable goes to the server and is known by the step’s name only', async () => {
    const manifest = { outputVariables: [{ name: 'declared' }] };
    const result = await run(
      printing(
        '##vso[task.setvariable variable=one;isoutput=true]1',
        '##vso[task.setvariable variable=Declared]2',
      ),
      { manifest },
      { name: 'step' },
    );
    expect(result.variables).toEqual({
      'step.one': { value: '1', secret: false },
      'step.Declared': { value: '2', secret: false },
    });
    expect(result.sentToServer).toEqual({ one: '1', Declared: '2' });
  });

  test('overwriting a read-only variable warns', async () => {
    const result = await run(printing('##vso[task.setvariable variable=agent.name]x'));
    expect(result.annotations[0]).toMatchObject({
      level: 'warning',
      message: expect.stringContaining("'agent.name'"),
    });
  });

  test('restricted mode lets a task set variables and fail, and blocks other commands with a warning', async () => {
    const result = await run(
      printing(
        '##vso[task.setvariable variable=a]1',
        '##vso[task.settaskvariable variable=b]2',
        '##vso[task.uploadfile]/etc/passwd',
        '##vso[build.addbuildtag]x',
        '##vso[task.setendpoint id=1]x',
      ),
      { manifest: restricted },
    );
    expect(result.variables).toHaveProperty('a');
    expect(result.taskVariables).toEqual({ b: '2' });
    expect(result.events.flatMap((event) => (event.kind === 'refused' ? [event.what] : []))).toEqual([
      'task.uploadfile',
      'build.addbuildtag',
      'task.setendpoint',
    ]);
    expect(result.result).toBe('Succeeded');
    expect(result.annotations[0]?.message).toContain('##vso[task.uploadfile] is not allowed in this step');
  });

  test('without restrictions the same commands are carried out', async () => {
    const result = await run(printing('##vso[build.addbuildtag]x'));
    expect(result.events).toContainEqual({ kind: 'command', name: 'build.addbuildtag', data: 'x' });
  });

  test('a name that the manifest does not allow is not set, and neither is the path', async () => {
    const restrictions = { settableVariables: { allowed: ['!{PATH,LD_*,SYSTEM[._]*}'] } };
    const result = await run(
      printing(
        ...['Path', 'ld_preload', 'system.debug', 'PATHOLOGY', 'systems'].map(
          (name) => `##vso[task.setvariable variable=${name}]x`,
        ),
        '##vso[task.prependpath]/tmp/bin',
      ),
      { manifest: { restrictions } },
    );
    expect(Object.keys(result.variables)).toEqual(['PATHOLOGY', 'systems']);
    expect(result.paths).toEqual([]);
    expect(result.events.filter(({ kind }) => kind === 'refused')).toHaveLength(4);
  });

  test('text that only looks like a command is shown, with a warning', async () => {
    const result = await run(printing('##vso[task.debug', '##vso[nonsense]x', '##vso[area.event]x'));
    expect(result.annotations.map(({ level }) => level)).toEqual(['warning', 'warning', 'warning']);
    expect(shownBy(result)).toContain('##vso[nonsense]x');
  });

  test('an unknown command of a known area fails the task', async () => {
    expect((await run(printing('##vso[task.nonsense]x'))).result).toBe('Failed');
  });

  test('debug lines show only with the debug switch, masked, and name every command', async () => {
    const main = printing('##vso[task.setsecret]hidden-value', '##vso[task.debug]saw hidden-value');
    expect(shownBy(await run(main))).toEqual([]);
    expect(shownBy(await run(main, { debug: true }))).toEqual([
      `##[debug]Using node path: ${process.execPath}`,
      '##[debug]Processed: ##vso[task.setsecret]***',
      '##[debug]saw ***',
    ]);
  });

  test('issues are shown and kept, masked', async () => {
    const result = await run(
      printing(
        '##vso[task.setsecret]hidden-value',
        '##vso[task.logissue type=error]no hidden-value%0Ahere',
        '##vso[task.issue type=warning;]w',
      ),
    );
    expect(shownBy(result)).toEqual(['##[error]no ***', 'here', '##[warning]w']);
    expect(result.annotations.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'error no ***\nhere',
      'warning w',
    ]);
  });
});

describe('how a task ends', () => {
  test.each([
    ['', 'Succeeded'],
    [printing('##vso[task.complete result=Failed;]why'), 'Failed'],
    [printing('##vso[task.complete result=SucceededWithIssues]'), 'SucceededWithIssues'],
    [printing('##vso[task.complete result=Failed]', '##vso[task.complete result=Succeeded]'), 'Failed'],
    [printing('##vso[task.complete result=failed]'), 'Failed'],
    ['process.exit(3);', 'Failed'],
    [printing('##vso[task.logissue type=error]an error alone fails nothing'), 'Succeeded'],
  ])('%j → %s', async (main, result) => {
    expect((await run(main)).result).toBe(result);
  });

  test('an exit code other than 0 is an error of the agent itself', async () => {
    expect((await run('process.exit(3);')).annotations[0]?.message).toMatch(
      /^Exit code 3 returned from process/,
    );
  });

  test('the post-job execution gets the task’s variables, last first, and always runs', async () => {
    const main = `console.log('##vso[task.settaskvariable variable=a.mark]' + process.env.INPUT_WHO); process.exit(process.env.INPUT_WHO === '2' ? 1 : 0);`;
    const made = taskJob(main, { post: 'console.log(process.env.VSTS_TASKVARIABLE_A_MARK);' });
    await made.step({ inputs: { who: '1' } });
    await made.step({ inputs: { who: '2' } });
    expect((await made.post()).map((post) => post.raw.stdout)).toEqual(['2\n', '1\n']);
    expect(made.result).toBe('Failed');
  });

  test('a cancelled task gets SIGINT first, and its post-job execution runs', async () => {
    const made = taskJob(
      `console.log('##vso[task.settaskvariable variable=begun]yes'); process.on('SIGINT', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready');`,
      { post: 'console.log(process.env.VSTS_TASKVARIABLE_BEGUN);' },
    );
    const running = made.start();
    await running.seen((event) => event.kind === 'log' && event.text === 'ready');
    expect(await running.cancel()).toMatchObject({ result: 'Canceled', exitCode: 0 });
    expect((await made.post())[0]?.raw.stdout).toBe('yes\n');
  });

  test('the temporary folder is emptied at the end of the job', () => {
    const made = taskJob('');
    expect(existsSync(made.temp)).toBe(true);
    made.close();
    expect(existsSync(made.temp)).toBe(false);
  });
});
