import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { nodes } from './harness/nodes.ts';
import type { RunnerResult, StepOptions } from './harness/runner.ts';
import {
  actionJob,
  appending,
  closeJobs,
  environmentOf,
  printing,
  showEnvironment,
} from './harness/trial-jobs.ts';

/** The runner's rules about one step: its environment, commands, command files. One throw-away action for each rule. */

afterEach(closeJobs);

async function run(
  main: string,
  more: Parameters<typeof actionJob>[1] = {},
  step: StepOptions = {},
): Promise<RunnerResult> {
  return actionJob(main, more).step(step);
}

/** The log without the runner's own heading. */
function shownBy(result: RunnerResult): string[] {
  const lines = result.displayed.split('\n');
  return lines.slice(lines.indexOf('') + 1);
}

describe('what a step gets', () => {
  test('every declared input is set: to the given value, its default, or nothing', async () => {
    const inputs = { 'client-id': '', cloud: 'public', 'two words': 'x' };
    const environment = environmentOf(await run(showEnvironment, { inputs }, { inputs: { cloud: 'china' } }));
    expect(environment).toMatchObject({ 'INPUT_CLIENT-ID': '', INPUT_CLOUD: 'china', INPUT_TWO_WORDS: 'x' });
  });

  test('an input that the action does not declare is passed on with a warning', async () => {
    const result = await run(showEnvironment, {}, { inputs: { typo: '1' } });
    expect(result.annotations).toEqual([
      expect.objectContaining({
        level: 'warning',
        message: expect.stringContaining("Unexpected input(s) 'typo'"),
      }),
    ]);
    expect(environmentOf(result)).toMatchObject({ INPUT_TYPO: '1' });

    const job = actionJob('', { post: '' });
    await job.step({ inputs: { typo: '1' } });
    const [post] = await job.post();
    expect(post?.annotations).toHaveLength(1);
  });

  test('a step inherits nothing of this process’s environment except PATH', async () => {
    process.env['HARNESS_SENTINEL'] = 'here';
    const environment = environmentOf(await run(showEnvironment));
    delete process.env['HARNESS_SENTINEL'];
    expect(environment['HARNESS_SENTINEL']).toBeUndefined();
    expect(environment['HOME']).not.toBe(process.env['HOME']);
    expect(environment['PATH']).toBe(process.env['PATH']);
  });

  test('proxies and the metadata service are closed ports unless the test sets others', async () => {
    expect(environmentOf(await run(showEnvironment))).toMatchObject({
      HTTPS_PROXY: 'http://127.0.0.1:1',
      https_proxy: 'http://127.0.0.1:1',
      NO_PROXY: '127.0.0.1,localhost,::1',
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1',
    });
    const given = environmentOf(
      await run(showEnvironment, { environment: { HTTPS_PROXY: 'http://127.0.0.1:2' } }),
    );
    expect(given).toMatchObject({ HTTPS_PROXY: 'http://127.0.0.1:2', HTTP_PROXY: 'http://127.0.0.1:1' });
    expect(given['https_proxy']).toBeUndefined();
    const toTheRealOne = { environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: '' } };
    expect(() => actionJob(showEnvironment, toTheRealOne).start()).toThrow('must not be empty');
  });

  test('no connection leaves the machine, whatever the program does', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const result = await run(
      `import net from 'node:net';
       const attempt = (host, port) => new Promise((resolve) => net.connect(port, host).on('connect', () => resolve('open')).on('error', (error) => resolve(error.code)));
       // An address of the documentation's own, in case the module has a gap.
       console.log(await attempt('192.0.2.1', 80), await attempt('example.invalid', 80), await attempt('127.0.0.1', ${port}));
       await fetch('http://192.0.2.1/').catch((error) => console.log(error.cause.code));
       process.exit();`,
    );
    server.close();
    expect(result.raw.stdout).toBe('ENETUNREACH ENETUNREACH open\nENETUNREACH\n');
  });

  test('the event, the workspace and the temporary folder are where the variables say', async () => {
    const event = { name: 'pull_request', payload: { number: 7 } };
    const result = await run(
      `import { readFileSync, existsSync } from 'node:fs';
       const { GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_WORKSPACE, RUNNER_TEMP } = process.env;
       console.log(GITHUB_EVENT_NAME, readFileSync(GITHUB_EVENT_PATH, 'utf8'), process.cwd() === GITHUB_WORKSPACE, existsSync(RUNNER_TEMP));`,
      { event },
    );
    expect(result.raw.stdout).toBe('pull_request {"number":7} true true\n');
  });
});

