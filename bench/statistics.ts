/** A summary of many measurements of the same thing. */
export interface Spread {
  readonly count: number;
  readonly least: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number): number => quantile(sorted, share);
  return {
    count: sorted.length,
    least: at(0),
    lowerQuartile: at(0.25),
    median: at(0.5),
    upperQuartile: at(0.75),
    most: at(1),
  };
}

/** Linear interpolation between neighbors (type 7 in R, the usual choice). */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return spreadOf(values).median;
}

/** A ratio of two medians with its 95 % confidence interval. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const repetitions = 1000;

/** The interval is a bootstrap: the measurements are resampled many times. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const random = randomFrom(1);
  const draw = (values: readonly number[]): number =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN));
  const drawn = Array.from({ length: repetitions }, () => draw(ours) / draw(theirs)).sort((a, b) => a - b);
  return {
    value: median(ours) / median(theirs),
    low: quantile(drawn, 0.025),
    high: quantile(drawn, 0.975),
  };
}

/** Always the same sequence (mulberry32), so that the same measurements give the same report. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
