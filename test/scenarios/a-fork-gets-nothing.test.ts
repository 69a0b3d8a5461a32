import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const here = { full_name: 'octo-org/octo-repo' };
const fork = { full_name: 'mallory/octo-repo' };
const pullRequest = (repo: unknown) => ({ repository: here, pull_request: { number: 1, head: { repo } } });
const run = (event: string, head_repository: unknown) => ({
  repository: here,
  workflow_run: { event, head_repository },
});

const unnamed = /does not name the repository/u;

/** `refused`: words of the reason; nothing: the run is our own. */
const events: readonly {
  readonly title: string;
  readonly name: string;
  readonly payload: unknown;
  readonly refused?: RegExp;
}[] = [
  {
    title: 'a fork’s pull request',
    name: 'pull_request',
    payload: pullRequest(fork),
    refused: /code from mallory\/octo-repo/u,
  },
  {
    title: 'a fork’s pull request with the base’s rights',
    name: 'pull_request_target',
    payload: pullRequest(fork),
    refused: /mallory/u,
  },
  {
    title: 'a review of a fork’s pull request',
    name: 'pull_request_review',
    payload: pullRequest(fork),
    refused: /mallory/u,
  },
  {
    title: 'a comment in such a review',
    name: 'pull_request_review_comment',
    payload: pullRequest(fork),
    refused: /mallory/u,
  },
  {
    title: 'a pull request of a repository whose name only begins like ours',
    name: 'pull_request',
    payload: pullRequest({ full_name: `${here.full_name}-2` }),
    refused: /code from octo-org\/octo-repo-2/u,
  },
  {
    title: 'a deleted fork',
    name: 'pull_request',
    payload: pullRequest(null),
    refused: /does not name the repository/u,
  },
  {
    title: 'an event that says nothing',
    name: 'pull_request',
    payload: {},
    refused: /does not name the repository/u,
  },
  {
    title: 'a run that a fork’s pull request triggered',
    name: 'workflow_run',
    payload: run('pull_request', fork),
    refused: /mallory/u,
  },
  {
    title: 'a run whose pull request’s fork is gone',
    name: 'workflow_run',
    payload: run('pull_request_target', null),
    refused: /does not name/u,
  },
  {
    title: 'a pull request of our own',
    name: 'pull_request',
    payload: pullRequest({ full_name: 'Octo-Org/octo-repo' }),
  },
  {
    title: 'a run that does not say what triggered it, from a fork',
    name: 'workflow_run',
    payload: { repository: here, workflow_run: { head_repository: fork } },
    refused: /brings code from mallory/u,
  },
  {
    title: 'a run that says nothing at all',
    name: 'workflow_run',
    payload: { repository: here },
    refused: /does not name the repository/u,
  },
  { title: 'a run that a push triggered', name: 'workflow_run', payload: run('push', here) },
  {
    title: 'a comment on a pull request',
    name: 'issue_comment',
    payload: {
      repository: here,
      issue: { number: 1, pull_request: { url: 'x' } },
      comment: { body: '/deploy' },
    },
    refused: /issue_comment does not name the repository/u,
  },
  {
    title: 'a comment on an issue',
    name: 'issue_comment',
    payload: { repository: here, issue: { number: 1, pull_request: null }, comment: { body: '/deploy' } },
  },
  { title: 'a comment that says nothing', name: 'issue_comment', payload: {}, refused: unnamed },
  ...['check_run', 'check_suite'].flatMap((name) => {
    const check = (suite: unknown) =>
      name === 'check_suite' ? { check_suite: suite } : { check_run: { check_suite: suite } };
    const pull = (head: unknown) => [{ number: 1, head: { repo: head }, base: { repo: { id: 1 } } }];
    return [
      {
        title: `${name} on a fork’s commit`,
        payload: check({ head_branch: null, pull_requests: [] }),
        refused: unnamed,
      },
      { title: `${name} that says nothing`, payload: {}, refused: unnamed },
      {
        title: `${name} on a fork’s pull request`,
        payload: check({ head_branch: 'x', pull_requests: pull({ id: 2 }) }),
        refused: unnamed,
      },
      {
        title: `${name} on a pull request whose fork is gone`,
        payload: check({ head_branch: 'x', pull_requests: pull(null) }),
        refused: unnamed,
      },
      {
        title: `${name} on a branch of our own`,
        payload: check({ head_branch: 'main', pull_requests: [] }),
      },
      {
        title: `${name} on a pull request of our own`,
        payload: check({ head_branch: 'x', pull_requests: pull({ id: 1 }) }),
      },
    ].map((row) => ({ ...row, name }));
  }),
  { title: 'the status of a fork’s commit', name: 'status', payload: { branches: [] }, refused: unnamed },
  { title: 'the status of nothing', name: 'status', payload: {}, refused: unnamed },
  { title: 'the status of our own commit', name: 'status', payload: { branches: [{ name: 'main' }] } },
  ...['deployment', 'deployment_status'].flatMap((name) => [
    {
      title: `${name} of a pull request’s commit`,
      name,
      payload: { deployment: { ref: 'refs/pull/1/merge' } },
      refused: unnamed,
    },
    { title: `${name} of nothing`, name, payload: {}, refused: unnamed },
    { title: `${name} of a branch`, name, payload: { deployment: { ref: 'pull-requests' } } },
    {
      title: `${name} of a commit`,
      name,
      payload: { deployment: { ref: '5b1f8f3a0c0b4b8e9d7c6a5f4e3d2c1b0a998877' } },
    },
  ]),
  ...['merge_group', 'workflow_dispatch', 'repository_dispatch', 'issues', 'release', 'constructor'].map(
    (name) => ({
      title: `${name}, which runs the repository’s own code`,
      name,
      payload: { repository: here },
    }),
  ),
  { title: 'a push', name: 'push', payload: { repository: here } },
  { title: 'a schedule', name: 'schedule', payload: {} },
];

