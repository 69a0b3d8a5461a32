import type { Clock } from '../../src/exchange/clock.ts';

export interface VirtualClock extends Clock {
  /** The waits between tries, in the order in which they were begun. Milliseconds. */
  readonly waits: readonly number[];
}

/**
 * A clock on which the waits between tries take no time and yet pass.
 *
 * @param impatient the limits of single tries pass at once as well; otherwise they never do
 */
export function virtualClock(impatient: 'impatient' | 'patient' = 'patient'): VirtualClock {
  let now = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    date: () => Date.UTC(2030, 0, 1) + now,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
    after: (milliseconds, then) => {
      if (impatient === 'patient') return () => undefined;
      // Only once the request is on its way: a limit that strikes before would leave nothing to cut off.
      const soon = setTimeout(() => {
        now += milliseconds;
        then();
      }, 50);
      return () => clearTimeout(soon);
    },
  };
}
