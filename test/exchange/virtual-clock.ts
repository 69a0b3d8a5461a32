import type { Clock } from '../../src/exchange/budget.ts';

export interface VirtualClock extends Clock {
  /** The waits between tries, in the order in which they started. Milliseconds. */
  readonly waits: readonly number[];
  /** Lets time pass. */
  readonly advance: (milliseconds: number) => void;
}

/**
 * A clock on which the waits between tries take no time and still pass.
 *
 * @param tryLimits `pass`: the limit of a single try passes as soon as the request is sent; `never`: it never does
 * @param date where the calendar starts. Milliseconds since 1970
 */
export function virtualClock(
  tryLimits: 'pass' | 'never' = 'never',
  date = Date.UTC(2030, 0, 1),
): VirtualClock {
  let now = 0;
  const waits: number[] = [];
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
      if (tryLimits === 'never') return () => undefined;
      // Only after the request is sent: a limit that passes earlier would have nothing to end.
      const soon = setTimeout(() => {
        now += milliseconds;
        then();
      }, 50);
      return () => clearTimeout(soon);
    },
  };
}
