import { describe, expect, test } from '@jest/globals';
import { type Clock, startBudget, systemClock } from '../../src/exchange/budget.ts';

/** A clock that the test moves. */
function manualClock() {
  let now = 1_000;
  const timers: { at: number; then: () => void }[] = [];
  const sleeps: { milliseconds: number; signal: AbortSignal }[] = [];
  const clock: Clock = {
    now: () => now,
    date: () => 42,
    sleep: async (milliseconds, signal) => {
      sleeps.push({ milliseconds, signal });
    },
    after: (milliseconds, then) => {
      const timer = { at: now + milliseconds, then };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const advance = (milliseconds: number): void => {
    now += milliseconds;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.then();
    }
  };
  return { clock, advance, timers, sleeps };
}

describe('a budget', () => {
  test('is spent when its time is over, and never less than nothing is left', () => {
    const { clock, advance } = manualClock();
    const budget = startBudget(500, clock, () => 0.25);
    expect([budget.total, budget.remaining(), budget.spent()]).toEqual([500, 500, false]);
    advance(499);
    expect([budget.remaining(), budget.spent()]).toEqual([1, false]);
    advance(1);
    expect([budget.remaining(), budget.spent()]).toEqual([0, true]);
    advance(1_000);
    expect([budget.total, budget.remaining(), budget.spent()]).toEqual([500, 0, true]);
    expect([budget.now(), budget.date(), budget.random()]).toEqual([2_500, 42, 0.25]);
    expect(budget.cancelled()).toBe(false);
  });

  test('sleeps by its clock, until it is cancelled', async () => {
    const { clock, sleeps } = manualClock();
    const budget = startBudget(500, clock, Math.random);
    await budget.sleep(30);
    expect(sleeps).toEqual([{ milliseconds: 30, signal: budget.signal }]);
    expect(budget.signal.aborted).toBe(false);
    budget.cancel();
    expect([budget.signal.aborted, budget.cancelled()]).toEqual([true, true]);
  });
});

test('a wait that has begun ends when the exchange is cancelled', () => {
  const { clock, sleeps } = manualClock();
  const budget = startBudget(500, clock, Math.random);
  void budget.sleep(30);
  expect(sleeps.map(({ signal }) => signal.aborted)).toEqual([false]);
  budget.cancel();
  expect(sleeps.map(({ signal }) => signal.aborted)).toEqual([true]);
});

describe('a deadline', () => {
  test('passes after its time', () => {
    const { clock, advance } = manualClock();
    const deadline = startBudget(500, clock, Math.random).deadline(100);
    advance(99);
    expect([deadline.passed(), deadline.signal.aborted]).toEqual([false, false]);
    advance(1);
    expect([deadline.passed(), deadline.signal.aborted]).toEqual([true, true]);
  });

  test('ends with a cancellation, and has not passed then', () => {
    const { clock } = manualClock();
    const budget = startBudget(500, clock, Math.random);
    const before = budget.deadline(100);
    budget.cancel();
    const after = budget.deadline(100);
    for (const deadline of [before, after]) {
      expect([deadline.passed(), deadline.signal.aborted]).toEqual([false, true]);
    }
  });

  test('that is cleared never ends, and holds no timer', () => {
    const { clock, advance, timers } = manualClock();
    const budget = startBudget(500, clock, Math.random);
    const deadline = budget.deadline(100);
    expect(timers).toHaveLength(1);
    deadline.clear();
    expect(timers).toHaveLength(0);
    advance(200);
    budget.cancel();
    expect([deadline.passed(), deadline.signal.aborted]).toEqual([false, false]);
  });
});

describe('the system’s clock', () => {
  test('tells the calendar, and milliseconds that do not run backward', () => {
    expect(Math.abs(systemClock.date() - Date.now())).toBeLessThan(60_000);
    const before = systemClock.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });

  test('calls later, unless that was cancelled', async () => {
    const called: string[] = [];
    const forget = systemClock.after(1, () => void called.push('cancelled'));
    forget();
    await new Promise<void>((resolve) => {
      systemClock.after(5, () => {
        called.push('kept');
        resolve();
      });
    });
    expect(called).toEqual(['kept']);
  });

  test('a sleep ends by itself, or at once with a cancellation', async () => {
    const { signal } = new AbortController();
    await expect(systemClock.sleep(1, signal)).resolves.toBeUndefined();
    const cancelled = AbortSignal.abort();
    await expect(systemClock.sleep(600_000, cancelled)).rejects.toThrow('abort');
  });
});