const [github, ...agents] = hostsUnderTest;

describe('GitHub Actions', () => {
  test.each(events)('$title', async ({ name, payload, refused }) => {
    azure.clearRequests();
    const options = { event: { name, payload }, environment: { GITHUB_REPOSITORY: here.full_name } };
    if (github === undefined) throw new Error('no host');
    const outcome = await runStepOn(github, azure, goodInputs, options);
    expect(outcome.succeeded).toBe(refused === undefined);
    if (refused === undefined) return;
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toMatch(refused);
    expect(outcome.errors[0]).toContain('Fix: If you trust forks, set allow-fork-pull-requests to true');
    expect(azure.requests).toEqual([]);
    expect(outcome.outputs).toEqual({});
  });

  test.each([
    ['is no JSON', '{'],
    ['is empty', ''],
    ['is null', 'null'],
    ['is a text', '"x"'],
  ])('a pull request whose event file %s has an unknown origin', async (_, text) => {
    azure.clearRequests();
    const folder = mkdtempSync(join(tmpdir(), 'event-'));
    const file = join(folder, 'event.json');
    writeFileSync(file, text);
    if (github === undefined) throw new Error('no host');
    for (const name of ['pull_request', 'issue_comment', 'check_run']) {
      const outcome = await runStepOn(github, azure, goodInputs, {
        event: { name, payload: {} },
        environment: { GITHUB_EVENT_PATH: file },
      });
      expect(outcome.errors).toEqual([expect.stringMatching(unnamed)]);
      expect(outcome.outputs).toEqual({});
    }
    expect(azure.requests).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('a fork’s pull request is served if that is allowed', async () => {
    if (github === undefined) throw new Error('no host');
    const outcome = await runStepOn(
      github,
      azure,
      { ...goodInputs, 'allow-fork-pull-requests': 'true' },
      { event: { name: 'pull_request', payload: pullRequest(fork) } },
    );
    expect(outcome.succeeded).toBe(true);
  });
});

describe.each(agents)('$title', (host) => {
  test('a fork’s pull request is refused before any request, unless it is allowed', async () => {
    azure.clearRequests();
    const refused = await runStepOn(host, azure, goodInputs, { fork: true });
    expect(refused.succeeded).toBe(false);
    expect(refused.errors).toHaveLength(1);
    expect(refused.errors[0]).toContain('Fix: If you trust forks, set allowForkPullRequests to true');
    expect(azure.requests).toEqual([]);
    expect(refused.outputs).toEqual({});

    const allowed = await runStepOn(
      host,
      azure,
      { ...goodInputs, 'allow-fork-pull-requests': 'true' },
      { fork: true },
    );
    expect(allowed.succeeded).toBe(true);
  });
});
