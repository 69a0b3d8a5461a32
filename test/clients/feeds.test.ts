import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { oneOfEach } from '../scenarios/hosts-under-test.ts';
import { FeedJob, notRun, tools, writeNpmLock } from './feed-job.ts';
import { type FeedSoftware, feed, filesBelow, greeting, startFeedSoftware } from './feed-software.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { filesWith, formsOf, shows } from './token-search.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

const feedRequests = () => machine.azure.requests.filter(({ leg }) => leg === 'feeds');
const paths = (method: string): string[] =>
  feedRequests()
    .filter((request) => request.method === method && (request.status ?? 0) < 300)
    .map(({ path }) => decodeURIComponent(path).replace(`/${feed}/`, ''));

test('the search finds a token in the forms that tools write', () => {
  const token = `eyJhbGciOiJSUzI1NiJ9.${'cGF5bG9hZA'.repeat(30)}.${'c2lnbmF0dXJl'.repeat(20)}`;
  const texts = [
    token,
    `https://feed:${token}@host/`,
    Buffer.from(`feed:${token}`).toString('base64'),
    Buffer.from(`fe:${token}`).toString('base64'),
    Buffer.from(token).toString('base64'),
  ];
  for (const text of texts) expect(formsOf(token).some((form) => text.includes(form))).toBe(true);
});

describe.each(oneOfEach)('$title', (host) => {
  let software: FeedSoftware;
  let job: FeedJob;
  let token: string;
  beforeAll(async () => {
    software = await startFeedSoftware(machine.azure);
    job = new FeedJob(machine, host, host.kind);
    token = await job.signIn();
  });
  afterAll(async () => {
    job.close();
    await software.stop();
  });
  beforeEach(() => machine.azure.clearRequests());

  test('the token is the app’s, for Azure DevOps', () => {
    expect(claimsOf(token)).toMatchObject({
      aud: '499b84ac-1321-427f-aa17-267ca6975798',
      appid: clientIds.deployer,
    });
  });

  test('the example has a step for each tool, and one that is not run here', () => {
    const commands = job.commands().map(({ command }) => command);
    expect(commands.filter((command) => notRun.test(command))).toHaveLength(1);
    expect(commands).toHaveLength(tools.length + 1);
  });

  test('npm installs and publishes', async () => {
    await writeNpmLock(job);
    const outcome = await job.runTool('npm');
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain('+ @contoso/app@1.0.0');
    expect(paths('GET')).toContain('npm/registry/@contoso/greeting/-/greeting-1.0.0.tgz');
    expect(paths('PUT')).toEqual(['npm/registry/@contoso/app']);
    expect((await job.run('node app.cjs')).stdout).toBe(`${greeting}\n`);
    expect(shows(outcome, token)).toBe(false);
  });

  test('pip installs, build builds, twine publishes', async () => {
    const outcome = await job.runTool('pip and twine');
    expect(outcome).toMatchObject({ code: 0 });
    expect(paths('GET')).toContain('pypi/packages/contoso_greeting-1.0.0-py3-none-any.whl');
    // The environment of the build gets its backend from the feed, too.
    expect(paths('GET')).toContain('pypi/packages/flit_core-3.12.0-py3-none-any.whl');
    expect(paths('POST')).toEqual(['pypi/upload/', 'pypi/upload/']);
    expect(filesBelow(join(software.storage, 'python')).map((path) => basename(path))).toEqual(
      expect.arrayContaining(['contoso_app-1.0.0-py3-none-any.whl', 'contoso_app-1.0.0.tar.gz']),
    );
    expect(shows(outcome, token)).toBe(false);
  });

  test('uv installs', async () => {
    const outcome = await job.runTool('uv');
    expect(outcome).toMatchObject({ code: 0 });
    expect(paths('GET')).toContain('pypi/packages/contoso_greeting-1.0.0-py3-none-any.whl');
    expect((await job.run('.venv/bin/python contoso_app.py')).stdout).toBe(`${greeting}\n`);
    expect(shows(outcome, token)).toBe(false);
  });

  test('Maven gets its plugins and dependencies, and deploys', async () => {
    const outcome = await job.runTool('Maven');
    expect(outcome).toMatchObject({ code: 0 });
    expect(paths('GET')).toContain('maven/v1/com/contoso/greeting/1.0.0/greeting-1.0.0.jar');
    expect(paths('PUT')).toContain('maven/v1/com/contoso/app/1.0.0/app-1.0.0.jar');
    expect(existsSync(join(software.storage, 'maven/com/contoso/app/1.0.0/app-1.0.0.jar'))).toBe(true);
    expect(shows(outcome, token)).toBe(false);
  });

  test('nothing is left: no file of the home folder, the workspace, the job or the feed has the token', async () => {
    const folders = await job.end();
    expect(filesWith(token, [...folders, software.storage])).toEqual([]);
    // The search had something to search.
    expect(filesBelow(job.workspace).length).toBeGreaterThan(100);
    expect(filesBelow(job.home).length).toBeGreaterThan(100);
  });
});
