/**
 * Where the code of a run comes from, event by event. Only these events can belong to a pull request from a fork. For
 * all others (`push`, `schedule`, `workflow_dispatch`, …) the context is not loaded: they run code that somebody with
 * write access put into this repository, `merge_group` too.
 * https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
 */
const origins: Readonly<Record<string, (payload: unknown) => Origin>> = {
  workflow_run: (payload) => {
    const run = field(payload, 'workflow_run');
    const trigger = field(run, 'event');
    if (typeof trigger === 'string' && !trigger.startsWith('pull_request')) return 'own';
    return { repository: field(run, 'head_repository') };
  },
  // A comment on a pull request names only its number.
  issue_comment: (payload) => {
    const issue = field(payload, 'issue');
    return issue !== undefined && isAbsent(field(issue, 'pull_request')) ? 'own' : 'unknown';
  },
  check_run: (payload) => ofCheckSuite(field(field(payload, 'check_run'), 'check_suite')),
  check_suite: (payload) => ofCheckSuite(field(payload, 'check_suite')),
  // The branches of this repository that have the commit. A fork's commit is in none of them.
  status: (payload) => {
    const branches = field(payload, 'branches');
    return Array.isArray(branches) && branches.length > 0 ? 'own' : 'unknown';
  },
  deployment: ofDeployment,
  deployment_status: ofDeployment,
};

/** The code is this repository's, or nobody can know, or it is that of a repository that may be another. */
type Origin = 'own' | 'unknown' | { readonly repository: unknown };

/** The head branch of a check on a fork's commit is null: https://docs.github.com/rest/checks/suites */
function ofCheckSuite(suite: unknown): Origin {
  const branch = field(suite, 'head_branch');
  if (typeof branch !== 'string' || branch === '') return 'unknown';
  const pullRequests = field(suite, 'pull_requests');
  const foreign =
    Array.isArray(pullRequests) &&
    pullRequests.some((one) => isAbsent(idOf(one, 'head')) || idOf(one, 'head') !== idOf(one, 'base'));
  return foreign ? 'unknown' : 'own';
}

/** The repository of a side of a pull request in a check, which has no full name. */
function idOf(pullRequest: unknown, side: 'head' | 'base'): unknown {
  return field(field(field(pullRequest, side), 'repo'), 'id');
}

/** Somebody with write access deploys a branch, a tag or a commit; `refs/pull/1/merge` can be a fork's. */
function ofDeployment(payload: unknown): Origin {
  const ref = field(field(payload, 'deployment'), 'ref');
  return typeof ref === 'string' && !/^(?:refs\/)?pull\//u.test(ref) ? 'own' : 'unknown';
}

/** Why this run is, or may be, for a pull request from a fork, in words; nothing if it is not. */
export async function forkPullRequest(): Promise<string | undefined> {
  const event = process.env['GITHUB_EVENT_NAME'] ?? '';
  const origin = event.startsWith('pull_request')
    ? (payload: unknown): Origin => ({
        repository: field(field(field(payload, 'pull_request'), 'head'), 'repo'),
      })
    : Object.hasOwn(origins, event)
      ? origins[event]
      : undefined;
  if (origin === undefined) return undefined;
  const found = origin(await eventPayload());
  if (found === 'own') return undefined;
  const repository = found === 'unknown' ? undefined : found.repository;
  return foreign(event, repository, process.env['GITHUB_REPOSITORY']);
}

/** A file that cannot be read says nothing. */
async function eventPayload(): Promise<unknown> {
  try {
    const { context } = await import('@actions/github');
    return context.payload;
  } catch {
    return undefined;
  }
}

/** A deleted repository, or an event that does not name it, counts as foreign: what is unknown is not trusted. */
function foreign(event: string, repository: unknown, here: string | undefined): string | undefined {
  const remark = event === 'workflow_run' ? ', which a pull request triggered,' : '';
  const name = field(repository, 'full_name');
  if (typeof name !== 'string' || name === '') {
    return `event ${event}${remark} does not name the repository that its code comes from (for example a deleted fork)`;
  }
  return name.toLowerCase() === here?.toLowerCase()
    ? undefined
    : `event ${event}${remark} brings code from ${name}, not from ${here ?? 'this repository'}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
