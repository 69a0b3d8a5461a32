import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  nextWait,
  type RetryRow,
  retryAfterHeader,
  retryTable,
  tryLimits,
} from '../../src/exchange/retries.ts';

const rows = Object.values(retryTable).flatMap((leg) => Object.values(leg));
const row: RetryRow = { tries: 5, firstWait: 1_000, factor: 2, longestWait: 6_000, window: 20_000 };

test('a wait lies between the first wait and the next exponential value, which the longest wait limits', () => {
  expect([0, 0.5, 0.999].map((random) => nextWait(row, 1, 0, undefined, random))).toEqual([
    1_000, 1_500, 1_999,
  ]);
  expect(nextWait(row, 2, 0, undefined, 0.5)).toBe(2_500);
  expect(nextWait(row, 4, 0, undefined, 0)).toBe(1_000);
  expect(nextWait(row, 4, 0, undefined, 0.999)).toBe(5_995);
});

test('exact waits are exponential, without jitter', () => {
  const exact: RetryRow = { ...row, exact: true };
  for (const random of [0, 0.5, 0.999]) {
    expect([1, 2, 3, 4].map((tries) => nextWait(exact, tries, 0, undefined, random))).toEqual([
      1_000, 2_000, 4_000, 6_000,
    ]);
  }
});

test('tries are limited', () => {
  expect(nextWait(row, 4, 0, undefined, 0)).toBeDefined();
  expect(nextWait(row, 5, 0, undefined, 0)).toBeUndefined();
});

test('the window limits when the next try starts, a longer Retry-After included', () => {
  expect(nextWait(row, 1, 19_000, undefined, 0)).toBe(1_000);
  expect(nextWait(row, 1, 19_001, undefined, 0)).toBeUndefined();
  expect(nextWait(row, 1, 0, 20_000, 0)).toBe(20_000);
  expect(nextWait(row, 1, 0, 20_001, 0)).toBeUndefined();
});

test('in every row a wait is never shorter than the first, longer than the longest, or beyond the window', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...rows),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 600_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (any, tries, elapsed, random) => {
        const wait = nextWait(any, tries, elapsed, undefined, random);
        if (wait === undefined) {
          expect(tries >= any.tries || elapsed + any.longestWait > any.window).toBe(true);
          return;
        }
        expect(wait).toBeGreaterThanOrEqual(any.firstWait);
        expect(wait).toBeLessThanOrEqual(any.longestWait);
        expect(elapsed + wait).toBeLessThanOrEqual(any.window);
      },
    ),
  );
});

describe('the table', () => {
  test.each([
    ['identity', 'unreachable', 3, 1_000, 8_000],
    ['identity', 'timed-out', 3, 1_000, Number.POSITIVE_INFINITY],
    ['identity', 'not-found', 5, 1_000, Number.POSITIVE_INFINITY],
    ['identity', 'gone', Number.POSITIVE_INFINITY, 1_000, 70_000],
    ['identity', 'throttled', Number.POSITIVE_INFINITY, 1_000, Number.POSITIVE_INFINITY],
    ['identity', 'server-error', 6, 1_000, Number.POSITIVE_INFINITY],
    ['entra', 'unreachable', 6, 500, Number.POSITIVE_INFINITY],
    ['entra', 'timed-out', 4, 500, Number.POSITIVE_INFINITY],
    ['entra', 'throttled', Number.POSITIVE_INFINITY, 1_000, Number.POSITIVE_INFINITY],
    ['entra', 'server-error', Number.POSITIVE_INFINITY, 500, Number.POSITIVE_INFINITY],
    ['entra', 'transient', Number.POSITIVE_INFINITY, 500, Number.POSITIVE_INFINITY],
    ['entra', 'trust', 3, 3_000, 20_000],
  ] as const)('%s %s', (leg, reason, tries, firstWait, window) => {
    expect(retryTable[leg][reason]).toMatchObject({ tries, firstWait, window });
  });

  test.each([
    ['identity', 'unreachable', 1, 1_000],
    ['identity', 'timed-out', 2, 4_000],
    ['identity', 'not-found', 2, 16_000],
    ['identity', 'gone', 2, 10_000],
    ['identity', 'throttled', 1.5, 5_000],
    ['identity', 'server-error', 2, 16_000],
    ['entra', 'unreachable', 2, 8_000],
    ['entra', 'timed-out', 2, 8_000],
    ['entra', 'throttled', 2, 30_000],
    ['entra', 'server-error', 2, 15_000],
    ['entra', 'transient', 2, 15_000],
    ['entra', 'trust', 2, 6_000],
  ] as const)('%s %s: waits grow by %d, to %i at most', (leg, reason, factor, longestWait) => {
    expect(retryTable[leg][reason]).toMatchObject({ factor, longestWait });
  });

  test('has no further rows', () => {
    expect(rows).toHaveLength(17);
  });

  test('only a missing trust has exact waits and is announced', () => {
    const special = rows.filter(({ exact, announce }) => exact || announce);
    expect(special).toEqual([retryTable.entra.trust]);
    expect(retryTable.entra.trust).toMatchObject({ exact: true, announce: true });
  });
});

test('the limits of one try', () => {
  expect(tryLimits).toEqual({
    identity: { connect: 2_000, answer: 15_000 },
    entra: { connect: 10_000, answer: 30_000 },
    registry: { connect: 10_000, answer: 30_000 },
  });
});

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 5 ', 5_000],
  ['999999999', 999_999_999_000],
  ['9999999999', 999_999_999_000],
  ['9'.repeat(500), 999_999_999_000],
  ['Tue, 01 Jan 2030 00:01:00 GMT', 60_000],
  ['Mon, 31 Dec 2029 23:00:00 GMT', 0],
  ['Tuesday, 01-Jan-30 00:00:30 GMT', 30_000],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['Mon, 99 Xyz', undefined],
  ['5 s', undefined],
  ['in 5', undefined],
  ['1 Jan 2030 00:01:00 GMT', undefined],
  ['2030-01-01T00:01:00Z', undefined],
  ['Jan 1 2030 00:01:00 GMT', 60_000],
  ['Wednesday 2 January 2030 00:00:00 GMT', 86_400_000],
  [`5${' '.repeat(200)}x`, 5_000],
  ['', undefined],
  [undefined, undefined],
])('Retry-After "%s"', (value, expected) => {
  expect(retryAfterHeader(value, Date.UTC(2030, 0, 1))).toBe(expected);
});
