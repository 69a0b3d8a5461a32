import type { InputName } from '../contract.ts';
import { InputProblem, quoted } from './problem.ts';

/**
 * A list input: values of a fixed set, separated by commas and line breaks; each is kept once.
 *
 * @throws InputProblem naming the first value that is not in the set
 */
export function listOf<Value extends string>(
  input: InputName,
  text: string,
  known: readonly Value[],
): readonly Value[] {
  const values = text
    .split(/[\n,]/u)
    .map((value) => value.trim())
    .filter((value) => value !== '')
    .map((value) => {
      const match = known.find((candidate) => candidate === value.toLowerCase());
      if (match !== undefined) return match;
      throw new InputProblem(input, `${quoted(value)} is not known.`, `Known are: ${known.join(', ')}.`);
    });
  return [...new Set(values)];
}

/** @throws InputProblem when `text` is neither true nor false */
export function trueOrFalse(input: InputName, text: string): boolean {
  if (/^true$/iu.test(text)) return true;
  if (/^(false)?$/iu.test(text)) return false;
  throw new InputProblem(input, `${quoted(text)} is neither true nor false.`, 'Give true or false.');
}

/** @throws InputProblem when `text` is no whole number in the range */
export function wholeNumber(input: InputName, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,9}$/u.test(text) && value >= least && value <= most) return value;
  throw new InputProblem(
    input,
    `${quoted(text)} is not a whole number from ${least} to ${most}.`,
    'Leave it out for 120 seconds.',
  );
}
