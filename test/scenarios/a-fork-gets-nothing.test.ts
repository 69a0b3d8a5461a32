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
