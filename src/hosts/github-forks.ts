/**
 * Only these events can carry a fork's code. For all others the context is not loaded.
 * https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
 */
const forkEvents = /^(pull_request(_.+)?|workflow_run)$/u;

/** Why this run belongs to a pull request from a fork, in words; nothing if it does not. */
export async function forkPullRequest(): Promise<string | undefined> {
  const event = process.env['GITHUB_EVENT_NAME'] ?? '';
  if (!forkEvents.test(event)) return undefined;
  const { context } = await import('@actions/github');
  const here = process.env['GITHUB_REPOSITORY'];
  if (event === 'workflow_run') {
    const run: unknown = context.payload['workflow_run'];
    const trigger = field(run, 'event');
    if (typeof trigger === 'string' && !trigger.startsWith('pull_request')) return undefined;
    return foreign(event, field(run, 'head_repository'), here, ', which a pull request triggered,');
  }
  return foreign(event, field(field(context.payload.pull_request, 'head'), 'repo'), here, '');
}

/** A deleted repository, or an event that does not name it, counts as foreign: what is unknown is not trusted. */
function foreign(
  event: string,
  repository: unknown,
  here: string | undefined,
  remark: string,
): string | undefined {
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
