import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextWait, retryAfterHeader, retryTable } from '../../src/exchange/retries.ts';

const rows = Object.values(retryTable).flatMap((leg) => Object.values(leg));

test('a wait is never shorter than the row says, nor longer than its longest with the jitter', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...rows),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 600_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (row, tries, elapsed, random) => {
        const wait = nextWait(row, tries, elapsed, undefined, random);
        if (wait === undefined) {
          expect(tries >= row.tries || elapsed + row.longestWait * 1.25 > row.window).toBe(true);
          return;
        }
        expect(wait).toBeGreaterThanOrEqual(row.firstWait);
        expect(wait).toBeLessThanOrEqual(row.longestWait * 1.25);
        expect(elapsed + wait).toBeLessThanOrEqual(row.window);
      },
    ),
  );
});

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 5 ', 5_000],
  ['Tue, 01 Jan 2030 00:01:00 GMT', 60_000],
  ['Mon, 31 Dec 2029 23:00:00 GMT', 0],
  ['Tuesday, 01-Jan-30 00:00:30 GMT', 30_000],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
])('Retry-After "%s"', (value, expected) => {
  expect(retryAfterHeader(value, Date.UTC(2030, 0, 1))).toBe(expected);
});
