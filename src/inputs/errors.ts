import type { InputName } from '../contract.ts';
import { isGuid } from '../exchange/claims.ts';

/** An input that cannot be used: what is wrong with it and what would be right, each a full sentence. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code = 'input';
  readonly detail: {
    readonly inputs: readonly InputName[];
    /** Templates: `{input:NAME}` stands for an input's name as the host writes it. */
    readonly problem: string;
    readonly expected: string;
  };

  constructor(inputs: InputName | readonly InputName[], problem: string, expected: string) {
    super(problem);
    this.detail = { inputs: typeof inputs === 'string' ? [inputs] : inputs, problem, expected };
  }
}

/** The step itself declines to run, before any request. */
export class StepDeclined extends Error {
  override readonly name = 'StepDeclined';
  readonly code: 'fork' | 'tls-verification-off';
  /** Why, in words; only for a fork. */
  readonly detail: string;

  constructor(code: 'fork' | 'tls-verification-off', detail = '') {
    super(code === 'fork' ? 'the run belongs to a pull request from a fork' : 'TLS verification is off');
    this.code = code;
    this.detail = detail;
  }
}

/**
 * A value for a message. It is quoted only if it is short and plainly harmless: a host hides a secret only where it
 * stands whole and unchanged, and a wrong input may be any secret. Otherwise the message says its length and shape.
 */
export function showValue(value: string): string {
  return isHarmless(value) ? `"${value}"` : `The value (${shapeOf(value)})`;
}

/** The same for a line of an input, as the start of a sentence. */
export function showLine(line: string): string {
  return isHarmless(line) ? `Line "${line}"` : `A line (${shapeOf(line)})`;
}

const longestQuote = 100;
/** A longer run of letters and digits may be a key, and so may runs that are no words: this many characters in all. */
const longestRun = 24;
const mostRandom = 12;
/** Quotes and braces are not harmless: the value, or the line of it, may be a part of a JSON with a secret. */
const plainCharacters = /^[\p{L}\p{N} _.:/@#=|<>()[\],;!?*&'$+-]*$/u;
const guids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/giu;
/** `contoso`, `ARM`, `storageAccounts2`, a number. */
const word = /^(?:[A-Z]?[a-z]+(?:[A-Z]+[a-z]+)*\d{0,4}|[A-Z]+\d{0,4}|\d{1,12})$/u;

export function isHarmless(value: string): boolean {
  if (value.length > longestQuote || !plainCharacters.test(value)) return false;
  const runs = value.replace(guids, ' ').split(/[^A-Za-z0-9]+/u);
  const random = runs.filter((run) => !(run.length > 1 && word.test(run))).join('');
  return runs.every((run) => run.length <= longestRun) && random.length <= mostRandom;
}

function shapeOf(value: string): string {
  const length = `${value.length} character${value.length === 1 ? '' : 's'}`;
  const trimmed = value.trimStart();
  if (trimmed.startsWith('{')) {
    return `a JSON object of ${length}${/"clientId"/u.test(value.slice(0, 10_000)) ? '; did you mean its clientId?' : ''}`;
  }
  if (trimmed.startsWith('-----BEGIN')) return `a certificate or key of ${length}`;
  if (trimmed.startsWith('eyJ')) return `a token of ${length}`;
  if (value.includes('\n')) return `${value.split('\n').length} lines, ${length}`;
  return isGuid(value.trim()) ? 'a GUID' : length;
}
