import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parse } from 'acorn';
import { type AgentMachine, type HandlerKnob, selectNode } from './harness/agent-handler.ts';
import { nodes, unsupportedNodes } from './harness/nodes.ts';
import type { TaskHandlers } from './harness/task-manifest.ts';
import { closeJobs, printing, taskJob } from './harness/trial-jobs.ts';

/** Which Node an agent starts a task with: handlers in `task.json` × knobs × machine × agent version. */

afterEach(closeJobs);

const current: AgentMachine = { version: '4.266.2', oldGlibc: false, alpine: false, hasNode16: true };
const target = 'main.js';
const both: TaskHandlers = { Node20_1: { target }, Node24: { target } };
const only20: TaskHandlers = { Node20_1: { target } };
const older: TaskHandlers = { Node16: { target }, Node10: { target } };

const oldGlibc = { oldGlibc: true };
const oldGlibcWithout16 = { oldGlibc: true, hasNode16: false };
const alpine = { alpine: true };
const agent264 = { version: '4.264.2' };
const withHandlerData: HandlerKnob = 'AGENT_USE_NODE24_WITH_HANDLER_DATA';

type Row = readonly [
  string,
  TaskHandlers,
  readonly HandlerKnob[],
  Partial<AgentMachine>,
  { handler: string; major: number; starts?: boolean; warned?: string },
];

const table: readonly Row[] = [
  ['a current machine', both, [], {}, { handler: 'Node24', major: 20 }],
  ['a current machine', both, [withHandlerData], {}, { handler: 'Node24', major: 24 }],
  ['a current machine', both, ['AGENT_USE_NODE24'], {}, { handler: 'Node24', major: 24 }],
  ['a current machine', both, ['AGENT_USE_NODE20_1', withHandlerData], {}, { handler: 'Node24', major: 20 }],
  ['a current machine', both, ['AGENT_USE_NODE10'], {}, { handler: 'Node24', major: 10 }],
  ['a current machine', only20, [], {}, { handler: 'Node20_1', major: 20 }],
  ['a current machine', only20, ['AGENT_USE_NODE24'], {}, { handler: 'Node20_1', major: 24 }],
  ['a current machine', older, [], {}, { handler: 'Node16', major: 16 }],
  ['old glibc', both, [], oldGlibc, { handler: 'Node24', major: 20, starts: false }],
  [
    'old glibc',
    both,
    [withHandlerData],
    oldGlibc,
    { handler: 'Node24', major: 16, warned: 'Node24. Using Node16' },
  ],
  ['old glibc', only20, [], oldGlibc, { handler: 'Node20_1', major: 16, warned: 'Node20. Using Node16' }],
  [
    'old glibc, no Node 16',
    both,
    [withHandlerData],
    oldGlibcWithout16,
    { handler: 'Node24', major: 20, starts: false, warned: 'Node24. Using Node20' },
  ],
  ['old glibc, no Node 16', only20, [], oldGlibcWithout16, { handler: 'Node20_1', major: 20, starts: false }],
  [
    'old glibc',
    only20,
    ['AGENT_USE_NODE20_IN_UNSUPPORTED_SYSTEM'],
    oldGlibc,
    { handler: 'Node20_1', major: 20, starts: false },
  ],
  [
    'old glibc',
    both,
    [withHandlerData, 'AGENT_USE_NODE24_IN_UNSUPPORTED_SYSTEM'],
    oldGlibc,
    { handler: 'Node24', major: 24, starts: false },
  ],
  ['old glibc', both, ['AGENT_USE_NODE10'], oldGlibc, { handler: 'Node24', major: 10 }],
  ['Alpine', both, [], alpine, { handler: 'Node24', major: 10 }],
  ['Alpine', both, [withHandlerData], alpine, { handler: 'Node24', major: 24 }],
  ['Alpine', only20, [], alpine, { handler: 'Node20_1', major: 20 }],
  ['agent 4.264', both, [], agent264, { handler: 'Node20_1', major: 20 }],
  ['agent 4.264', both, [withHandlerData], agent264, { handler: 'Node20_1', major: 20 }],
  [
    'agent 4.264, old glibc',
    both,
    [],
    { ...agent264, ...oldGlibc },
    { handler: 'Node20_1', major: 16, warned: 'Node20. Using Node16' },
  ],
];

