import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { containersWork } from './harness/runner-container.ts';
import {
  actionJob,
  appending,
  closeJobs,
  environmentOf,
  printing,
  ready,
  showEnvironment,
  waiting,
} from './harness/trial-jobs.ts';

/** The runner's rules about job containers. Only root on Linux can play one. */

afterEach(closeJobs);

/** Two users that exist nowhere else. */
const runnerUser = 41001;
const imageUser = 41002;
const container = { runnerUser };

(containersWork ? describe : describe.skip)('in a container job', () => {
  test('paths are those of the container, and its files are the host’s', async () => {
    const job = actionJob(
      `const { writeFileSync } = await import('node:fs');
       writeFileSync(process.env.RUNNER_TEMP + '/from-inside', 'x'); ${appending('OUTPUT', 'a=1\n')}
       ${showEnvironment}`,
      { container },
    );
    const result = await job.step({ inputs: { 'client-id': '1' } });
    expect(environmentOf(result)).toMatchObject({
      'INPUT_CLIENT-ID': '1',
      RUNNER_TEMP: '/__w/_temp',
      GITHUB_WORKSPACE: '/__w/repository/repository',
      GITHUB_OUTPUT: expect.stringMatching(/^\/__w\/_temp\/_runner_file_commands\/set_output_/),
      GITHUB_EVENT_PATH: '/github/workflow/event.json',
      HOME: '/github/home',
      RUNNER_TOOL_CACHE: '/__t',
      PATH: expect.stringMatching(/^\/usr\/local\/sbin:/),
    });
    expect(result.raw.stdout).not.toContain(job.temp);
    expect(result.outputs).toEqual({ a: '1' });
    expect(existsSync(join(job.temp, 'from-inside'))).toBe(true);
  });

  test('a step is root by default, has no parent process, and cannot see the host’s files', async () => {
    const job = actionJob(
      `const { existsSync } = await import('node:fs');
       console.log(process.getuid(), process.ppid, process.cwd(), existsSync(process.env.OUTSIDE), process.env.RUNNER_TRACKING_ID);`,
      { container, environment: { OUTSIDE: process.cwd() } },
    );
    expect((await job.step()).raw.stdout).toBe('0 0 /__w/repository/repository false undefined\n');
  });

  test('a volume has the same path inside', async () => {
    const volume = join(process.cwd(), 'package.json');
    const job = actionJob(`console.log((await import('node:fs')).existsSync(process.env.VOLUME));`, {
      container: { volumes: [volume] },
      environment: { VOLUME: volume },
    });
    expect((await job.step()).raw.stdout).toBe('true\n');
  });

  test('what root wrote with mode 0700 stops the runner, which cannot empty its own folder', async () => {
    const job = actionJob(
      `const { mkdirSync, writeFileSync, chownSync, statSync } = await import('node:fs');
       const temp = process.env.RUNNER_TEMP;
       for (const name of ['kept', 'given']) {
         mkdirSync(temp + '/' + name, { mode: 0o700 });
         writeFileSync(temp + '/' + name + '/file', '', { mode: 0o600 });
       }
       const { uid, gid } = statSync(temp);
       for (const path of ['/given/file', '/given']) chownSync(temp + path, uid, gid);`,
      { container },
    );
    await job.step();
    expect(statSync(job.temp).uid).toBe(runnerUser);
    const { leftInTemp } = job.complete();
    expect(leftInTemp).toEqual(expect.arrayContaining(['kept', join('kept', 'file')]));
    expect(leftInTemp).not.toContain(join('given', 'file'));
  });

  test('an image with another user can write neither command files nor the temporary folder', async () => {
    const job = actionJob(
      `const { appendFileSync } = await import('node:fs');
       for (const path of [process.env.GITHUB_OUTPUT, process.env.RUNNER_TEMP + '/new']) {
         try { appendFileSync(path, 'a=1'); console.log('written'); } catch (error) { console.log(process.getuid(), error.code); }
       }`,
      { container: { runnerUser, user: imageUser } },
    );
    expect((await job.step()).raw.stdout).toBe(`${imageUser} EACCES\n${imageUser} EACCES\n`);
  });

  test('a cancel detaches the process: post runs while main is alive, and main’s later words are lost', async () => {
    const job = actionJob(
      `process.on('SIGINT', () => {});
       const { existsSync, writeFileSync } = await import('node:fs');
       const temp = process.env.RUNNER_TEMP;
       console.log('ready');
       while (!existsSync(temp + '/post-ran')) await new Promise((resolve) => setTimeout(resolve, 5));
       console.log('too late');
       writeFileSync(temp + '/late', '');`,
      {
        container,
        post: `(await import('node:fs')).writeFileSync(process.env.RUNNER_TEMP + '/post-ran', '');`,
      },
    );
    const running = job.start();
    await running.seen(ready);
    const result = await running.cancel();
    expect(result).toMatchObject({ conclusion: 'cancelled', signal: 'SIGINT', streamsLeftOpen: false });
    expect(existsSync(join(job.temp, 'late'))).toBe(false);
    expect(await job.post()).toMatchObject([{ conclusion: 'success' }]);
    await running.gone;
    expect(existsSync(join(job.temp, 'late'))).toBe(true);
    expect(job.displayed).not.toContain('too late');
  });

  test('the end of the job ends everything in the container', async () => {
    const job = actionJob(waiting('SIGINT', 'SIGTERM'), { container });
    const running = job.start();
    await running.seen(ready);
    await running.cancel();
    writeFileSync(join(job.temp, 'file'), '');
    expect(job.complete()).toMatchObject({ orphans: [], leftInTemp: [] });
    await running.gone;
  });

  test('variables, paths and masks pass from step to step', async () => {
    const job = actionJob(
      `${appending('ENV', 'A=1\n')} ${appending('PATH', '/opt/tool\n')} ${printing('::add-mask::hidden-value')}`,
      { container },
    );
    await job.step();
    const later = await job.script(`console.log(process.env.A, process.env.PATH, 'hidden-value');`);
    expect(later.raw.stdout).toMatch(/^1 \/opt\/tool:\/usr/);
    expect(later.displayed).toContain('***');
  });
});

(containersWork ? test.skip : test)('without root, a container job is an error and not a host job', () => {
  expect(() => actionJob('', { container })).toThrow('run the tests as root');
});
