import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { camelCase } from '../../src/contract.ts';
import { AgentJob } from '../harness/agent.ts';
import { RunnerJob, type RunnerResult } from '../harness/runner.ts';
import { containersWork } from '../harness/runner-container.ts';
import { actionJob, closeJobs } from '../harness/trial-jobs.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator();
});
beforeEach(() => {
  azure.clearRequests();
  folder = mkdtempSync(join(tmpdir(), 'no-command-file-'));
});
afterEach(() => {
  closeJobs();
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => azure.stop());

const stepInputs = Object.entries(goodInputs);

/** The one error of a step that asked nobody for anything and handed nothing over. */
function refusalIn(result: RunnerResult): string {
  expect(result.conclusion).toBe('failure');
  expect(azure.requests).toEqual([]);
  expect(result.exported).toEqual({});
  expect(result.outputs).toEqual({});
  const [error, ...others] = result.annotations;
  expect(others).toEqual([]);
  return error?.message ?? '';
}

describe('GitHub Actions', () => {
  const names = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE'];
  const cases: readonly (readonly [string, (name: string) => string | undefined, RegExp])[] = [
    ['is not set', () => undefined, /it is not set/u],
    ['names a directory', () => folder, /is not a file/u],
    [
      'names a FIFO, which would block for ever',
      () => {
        const fifo = join(folder, 'fifo');
        execFileSync('/usr/bin/mkfifo', [fifo]);
        return fifo;
      },
      /is not a file/u,
    ],
    ['names a file that does not exist', () => join(folder, 'missing'), /ENOENT/u],
  ];

  test.each(names.flatMap((name) => cases.map((one) => [name, ...one] as const)))(
    '%s %s',
    async (name, _, path, detail) => {
      const value = path(name);
      const bundle = pathToFileURL(resolve('dist/main/index.js')).href;
      // The runner always sets the variable, so the step's own process starts with another value.
      const change =
        value === undefined
          ? `delete process.env.${name};`
          : `process.env.${name} = ${JSON.stringify(value)};`;
      const job = actionJob(`${change} await import(${JSON.stringify(bundle)});`, {
        inputs: goodInputs,
        environment: azure.environment(),
      });
      const error = refusalIn(await job.step());
      expect(error).toContain(`The job cannot receive outputs and variables: ${name} cannot be used.`);
      expect(error).toMatch(detail);
      expect(error).toContain('Nothing was requested.');
      if (value !== undefined) expect(error).toContain(value);
    },
  );

  (containersWork ? test : test.skip)('an image whose user may not write the runner’s files', async () => {
    const job = new RunnerJob({
      actionDirectory: process.cwd(),
      container: { runnerUser: 41001, user: 41002, volumes: [azure.ca.file] },
      environment: azure.environment(),
    });
    try {
      const error = refusalIn(await job.step({ inputs: goodInputs }));
      expect(error).toContain('The job cannot receive outputs and variables: GITHUB_ENV cannot be used.');
      expect(error).toContain('EACCES');
      expect(error).toContain('In a container job, use an image that runs as root');
      expect(await job.post()).toMatchObject([{ conclusion: 'success', annotations: [] }]);
      expect(job.complete().leftInTemp).toEqual([]);
    } finally {
      job.close();
    }
  });
});

describe('Azure Pipelines', () => {
  test('a certificate authority of the agent that the job cannot see is a warning, and the step succeeds', async () => {
    const missing = join(folder, 'ca.pem');
    const job = new AgentJob({
      taskDirectory: resolve('ado-task/EntraAppToken'),
      environment: azure.environment('machine', 'ca'),
      proxy: { url: azure.proxy.url },
      caFile: missing,
    });
    try {
      const inputs = Object.fromEntries(stepInputs.map(([name, value]) => [camelCase(name), value]));
      const result = await job.step({ inputs });
      expect(result.result).toBe('Succeeded');
      expect(result.annotations).toEqual([expect.objectContaining({ level: 'warning' })]);
      expect(result.annotations[0]?.message).toContain(missing);
      expect(result.annotations[0]?.message).toContain('--sslcacert');
      expect(result.annotations[0]?.message).toContain('The step continues without it.');
      expect(result.variables['accessToken']?.value).toMatch(/^eyJ/u);
    } finally {
      job.close();
    }
  });
});