describe('commands in the output', () => {
  test('a mask hides a value from its line on, not before', async () => {
    const result = await run(printing('s3cret-value', '::add-mask::s3cret-value', 'now s3cret-value'));
    expect(shownBy(result)).toEqual(['s3cret-value', 'now ***']);
    expect(result.events.map(({ kind }) => kind)).toEqual(['log', 'mask', 'log', 'end']);
  });

  test('a mask of several lines hides each of them, and the escaped forms of a value', async () => {
    const result = await run(
      printing(
        '::add-mask::first line%0Asecond "line"',
        'a first line b second "line" c',
        Buffer.from('first line').toString('base64'),
        Buffer.from('xfirst line').toString('base64'),
        Buffer.from('xyfirst line').toString('base64'),
        'first%20line',
        JSON.stringify('second "line"'),
      ),
    );
    const shown = shownBy(result).join('\n');
    expect(shown).not.toMatch(/first|second|line/);
    // The bytes before the secret share a character of its base64. That much stays.
    expect(shownBy(result).slice(1, 4)).toEqual([
      '***',
      expect.stringMatching(/^.{4}\*{3}$/),
      expect.stringMatching(/^.{4}\*{3}$/),
    ]);
    expect(shownBy(result)[0]).toBe('a *** b *** c');
  });

  test('overlapping and adjoining secrets become one run of stars', async () => {
    const result = await run(
      printing('::add-mask::abcdef', '::add-mask::defghi', '::add-mask::jkl', 'abcdefghijkl.'),
    );
    expect(shownBy(result)).toEqual(['***.']);
  });

  test('both forms are commands: `::` first in the line, `##[` anywhere in it, on stdout and stderr', async () => {
    const result = await run(
      `${printing(
        '  ::error title=T%3A1,file=a.js::one%0Atwo',
        'text ##[warning]old form',
        'a warning::not a command',
      )}process.stderr.write('::notice::from stderr\\n');`,
    );
    const byMessage = Object.fromEntries(result.annotations.map((one) => [one.message, one]));
    expect(Object.keys(byMessage).sort()).toEqual(['from stderr', 'old form', 'one\ntwo']);
    expect(byMessage['one\ntwo']?.properties).toEqual({ title: 'T:1', file: 'a.js' });
    expect(result.displayed).toContain('Error: one\ntwo');
    expect(result.displayed).toContain('Warning: old form');
    expect(result.displayed).toContain('a warning::not a command');
  });

  test('a lone carriage return ends a line, so a command can follow it', async () => {
    const result = await run(`process.stdout.write('progress 1%\\r::warning::after a return\\r\\nlast');`);
    expect(result.annotations.map(({ message }) => message)).toEqual(['after a return']);
    expect(shownBy(result)).toEqual(['progress 1%', 'Warning: after a return', 'last']);
  });

  test('percent signs are unescaped once', async () => {
    const result = await run(printing('::error::100%25, not %250A'));
    expect(result.annotations[0]?.message).toBe('100%, not %0A');
  });

  test('an unknown command is text', async () => {
    const result = await run(printing('::unknown::text', '##[unknown]text'));
    expect(shownBy(result)).toEqual(['::unknown::text', '##[unknown]text']);
  });

  test('set-env and add-path are disabled and fail the step, unless the job allows them', async () => {
    const commands = printing('::set-env name=A::1', '::add-path::/opt/tool');
    const refused = await run(commands);
    expect(refused.conclusion).toBe('failure');
    expect(refused.exported).toEqual({});
    expect(refused.events.filter(({ kind }) => kind === 'refused')).toHaveLength(2);
    expect(refused.annotations[1]?.message).toContain('The `set-env` command is disabled.');

    const allowed = await run(commands, { environment: { ACTIONS_ALLOW_UNSECURE_COMMANDS: 'true' } });
    expect(allowed.conclusion).toBe('success');
    expect(allowed.exported).toEqual({ A: '1' });
    expect(allowed.paths).toEqual(['/opt/tool']);
  });

  test('commands are text between stop-commands and its token', async () => {
    const result = await run(
      printing('::stop-commands::resume-here', '::error::quiet', '::resume-here::', '::error::loud'),
    );
    expect(result.annotations.map(({ message }) => message)).toEqual(['loud']);
  });

  test('other encodings of a secret are not hidden: hexadecimal, parts, base64 with text after it or wrapped', async () => {
    // Its length is no multiple of three: otherwise the base64 of the text begins with the secret's own.
    const secret = 'header-part.payload-part.signature-part2';
    const base64 = Buffer.from(`${secret} and more`).toString('base64');
    const shown = [
      Buffer.from(secret).toString('hex'),
      'payload-part',
      base64,
      ...(Buffer.from(secret)
        .toString('base64')
        .match(/.{1,20}/g) ?? []),
    ];
    const result = await run(printing(`::add-mask::${secret}`, ...shown));
    expect(shownBy(result)).toEqual(shown);
  });

  test('a value that is a secret of the repository is hidden from the start', async () => {
    const result = await run(printing('https://login.microsoftonline.com/a-tenant-id/v2.0'), {
      secrets: ['a-tenant-id'],
    });
    expect(shownBy(result)).toEqual(['https://login.microsoftonline.com/***/v2.0']);
  });

  test('debug lines show only with the debug switch, masked', async () => {
    const main = `${printing('::add-mask::hidden-value', '::debug::saw hidden-value')}`;
    expect((await run(main)).displayed).not.toContain('saw');
    expect((await run(main, { debug: true })).displayed).toContain('##[debug]saw ***');
  });
});

