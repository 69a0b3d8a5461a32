import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { ARM_SCOPE, askEntra } from '../emulator/token-requests.ts';
import { type HostUnderTest, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { FeedJob, type Tool, tools, writeNpmLock } from './feed-job.ts';
import { type FeedSoftware, startFeedSoftware } from './feed-software.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { filesWith, shows } from './token-search.ts';

const [host] = oneOfEach as [HostUnderTest];
let machine: MachineWithClients;
let software: FeedSoftware;
beforeAll(async () => {
  machine = await startMachineWithClients();
  software = await startFeedSoftware(machine.azure);
});
afterAll(async () => {
  await software.stop();
  await machine.stop();
});
beforeEach(() => machine.azure.clearRequests());

const statuses = () =>
  new Set(machine.azure.requests.filter(({ leg }) => leg === 'feeds').map(({ status }) => status));

async function tokenOf(clientId: string, scope: string): Promise<string> {
  const answer = await askEntra(machine.azure, { form: { client_id: clientId, scope } });
  return String(answer.json()['access_token']);
}

/** What a user sees after a 401. pip 23 does not say that it was one. */
const says: Readonly<Record<Tool, RegExp>> = {
  npm: /npm error code E401/u,
  'pip and twine': /No matching distribution found for contoso-greeting/u,
  uv: /401 Unauthorized|credentials/u,
  Maven: /\b401\b/u,
};

describe('each tool of the example fails', () => {
  const devOps = '499b84ac-1321-427f-aa17-267ca6975798/.default';
  const cases: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['without a token', () => ''],
    ['with a token for another resource', () => tokenOf(clientIds.deployer, ARM_SCOPE)],
    ['with the token of an app that is no member', () => tokenOf(clientIds.administrator, devOps)],
    [
      'with a token that is over',
      async () => {
        const claims = claimsOf(await tokenOf(clientIds.deployer, devOps));
        return machine.azure.entra.sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 1 });
      },
    ],
  ];

  test.each(cases)('%s: 401 and nothing else', async (title, badToken) => {
    const job = new FeedJob(machine, host, title.replaceAll(' ', '-'));
    await job.signIn();
    await writeNpmLock(job);
    const FEED_TOKEN = await badToken();
    for (const tool of tools) {
      machine.azure.clearRequests();
      const { code, stdout, stderr } = await job.runTool(tool, { FEED_TOKEN });
      expect([tool, code === 0]).toEqual([tool, false]);
      expect([tool, statuses()]).toEqual([tool, new Set([401])]);
      expect(`${stdout}${stderr}`).toMatch(says[tool]);
    }
    await job.end();
    job.close();
  });
});

test('an app that is only a reader installs, but does not publish', async () => {
  const job = new FeedJob(machine, host, 'reader', clientIds.multitenant);
  await job.signIn();
  await writeNpmLock(job);
  const { code, stderr } = await job.runTool('npm');
  expect(code).not.toBe(0);
  expect(stderr).toContain('npm error code E403');
  expect((await job.run('node app.cjs')).code).toBe(0);
  expect(statuses()).toContain(403);
  await job.end();
  job.close();
});

/** What docs/feeds.md says about each tool, in one job and in this order. A log of a host masks the token; a file or another system does not. */
describe('who prints the token', () => {
  let job: FeedJob;
  let token: string;
  beforeAll(async () => {
    job = new FeedJob(machine, host, 'printing');
    token = await job.signIn();
    await writeNpmLock(job);
    expect((await job.run('python3 -m venv .venv')).code).toBe(0);
  });
  afterAll(() => job.close());

  const pip =
    'export PIP_INDEX_URL="https://feed:$FEED_TOKEN@pkgs.dev.azure.com/contoso/_packaging/packages/pypi/simple/"; ';
  const uv =
    'export UV_INDEX_PACKAGES_USERNAME=feed UV_INDEX_PACKAGES_PASSWORD="$FEED_TOKEN" UV_PUBLISH_USERNAME=feed UV_PUBLISH_PASSWORD="$FEED_TOKEN"; ';
  const twine =
    'export TWINE_USERNAME=feed TWINE_PASSWORD="$FEED_TOKEN" TWINE_REPOSITORY_URL=https://pkgs.dev.azure.com/contoso/_packaging/packages/pypi/upload/; ';

  test.each([
    ['npm ci --ignore-scripts --loglevel silly'],
    ['npm publish --loglevel silly'],
    ['npm config ls --long'],
    [`${pip}.venv/bin/pip install -vvv --only-binary :all: --requirement requirements.txt`],
    [`${pip}.venv/bin/pip install --no-deps --force-reinstall --report report.json contoso-greeting`],
    [`${pip}.venv/bin/python -m build --verbose`],
    [`${twine}.venv/bin/twine upload --verbose --non-interactive dist/*`],
    [`${uv}uv sync -vv`],
    [`${uv}rm -r dist; sed --in-place 's/^version = .*/version = "2.0.0"/' pyproject.toml; uv build -vv`],
    [`${uv}uv publish -vv --index packages`],
  ])('not: %s', async (command) => {
    const outcome = await job.run(command);
    expect(outcome).toMatchObject({ code: 0 });
    expect(shows(outcome, token)).toBe(false);
  });

  test('npm refuses to print it', async () => {
    const name = '//pkgs.dev.azure.com/contoso/_packaging/packages/npm/registry/:_authToken';
    const outcome = await job.run(`npm config get ${name}`);
    expect(outcome.stderr).toContain('option is protected');
    expect(shows(outcome, token)).toBe(false);
  });

  test.each([
    [`${pip}.venv/bin/pip config list`],
    [`${pip}.venv/bin/pip config debug`],
    ['mvn --batch-mode --debug --settings settings.xml deploy'],
  ])('prints it: %s', async (command) => {
    const outcome = await job.run(command);
    expect(outcome).toMatchObject({ code: 0 });
    expect(shows(outcome, token)).toBe(true);
  });

  test('pip passes it to a process of its own as an argument, if it builds a source package', async () => {
    const log =
      'import sys\nwith open("arguments.log", "a") as log:\n    log.write(repr(sys.orig_argv) + "\\n")\n';
    const script = `rm -r dist; mkdir site; printf '%s' "$LOG" >site/sitecustomize.py; ${pip}${uv}
      uv build --sdist
      PYTHONPATH=$PWD/site .venv/bin/pip install --no-deps --force-reinstall dist/*.tar.gz >/dev/null
      cat arguments.log; rm arguments.log`;
    const outcome = await job.run(script, { LOG: log });
    expect(outcome).toMatchObject({ code: 0 });
    expect(shows(outcome, token)).toBe(true);
  });

  test('none of this writes it to a file', async () => {
    expect(filesWith(token, [...(await job.end()), software.storage])).toEqual([]);
  });
});
