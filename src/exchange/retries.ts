import type { Leg } from './failure.ts';

/**
 * What is tried again, how often and after which waits. Everything without a row fails at once.
 * All times are milliseconds; each wait is lengthened at random by up to `jitter` of itself.
 */
export interface RetryRow {
  /** Tries in all, the first one included. */
  readonly tries: number;
  readonly firstWait: number;
  /** Each wait is this many times the one before it. */
  readonly factor: number;
  readonly longestWait: number;
  /** No further try starts later than this after the first one began. */
  readonly window: number;
  /** Tell the user at the first failure, since waiting seldom mends it. */
  readonly announce?: true;
}

export type Hindrance =
  /** No connection, or one that broke. */
  | 'unreachable'
  /** Connected, but no answer within the leg's limit. */
  | 'hung'
  | 'not-found'
  | 'gone'
  | 'throttled'
  | 'server-error'
  /** Entra's own code says that it is passing. */
  | 'transient'
  /** No matching trust; it may be younger than Entra's caches. */
  | 'trust';

export const jitter = 0.25;

const forever = Number.POSITIVE_INFINITY;
const untilTheBudgetEnds = { tries: forever, window: forever } as const;

/**
 * Sources: the identity's rows,
 * https://learn.microsoft.com/entra/identity-platform/managed-identity-faq and
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance;
 * the trust's, https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors
 * (a new credential needs time to propagate); Entra's others,
 * https://learn.microsoft.com/azure/architecture/best-practices/retry-service-specific#microsoft-entra-id.
 */
export const retryTable: Readonly<Record<Leg, Readonly<Partial<Record<Hindrance, RetryRow>>>>> = {
  identity: {
    // With the connect limit below: nine seconds at most until "this is not an Azure machine".
    unreachable: { tries: 3, firstWait: 1_000, factor: 1, longestWait: 1_000, window: 8_000 },
    hung: { tries: 3, firstWait: 1_000, factor: 2, longestWait: 4_000, window: forever },
    'not-found': { tries: 5, firstWait: 1_000, factor: 2, longestWait: 16_000, window: forever },
    // The metadata service is being updated and promises to be back within 70 seconds.
    gone: { tries: forever, firstWait: 1_000, factor: 2, longestWait: 10_000, window: 70_000 },
    throttled: { ...untilTheBudgetEnds, firstWait: 1_000, factor: 2, longestWait: 16_000 },
    'server-error': { tries: 6, firstWait: 1_000, factor: 2, longestWait: 16_000, window: forever },
  },
  entra: {
    unreachable: { tries: 6, firstWait: 500, factor: 2, longestWait: 8_000, window: forever },
    hung: { tries: 4, firstWait: 500, factor: 2, longestWait: 8_000, window: forever },
    throttled: { ...untilTheBudgetEnds, firstWait: 1_000, factor: 2, longestWait: 30_000 },
    'server-error': { ...untilTheBudgetEnds, firstWait: 500, factor: 2, longestWait: 15_000 },
    transient: { ...untilTheBudgetEnds, firstWait: 500, factor: 2, longestWait: 15_000 },
    trust: { tries: 3, firstWait: 3_000, factor: 2, longestWait: 6_000, window: 20_000, announce: true },
  },
};

/** How long one try may take. Milliseconds. */
export const tryLimits: Readonly<Record<Leg, { readonly connect: number; readonly answer: number }>> = {
  identity: { connect: 2_000, answer: 15_000 },
  entra: { connect: 10_000, answer: 30_000 },
};

/**
 * The wait before the next try, or nothing when there shall be none.
 *
 * @param tries how many were made
 * @param elapsed milliseconds since the first began
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
  const own = Math.min(row.firstWait * row.factor ** (tries - 1), row.longestWait) * (1 + jitter * random);
  // A server may ask for no wait at all, and a wrong clock makes every date one that is over.
  const wait = Math.max(own, retryAfter ?? 0);
  return elapsed + wait <= row.window ? wait : undefined;
}

/**
 * A `Retry-After` header in milliseconds from `now`: seconds or an HTTP date
 * (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); nothing when it is neither.
 */
export function retryAfterHeader(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/u.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /u.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
