import { expect, test } from '@jest/globals';
import { duration, until } from '../../src/messages/durations.ts';

test.each([
  [0, '0 s'],
  [40, '0 s'],
  [449, '0.4 s'],
  [1_500, '1.5 s'],
  [9_940, '9.9 s'],
  [10_400, '10 s'],
  [12_345, '12 s'],
  [120_000, '120 s'],
  [120_001, '2 min'],
  [179_999, '2 min'],
  [7_199_000, '119 min'],
  [7_200_000, '2 h 0 min'],
  [86_399_000, '23 h 59 min'],
])('%i milliseconds: %s', (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

test('a moment in the future has its time in UTC and how long it takes until then', () => {
  const moment = new Date(Date.now() + 3_600_000 + 30_000);
  expect(until(moment)).toBe(`${moment.toISOString().slice(0, 19)}Z (in 60 min)`);
});
