import type { InputName } from '../contract.ts';

/** An input that cannot be used: what is wrong with it and what would be right, each a full sentence. */
export class InputProblem extends Error {
  override readonly name = 'InputProblem';
  readonly inputs: readonly InputName[];
  readonly problem: string;
  readonly expected: string;

  constructor(inputs: InputName | readonly InputName[], problem: string, expected: string) {
    super(problem);
    this.inputs = typeof inputs === 'string' ? [inputs] : inputs;
    this.problem = problem;
    this.expected = expected;
  }
}

/** A value as it may stand in a message: short, on one line. */
export function quoted(value: string): string {
  const short = value.length > 120 ? `${value.slice(0, 117)}…` : value;
  return `"${short.replace(/\s+/gu, ' ')}"`;
}
