import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { RunnerJob } from '../harness/runner.ts';

/** The job of `.github/workflows/ci.yml` that uses the action of the commit itself, run here with its own steps. */

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}

const workflow = parse(readFileSync('.github/workflows/ci.yml', 'utf8')) as {
  jobs: { action: { strategy: { matrix: { system: string[] } }; steps: Step[] } };
};
const { strategy, steps } = workflow.jobs.action;

function step(matches: (one: Step) => boolean): Step {
  const found = steps.find(matches);
  if (found === undefined) throw new Error('the workflow has no such step');
  return found;
}

const folder = mkdtempSync(join(tmpdir(), 'ci-workflow-'));
let starting: ChildProcess | undefined;
let environment: Readonly<Record<string, string>>;
let outputs: Readonly<Record<string, string>>;

/** The lines `NAME=value` of a command file. */
function readPairs(file: string): Readonly<Record<string, string>> {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}

// The runner's own command line for `shell: bash`.
const bash = ['--noprofile', '--norc', '-eo', 'pipefail', '-c'];

beforeAll(async () => {
  const [GITHUB_ENV, GITHUB_OUTPUT] = [join(folder, 'env'), join(folder, 'output')];
  for (const file of [GITHUB_ENV, GITHUB_OUTPUT]) writeFileSync(file, '');
  const { run = '' } = step(({ run }) => run?.includes('emulator') ?? false);
  const child = spawn('bash', [...bash, run], {
    // A process group of its own, so that the emulator can be ended with it.
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, GITHUB_ENV, GITHUB_OUTPUT, RUNNER_TEMP: folder },
  });
  starting = child;
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
  environment = readPairs(GITHUB_ENV);
  outputs = readPairs(GITHUB_OUTPUT);
});

afterAll(() => {
  if (starting?.pid !== undefined) process.kill(-starting.pid, 'SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

test('it runs on Linux and on Windows', () => {
  expect(strategy.matrix.system).toEqual(['ubuntu-latest', 'windows-latest']);
});

test('its first step leads the action to the emulator, never to a real identity', () => {
  expect(Object.keys(environment).sort()).toEqual([
    'AZURE_POD_IDENTITY_AUTHORITY_HOST',
    'NODE_EXTRA_CA_CERTS',
  ]);
  expect(environment['AZURE_POD_IDENTITY_AUTHORITY_HOST']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/u);
  expect(outputs['authority-host']).toMatch(/^https:\/\/localhost:\d+$/u);
});

test('its inputs give tokens, its last step accepts them, and the clean-up removes what was written', async () => {
  const job = new RunnerJob({ actionDirectory: process.cwd(), environment });
  const { with: inputs = {} } = step(({ uses }) => uses === './');
  const result = await job.step({
    inputs: { ...inputs, 'authority-host': outputs['authority-host'] ?? '' },
  });
  expect(result.conclusion).toBe('success');

  const last = steps.at(-1);
  const { status } = spawnSync('bash', [...bash, last?.run ?? ''], {
    env: {
      PATH: process.env['PATH'],
      ...result.exported,
      FIRST_TOKEN: result.outputs['access-token'],
      EXPIRES_ON: result.outputs['expires-on'],
    },
  });
  expect(status).toBe(0);

  const file = result.exported['AZURE_FEDERATED_TOKEN_FILE'] ?? '';
  expect(existsSync(file)).toBe(true);
  await job.post();
  expect(existsSync(file)).toBe(false);
  job.close();
});