describe('command files', () => {
  test('both forms of an entry are read, and a block keeps its line breaks', async () => {
    const text = 'a=1=2\nb<<END\nline 1\nx=y\nEN D\nEND\n\nempty<<E\nE\n';
    const result = await run(appending('OUTPUT', text));
    expect(result.outputs).toEqual({ a: '1=2', b: 'line 1\nx=y\nEN D', empty: '' });
    expect(result.files.output).toBe(text);
  });

  test.each([
    ['no form at all\n', "Invalid format 'no form at all'"],
    ['a<<END\nvalue\n', "Invalid value. Matching delimiter not found 'END'"],
    ['a<<END\nvalue', 'Invalid value. EOF marker missing new line.'],
    ['<<END\n', 'Name must not be empty and delimiter must not be empty'],
  ])('a malformed file (%j) fails the step; earlier entries count', async (bad, message) => {
    const result = await run(appending('OUTPUT', `good=1\n${bad}`));
    expect(result.conclusion).toBe('failure');
    expect(result.outputs).toEqual({ good: '1' });
    expect(result.annotations.map((one) => one.message)).toEqual([
      "Unable to process file command 'output' successfully.",
      expect.stringContaining(message),
    ]);
  });

  test('NODE_OPTIONS is refused in any letter case; the rest reaches later steps', async () => {
    const made = actionJob(appending('ENV', 'Node_Options=--inspect\nKEPT=yes\n'));
    const result = await made.step();
    expect(result.exported).toEqual({ KEPT: 'yes' });
    expect(result.annotations[0]?.message).toBe(
      "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.",
    );
    const later = await made.script('console.log(process.env.KEPT, process.env.Node_Options);');
    expect(later.raw.stdout).toBe('yes undefined\n');
  });

  test('masks last as long as the job, and the heading of a later step is masked too', async () => {
    const made = actionJob(
      `${appending('ENV', 'TOKEN=token-of-the-job\n')} console.log('::add-mask::token-of-the-job');`,
    );
    await made.step();
    const later = await made.script(`console.log(process.env.TOKEN);`);
    expect(later.raw.stdout).toBe('token-of-the-job\n');
    expect(later.displayed).toContain('  TOKEN: ***');
    expect(made.displayed).not.toContain('token-of-the-job');
  });

  test('the summary is masked line by line', async () => {
    const result = await run(
      `${appending('STEP_SUMMARY', '# Done\nwith hidden-value\n')} console.log('::add-mask::hidden-value');`,
    );
    expect(result.summary).toBe('# Done\nwith ***\n');
  });

  test('variables keep their letter case: both spellings can be set', async () => {
    const job = actionJob(appending('ENV', 'NO_PROXY=upper\nno_proxy=lower\n'));
    await job.step();
    expect(environmentOf(await job.script(showEnvironment))).toMatchObject({
      NO_PROXY: 'upper',
      no_proxy: 'lower',
    });
  });

  test('a path is put before PATH for later steps', async () => {
    const made = actionJob(appending('PATH', '/opt/one\n/opt/two\n'));
    await made.step();
    const later = await made.script('console.log(process.env.PATH);');
    expect(later.raw.stdout).toMatch(/^\/opt\/two:\/opt\/one:/);
  });
});

