import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** Time as the exchange sees it; tests pass their own. */
export interface Clock {
  /** Milliseconds that never run backward. */
  readonly now: () => number;
  /** The calendar, for `Retry-After` dates. Milliseconds since 1970. */
  readonly date: () => number;
  /** The wait between two tries. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Calls `then` after `milliseconds`; the function it returns cancels that. */
  readonly after: (milliseconds: number, then: () => void) => () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    await wait(milliseconds, undefined, { signal });
  },
  after: (milliseconds, then) => {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** The time that one exchange has, shared by all its requests, and the one switch that ends them all. */
export interface Budget {
  /** Milliseconds. */
  readonly total: number;
  /** Fires when the exchange is cancelled. */
  readonly signal: AbortSignal;
  now(): number;
  date(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Milliseconds left. */
  remaining(): number;
  spent(): boolean;
  /** Another part of the exchange failed: nothing more is to be tried. */
  cancelled(): boolean;
  cancel(): void;
  /** Rejects if the exchange is cancelled meanwhile. */
  sleep(milliseconds: number): Promise<void>;
  /** A signal for one try: it fires after `milliseconds`, or when the exchange is cancelled. */
  deadline(milliseconds: number): Deadline;
}

export interface Deadline {
  readonly signal: AbortSignal;
  /** True if the time fired it, false if a cancellation did. */
  passed(): boolean;
  clear(): void;
}

export function startBudget(total: number, clock: Clock, random: () => number): Budget {
  const started = clock.now();
  const everything = new AbortController();
  // Each scope adds a listener; many of them are no leak.
  setMaxListeners(0, everything.signal);
  const remaining = (): number => Math.max(0, total - (clock.now() - started));
  return {
    total,
    signal: everything.signal,
    now: clock.now,
    date: clock.date,
    random,
    remaining,
    spent: () => remaining() === 0,
    cancelled: () => everything.signal.aborted,
    cancel: () => everything.abort(),
    sleep: (milliseconds) => clock.sleep(milliseconds, everything.signal),
    deadline: (milliseconds) => {
      const own = new AbortController();
      const stop = (): void => own.abort();
      let passed = false;
      const forget = clock.after(milliseconds, () => {
        passed = true;
        stop();
      });
      everything.signal.addEventListener('abort', stop, { once: true });
      if (everything.signal.aborted) stop();
      return {
        signal: own.signal,
        passed: () => passed,
        clear: () => {
          forget();
          everything.signal.removeEventListener('abort', stop);
        },
      };
    },
  };
}
