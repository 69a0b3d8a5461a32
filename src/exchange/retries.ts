import type { Leg } from './errors.ts';

/**
 * What is tried again, how often and after which waits. Everything without a row fails at once.
 * All times are milliseconds. Each row counts its own tries and its own window; the time budget limits them all.
 */
export interface RetryRow {
  /** Tries for this reason, the first one included. */
  readonly tries: number;
  readonly firstWait: number;
  /** Each wait is this many times the one before it. */
  readonly factor: number;
  readonly longestWait: number;
  /** No further try starts later than this after the first failure for this reason. */
  readonly window: number;
  /** Waits are exact, without random jitter. */
  readonly exact?: true;
  /** Tell the user at the first failure, because waiting rarely helps. */
  readonly announce?: true;
}

export type RetryReason =
  /** No connection, or one that broke. */
  | 'unreachable'
  /** Connected, but no answer within the limit of one try. */
  | 'timed-out'
  | 'not-found'
  | 'gone'
  | 'throttled'
  | 'server-error'
  /** Entra's own code says that the failure is temporary. */
  | 'transient'
  /** No matching federated identity credential; a new one may not have reached all of Entra yet. */
  | 'trust';

const forever = Number.POSITIVE_INFINITY;
const untilTheBudgetEnds = { tries: forever, window: forever } as const;

/** For Entra and for registries. */
const serviceRows: Readonly<Partial<Record<RetryReason, RetryRow>>> = {
  unreachable: { tries: 6, firstWait: 500, factor: 2, longestWait: 8_000, window: forever },
  'timed-out': { tries: 4, firstWait: 500, factor: 2, longestWait: 8_000, window: forever },
  throttled: { ...untilTheBudgetEnds, firstWait: 1_000, factor: 2, longestWait: 30_000 },
  'server-error': { ...untilTheBudgetEnds, firstWait: 500, factor: 2, longestWait: 15_000 },
  transient: { ...untilTheBudgetEnds, firstWait: 500, factor: 2, longestWait: 15_000 },
};

/**
 * Sources. The identity's rows:
 * https://learn.microsoft.com/entra/identity-platform/managed-identity-faq and
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance.
 * Trust: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors
 * (a new credential needs time to propagate). Entra's others:
 * https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific#microsoft-entra-id.
 */
export const retryTable: Readonly<Record<Leg, Readonly<Partial<Record<RetryReason, RetryRow>>>>> = {
  identity: {
    // With the connect limit below: nine seconds at most until "this is not an Azure machine".
    unreachable: { tries: 3, firstWait: 1_000, factor: 1, longestWait: 1_000, window: 8_000 },
    'timed-out': { tries: 3, firstWait: 1_000, factor: 2, longestWait: 4_000, window: forever },
    'not-found': { tries: 5, firstWait: 1_000, factor: 2, longestWait: 16_000, window: forever },
    // The metadata service is being updated and is documented to return within 70 seconds.
    gone: { tries: forever, firstWait: 1_000, factor: 2, longestWait: 10_000, window: 70_000 },
    // The service allows 20 requests a second. Longer waits would leave it idle while the last jobs of a fleet wait.
    throttled: { ...untilTheBudgetEnds, firstWait: 1_000, factor: 1.5, longestWait: 5_000 },
    'server-error': { tries: 6, firstWait: 1_000, factor: 2, longestWait: 16_000, window: forever },
  },
  entra: {
    ...serviceRows,
    trust: {
      tries: 3,
      firstWait: 3_000,
      factor: 2,
      longestWait: 6_000,
      window: 20_000,
      exact: true,
      announce: true,
    },
  },
  // Nothing is published about registries, so they are asked as Entra is.
  registry: serviceRows,
};

/** How long one try may take. Milliseconds. */
export const tryLimits: Readonly<Record<Leg, { readonly connect: number; readonly answer: number }>> = {
  identity: { connect: 2_000, answer: 15_000 },
  entra: { connect: 10_000, answer: 30_000 },
  registry: { connect: 10_000, answer: 30_000 },
};

/**
 * The wait before the next try, or nothing if there is to be none. It is drawn between the row's first wait and its
 * exponential value, so that jobs that failed together do not come back together.
 *
 * @param tries how many failed for this reason
 * @param elapsed milliseconds since the first failure for this reason
 * @param retryAfter what the server asked for, in milliseconds: the wait is at least that
 * @param random a number from 0 up to 1
 */
export function nextWait(
  row: RetryRow,
  tries: number,
  elapsed: number,
  retryAfter: number | undefined,
  random: number,
): number | undefined {
  if (tries >= row.tries) return undefined;
  const longest = Math.min(row.firstWait * row.factor ** tries, row.longestWait);
  const exponential = Math.min(row.firstWait * row.factor ** (tries - 1), row.longestWait);
  const own = row.exact ? exponential : row.firstWait + (longest - row.firstWait) * random;
  // A server may ask for no wait at all, and a wrong clock puts every date in the past.
  const wait = Math.max(own, retryAfter ?? 0);
  return elapsed + wait <= row.window ? wait : undefined;
}

/** More than any budget; a longer number of seconds means the same. */
const longestRetryAfter = 999_999_999;

/**
 * A `Retry-After` header in milliseconds from `now`: seconds or an HTTP date
 * (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); nothing if it is neither.
 */
export function retryAfterHeader(value: string | undefined, now: number): number | undefined {
  const text = value?.slice(0, 100).trim() ?? '';
  if (/^\d+$/u.test(text)) return Math.min(Number(text), longestRetryAfter) * 1000;
  if (!/^[A-Za-z]{3,9},? /u.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
