import type { Clock } from '../../src/exchange/budget.ts';

export interface VirtualClock extends Clock {
  /** The waits between tries, in the order in which they started. Milliseconds. */
  readonly waits: readonly number[];
  /** Lets the shortest limit of a try pass that runs now. Limits never pass by themselves. */
  readonly passLimit: () => void;
  /** Lets time pass. */
  readonly advance: (milliseconds: number) => void;
}

/**
 * A clock on which the waits between tries take no time and still pass.
 *
 * @param date where the calendar starts. Milliseconds since 1970
 */
export function virtualClock(date = Date.UTC(2030, 0, 1)): VirtualClock {
  let now = 0;
  const waits: number[] = [];
  const limits = new Set<{ readonly milliseconds: number; readonly then: () => void }>();
  return {
    waits,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    now: () => now,
    date: () => date + now,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
    after: (milliseconds, then) => {
      const limit = { milliseconds, then };
      limits.add(limit);
      return () => limits.delete(limit);
    },
    passLimit: () => {
      const [next] = [...limits].sort((a, b) => a.milliseconds - b.milliseconds);
      if (next === undefined) return;
      limits.delete(next);
      now += next.milliseconds;
      next.then();
    },
  };
}