describe('the life of a job', () => {
  test('post steps run last first, each with its own state and inputs, even after a failure', async () => {
    const main = `const { appendFileSync } = await import('node:fs'); appendFileSync(process.env.GITHUB_STATE, 'mark=' + process.env.INPUT_WHO + '\\n'); process.exit(process.env.INPUT_WHO === 'b' ? 1 : 0);`;
    const made = actionJob(main, {
      inputs: { who: '' },
      post: 'console.log(process.env.STATE_mark, process.env.INPUT_WHO);',
    });
    await made.step({ inputs: { who: 'a' } });
    expect((await made.step({ inputs: { who: 'b' } })).conclusion).toBe('failure');
    const posts = await made.post();
    expect(posts.map((post) => post.raw.stdout)).toEqual(['b b\n', 'a a\n']);
    expect(posts[0]?.displayed).toMatch(/^Post job cleanup\./);
    expect(made.conclusion).toBe('failure');
  });

  test('the command files of a cancelled step still count, and its post step runs', async () => {
    const made = actionJob(
      `${appending('STATE', 'begun=yes\n')} process.on('SIGINT', () => { console.log('interrupted'); process.exit(130); }); setInterval(() => {}, 1000); console.log('ready');`,
      { post: 'console.log(process.env.STATE_begun);' },
    );
    const running = made.start();
    await running.seen((event) => event.kind === 'log' && event.text === 'ready');
    const result = await running.cancel();
    expect(result).toMatchObject({ conclusion: 'cancelled', exitCode: 130, state: { begun: 'yes' } });
    expect(result.raw.stdout).toBe('ready\ninterrupted\n');
    expect((await made.post())[0]?.raw.stdout).toBe('yes\n');
  });

  test('waiting for an event that never comes fails when the step ends', async () => {
    const running = actionJob('').start();
    await expect(running.seen((event) => event.kind === 'mask')).rejects.toThrow('ended without');
    await running.finished;
  });

  test.each(nodes)('the given Node runs the action (Node $major)', async ({ path, version }) => {
    expect((await run('console.log(process.versions.node);', { node: path })).raw.stdout).toBe(
      `${version}\n`,
    );
  });
});
