import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { camelCase } from '../../src/contract.ts';
import { writeRecords } from '../../src/handover/removal.ts';
import { cleanupState } from '../../src/hosts/saved-state.ts';
import { AgentJob } from '../harness/agent.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';

/** Real old versions of Node, on which an old or oddly set agent starts the task. `scripts/install-old-nodes.sh` installs them. */

let azure: Emulator;
let taskDirectory: string;
beforeAll(async () => {
  azure = await startEmulator();
});
beforeEach(() => {
  // Outside this repository, whose package.json would make the files ES modules.
  taskDirectory = mkdtempSync(join(tmpdir(), 'task-'));
  cpSync('ado-task/EntraAppToken', taskDirectory, { recursive: true });
});
afterEach(() => rmSync(taskDirectory, { recursive: true, force: true }));
afterAll(() => azure.stop());

const inputs = Object.fromEntries(
  Object.entries(goodInputs).map(([name, value]) => [camelCase(name), value]),
);

describe.each([
  [
    10,
    /Node 10\.\d+\.\d+\. Cause: .*Alpine Linux.*AGENT_USE_NODE10.* Fix: .*AGENT_USE_NODE24_WITH_HANDLER_DATA=true/u,
  ],
  [16, /Node 16\.\d+\.\d+\. Cause: .*glibc older than 2\.28.* Fix: .*glibc 2\.28 or later/u],
])('Node %i', (major, sentence) => {
  const node = resolve(`build/old-nodes/${major}/bin/node`);

  test('the task fails with one sentence that names the cause, and asks nobody for anything', async () => {
    const job = new AgentJob({
      taskDirectory,
      node,
      environment: azure.environment('machine', 'ca'),
      proxy: { url: azure.proxy.url },
    });
    try {
      const result = await job.step({ inputs });
      expect(result.raw.stderr).toBe('');
      expect(result.result).toBe('Failed');
      expect(result.annotations).toEqual([
        expect.objectContaining({ level: 'error', message: expect.stringMatching(sentence) }),
      ]);
      expect(result.annotations[0]?.message).not.toContain('\n');
      expect(azure.requests).toEqual([]);
      const [post, ...others] = await job.post();
      expect(others).toEqual([]);
      expect(post).toMatchObject({ result: 'Succeeded', annotations: [], raw: { stdout: '', stderr: '' } });
    } finally {
      job.close();
    }
  });

  test('the clean-up of a step that ran on another Node says nothing and does not fail the job', () => {
    const recorded = writeRecords({
      finished: true,
      records: [{ kind: 'directory', path: join(taskDirectory, 'of-the-step') }],
    });
    const ended = spawnSync(node, [join(taskDirectory, 'post.js')], {
      encoding: 'utf8',
      env: { [`VSTS_TASKVARIABLE_${cleanupState.toUpperCase()}`]: recorded },
    });
    expect(ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});
