import fc, { type Parameters } from 'fast-check';
import { full } from './step-runs.ts';

/** A run in CI always tries the same values; `--full` draws new ones. `HOSTILE_SEED` repeats an earlier run. */
const usualSeed = 20_261_124;
const seed = Number(process.env['HOSTILE_SEED'] ?? (full ? Date.now() % 2 ** 31 : usualSeed));
process.stderr.write(`HOSTILE_SEED=${seed}\n`);

export function seeded<Ts>(numRuns: number): Parameters<Ts> {
  return { seed, numRuns, interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true };
}

/** Values drawn from the seed, for runs that are not one property. */
export function samples<T>(arbitrary: fc.Arbitrary<T>, count: number): readonly T[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

/** Five times as many with `--full`. */
export function runsOf(count: number): number {
  return full ? count * 5 : count;
}
