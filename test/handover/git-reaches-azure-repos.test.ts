import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { keepProof } from '../clients/proof.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import {
  goodInputs,
  hostsUnderTest,
  type JobUnderTest,
  oneOfEach,
  runStepOn,
} from '../scenarios/hosts-under-test.ts';
import { gitEnvironment, gitHere, oldAddress, repository, runs, serveRepositories } from './repositories.ts';

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'azure-repos-'));
  serveRepositories(azure, folder);
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

const jobs: JobUnderTest[] = [];
afterEach(() => {
  for (const job of jobs.splice(0)) job.close();
  azure.setWorld(worldFor('public'));
  azure.clearRequests();
});

const inputs = { ...goodInputs, login: 'git' };
const emptyFolder = (name: string): string => mkdtempSync(join(folder, `${name}-`));
const open = (job: JobUnderTest): JobUnderTest => {
  jobs.push(job);
  return job;
};
/** The tokens that the app got for Azure DevOps. */
const tokenRequests = (client: string = clientIds.deployer): number =>
  azure.requests.filter(
    ({ leg, form }) =>
      leg === 'entra' &&
      form.get('client_id') === client &&
      (form.get('scope') ?? '').startsWith('499b84ac-1321-427f-aa17-267ca6975798/.default'),
  ).length;
const privateDirectory = (job: JobUnderTest): string =>
  join(job.temp, readdirSync(job.temp).find((name) => name.startsWith('entra-app-token-')) ?? '');
const lifetime = (seconds: number): void => {
  const world = worldFor('public');
  azure.setWorld({
    ...world,
    applications: world.applications.map((one) => ({ ...one, tokenLifetime: seconds })),
  });
};

