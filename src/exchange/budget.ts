import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.ts';

/** The time one exchange has, shared by all its requests, and the one switch that ends them all. */
export interface Budget {
  /** Milliseconds. */
  readonly total: number;
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
  /** Rejects when the exchange is cancelled meanwhile. */
  sleep(milliseconds: number): Promise<void>;
  /** A signal for one try: it fires after `milliseconds`, or when the exchange is cancelled. */
  deadline(milliseconds: number): Deadline;
}

export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether the time, and not a cancellation, fired it. */
  passed(): boolean;
  clear(): void;
}

export function startBudget(total: number, clock: Clock, random: () => number): Budget {
  const started = clock.now();
  const everything = new AbortController();
  // Each scope listens; many scopes are no leak.
  setMaxListeners(0, everything.signal);
  const remaining = (): number => Math.max(0, total - (clock.now() - started));
  return {
    total,
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
