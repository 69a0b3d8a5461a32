import { setTimeout as wait } from 'node:timers/promises';

/** Time as the exchange sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
  /** The calendar, for `Retry-After` dates. Milliseconds since 1970. */
  readonly date: () => number;
  /** The wait between two tries. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Calls `then` when so much time has passed, unless what it returns is called before. */
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