describe.each(hostsUnderTest)('$title', (host) => {
  test('git clones, fetches a submodule and pushes, and the clean-up leaves nothing', async () => {
    const home = emptyFolder('home');
    const work = emptyFolder('work');
    // A user's own helper that would keep what it is given.
    writeFileSync(join(home, '.gitconfig'), '[credential]\n\thelper = store\n');
    const job = open(host.job(azure));
    const step = await job.step(inputs);
    expect(step.errors).toEqual([]);
    expect(step.log).toContain(`git gets tokens of app ${clientIds.deployer} for Azure Repos`);
    azure.clearRequests();
    const later = await job.script(
      runs(
        ['git', 'clone', '--recurse-submodules', repository, join(work, 'a')],
        ['git', 'clone', oldAddress, join(work, 'b')],
        ['git', '-C', join(work, 'b'), 'commit', '--allow-empty', '--message', host.title],
        [
          'git',
          '-C',
          join(work, 'b'),
          'push',
          'origin',
          `HEAD:refs/heads/${host.title.replaceAll(' ', '-')}`,
        ],
      ),
      { ...gitEnvironment(azure, home), GIT_TRACE: '1', GIT_CURL_VERBOSE: '1' },
    );
    expect(later.succeeded ? '' : later.log).toBe('');
    expect(readFileSync(join(work, 'a', 'shared', 'main.tf'), 'utf8')).toContain('hello');
    expect(
      gitHere(join(folder, 'infra.git'), 'log', '-1', '--format=%s', host.title.replaceAll(' ', '-')),
    ).toBe(`${host.title}\n`);
    // All of it took one token, and no request to the machine.
    expect(tokenRequests()).toBe(1);
    keepProof({
      tool: 'git',
      versions: { git: /[\d.]+\d/u.exec(gitHere(folder, 'version'))?.[0] ?? '' },
      host: host.title,
      inputs: { login: 'git' },
      variables: {},
      renewal: 'by itself',
      did: ['Cloned a repository and a submodule.', 'Pushed a branch.'],
    });
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const directory = privateDirectory(job);
    const files = ['federated-token', 'git-credential-token', 'git-credential.json'];
    expect(readdirSync(directory).sort()).toEqual(files);
    for (const name of files) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    const { token } = JSON.parse(readFileSync(join(directory, 'git-credential-token'), 'utf8')) as {
      token: string;
    };
    const assertion = readFileSync(join(directory, 'federated-token'), 'utf8');
    expect(readFileSync(join(directory, 'git-credential.json'), 'utf8')).not.toContain(assertion);
    // Git's traces name every program with its arguments, and every header.
    expect(later.transcript.raw.stderr + later.transcript.raw.stdout).toContain('run_command');
    assertNoSecretLeaks(later.transcript, [token, assertion], {});
    for (const text of [
      JSON.stringify(step.variables),
      readFileSync(join(work, 'a', '.git', 'config'), 'utf8'),
    ]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(assertion);
    }
    expect(readdirSync(home)).toEqual(['.gitconfig']);

    const [post] = await job.post();
    expect(post?.log).toContain(`Removed ${directory} with`);
    expect(existsSync(directory)).toBe(false);
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('what the job has in GIT_CONFIG_COUNT stays, and other hosts get nothing', async () => {
    const job = open(
      host.job(azure, {
        environment: {
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: 'credential.https://git.example.helper',
          GIT_CONFIG_VALUE_0: '!echo password=own #',
        },
      }),
    );
    const { variables, log } = await job.step(inputs);
    expect(variables['GIT_CONFIG_COUNT']).toBe('5');
    expect(log).not.toContain('had another value');
    const home = emptyFolder('home');
    const fill = async (...lines: string[]): Promise<string> => {
      const question = `${lines.join('\n')}\n\n`;
      const { transcript } = await job.script(
        `const { spawnSync } = await import('node:child_process');
         const { stdout } = spawnSync('git', ['credential', 'fill'], { input: ${JSON.stringify(question)}, encoding: 'utf8' });
         console.log(JSON.stringify(stdout.replace(/eyJ\\S+/, 'TOKEN')));`,
        gitEnvironment(azure, home),
      );
      return transcript.raw.stdout;
    };
    expect(await fill('protocol=https', 'host=git.example', 'username=u')).toContain('password=own');
    expect(await fill('protocol=https', 'host=dev.azure.com')).toContain('password=TOKEN');
    expect(await fill('protocol=https', 'host=contoso.visualstudio.com', 'username=contoso')).toContain(
      'username=contoso\\npassword=TOKEN',
    );
    for (const other of ['github.com', 'dev.azure.com.example', 'a.b.visualstudio.com', 'visualstudio.com']) {
      expect(await fill('protocol=https', `host=${other}`)).not.toContain('TOKEN');
    }
    expect(await fill('protocol=http', 'host=dev.azure.com')).not.toContain('TOKEN');
  });

  test('a checkout step’s own header is used, and the helper is not asked', async () => {
    const job = open(host.job(azure));
    const other = { ...inputs, 'client-id': clientIds.multitenant, scopes: 'OTHER = azure-devops' };
    const { outputs } = await runStepOn(host, azure, other);
    await job.step(inputs);
    azure.clearRequests();
    const header = `AUTHORIZATION: basic ${Buffer.from(`:${outputs['access-token']}`).toString('base64')}`;
    const work = emptyFolder('work');
    const { log, succeeded } = await job.script(
      runs([
        'git',
        '-c',
        `http.https://dev.azure.com/.extraheader=${header}`,
        'clone',
        repository,
        join(work, 'a'),
      ]),
      gitEnvironment(azure, emptyFolder('home')),
    );
    expect(succeeded ? '' : log).toBe('');
    expect(tokenRequests()).toBe(0);
    expect(
      azure.requests.filter(({ leg }) => leg === 'azure-repos').map(({ status }) => status),
    ).not.toContain(401);
  });

  test('the second use in a job counts, and a parallel job keeps its own app', async () => {
    const job = open(host.job(azure));
    const parallel = open(host.job(azure));
    await Promise.all([job.step(inputs), parallel.step(inputs)]);
    await job.step({ ...inputs, 'client-id': clientIds.multitenant });
    azure.clearRequests();
    const home = emptyFolder('home');
    const [second, first] = await Promise.all(
      [job, parallel].map((one) =>
        one.script(
          runs(['git', 'clone', repository, join(emptyFolder('work'), 'a')]),
          gitEnvironment(azure, home),
        ),
      ),
    );
    expect([second?.succeeded, first?.succeeded]).toEqual([true, true]);
    expect([tokenRequests(), tokenRequests(clientIds.multitenant)]).toEqual([1, 1]);
    await job.post();
    // The other job still works.
    const again = await parallel.script(runs(['git', 'ls-remote', repository]), gitEnvironment(azure, home));
    expect(again.succeeded).toBe(true);
    await parallel.post();
    for (const { temp } of [job, parallel]) {
      expect(readdirSync(temp).filter((name) => name.startsWith('entra-app-token-'))).toEqual([]);
    }
  });

  test('a token that is nearly over is replaced', async () => {
    const job = open(host.job(azure));
    await job.step(inputs);
    const home = emptyFolder('home');
    const list = () => job.script(runs(['git', 'ls-remote', repository]), gitEnvironment(azure, home));
    lifetime(240);
    azure.clearRequests();
    expect((await list()).succeeded).toBe(true);
    expect((await list()).succeeded).toBe(true);
    expect(tokenRequests()).toBe(2);
    lifetime(3600);
    expect((await list()).succeeded).toBe(true);
    expect((await list()).succeeded).toBe(true);
    expect(tokenRequests()).toBe(3);
  });

  test('if the helper fails, git ends at once and the log says why', async () => {
    const job = open(host.job(azure));
    await job.step(inputs);
    const world = worldFor('public');
    azure.setWorld({
      ...world,
      applications: world.applications.map((one) => ({ ...one, disabled: true })),
    });
    const environment = gitEnvironment(azure, emptyFolder('home'));
    const refused = await job.script(runs(['git', 'ls-remote', repository]), environment);
    expect(refused.succeeded).toBe(false);
    expect(refused.log).toContain('entra-app-token: Could not get a token for 499b84ac');
    expect(refused.log).toContain('AADSTS7000112');
    // Git's own words.
    expect(refused.log).toMatch(/us to quit/u);

    writeFileSync(join(privateDirectory(job), 'federated-token'), 'rubbish');
    const unreadable = await job.script(runs(['git', 'ls-remote', repository]), environment);
    expect(unreadable.log).toContain('The file does not contain a token any more.');
    rmSync(join(privateDirectory(job), 'git-credential.json'));
    const removed = await job.script(runs(['git', 'ls-remote', repository]), environment);
    expect(removed.log).toContain('cannot read its settings');
  });

  test('an assertion that expires early is announced', async () => {
    const world = worldFor('public');
    azure.setWorld({
      ...world,
      identities: world.identities.map((one) => ({ ...one, tokenLifetime: 1800 })),
    });
    const { log } = await open(host.job(azure)).step(inputs);
    expect(log).toContain('credentials expire early');
  });

  test('another tenant’s organization', async () => {
    const bare = join(folder, 'shared.git');
    azure.azureRepos.serve('fabrikam/Shop/_git/shared', bare);
    const job = open(host.job(azure));
    await job.step({ ...inputs, 'client-id': clientIds.multitenant, 'tenant-id': tenantIds.fabrikam });
    const { succeeded, log } = await job.script(
      runs(['git', 'ls-remote', 'https://fabrikam@dev.azure.com/fabrikam/Shop/_git/shared']),
      gitEnvironment(azure, emptyFolder('home')),
    );
    expect(succeeded ? '' : log).toBe('');
  });

  test('another cloud has no Azure Repos: the step fails before any request', async () => {
    azure.clearRequests();
    const { errors } = await runStepOn(host, azure, { ...inputs, cloud: 'usgovernment' });
    expect(errors[0]).toContain('Azure Repos exists only in the public cloud.');
    expect(azure.requests).toEqual([]);
  });

  const terraform = '/usr/local/bin/terraform';
  const withTerraform = existsSync(terraform) ? test : test.skip;
  withTerraform(`terraform init fetches a git module (needs ${terraform})`, async () => {
    const work = emptyFolder('work');
    writeFileSync(
      join(work, 'main.tf'),
      'module "greeting" {\n  source = "git::https://dev.azure.com/contoso/Platform/_git/shared"\n}\n',
    );
    const job = open(host.job(azure));
    await job.step(inputs);
    const { succeeded, log } = await job.script(
      runs([terraform, `-chdir=${work}`, 'init', '-backend=false', '-no-color']),
      { ...gitEnvironment(azure, emptyFolder('home')), CHECKPOINT_DISABLE: '1' },
    );
    expect(succeeded ? '' : log).toBe('');
    expect(existsSync(join(work, '.terraform', 'modules', 'greeting', 'main.tf'))).toBe(true);
  });
});