test.each(
  table.map(([machine, handlers, knobs, given, expected]) => ({
    machine,
    handlers: Object.keys(handlers).join('+'),
    knobs: knobs.join('+') || 'no knob',
    selected: () => selectNode(handlers, { ...current, ...given }, new Set(knobs)),
    expected,
  })),
)('$machine: $handlers with $knobs → $expected', ({ selected, expected }) => {
  const { handler, major, starts, warnings } = selected();
  expect({ handler, major, starts }).toEqual({
    handler: expected.handler,
    major: expected.major,
    starts: expected.starts ?? true,
  });
  expect(warnings).toEqual(
    expected.warned === undefined ? [] : [expect.stringContaining(`doesn't support ${expected.warned}`)],
  );
});

test('the module that holds a Node to loopback parses on the oldest Node that an agent has, and works there', async () => {
  const job = taskJob('');
  const path = join(job.temp, '..', '..', 'externals', 'loopback-only.cjs');
  expect(() => parse(readFileSync(path, 'utf8'), { ecmaVersion: 2015, sourceType: 'script' })).not.toThrow();
  const attempt = `require('net').connect(80, '192.0.2.1').on('error', (error) => console.log(error.code));`;
  for (const node of unsupportedNodes) {
    const { stdout } = spawnSync(node.path, ['--require', path, '--eval', attempt], { encoding: 'utf8' });
    expect(stdout).toBe('ENETUNREACH\n');
  }
});

test('a task without a handler that the agent knows is not run', () => {
  expect(() => selectNode({ Node24: { target } }, { ...current, ...agent264 }, new Set())).toThrow(
    'A supported task execution handler was not found.',
  );
  expect(() => selectNode(undefined, current, new Set())).toThrow('not found');
});

describe('a job', () => {
  const showNode = 'console.log(process.versions.node);';

  test('runs a Node24 task on Node 20, and on Node 24 with the knob as a variable or in the agent’s environment', async () => {
    const knob = { AGENT_USE_NODE24_WITH_HANDLER_DATA: 'true' };
    const installed = (major: number) => nodes.find((node) => node.major === major)?.version;
    for (const [options, major] of [
      [{}, 20],
      [{ variables: knob }, 24],
      [{ environment: knob }, 24],
    ] as const) {
      const result = await taskJob(showNode, { ownNode: false, ...options }).step();
      expect(result).toMatchObject({ handler: 'Node24', nodeMajor: major });
      if (installed(major) !== undefined) expect(result.raw.stdout).toBe(`${installed(major)}\n`);
    }
  });

  test('shows the loader’s own words when the machine’s glibc is too old, for the post-job step too', async () => {
    const job = taskJob(showNode, { ownNode: false, post: showNode, machine: oldGlibc });
    for (const result of [await job.step(), ...(await job.post())]) {
      expect(result.result).toBe('Failed');
      expect(result.raw.stderr).toMatch(/node20_1\/bin\/node: .*version `GLIBC_2\.28' not found/);
      expect(result.annotations.at(-1)?.message).toMatch(/^Exit code 1 returned from process: file name '\//);
    }
  });

  test('warns when the agent falls back', async () => {
    const manifest = { execution: only20 };
    const job = taskJob(printing('ran'), {
      manifest: { ...manifest, execution: { Node20_1: { target: 'main.mjs' } } },
      machine: oldGlibc,
    });
    const result = await job.step();
    expect(result.nodeMajor).toBe(16);
    expect(result.annotations[0]?.message).toContain("doesn't support Node20. Using Node16 instead.");
  });
});
