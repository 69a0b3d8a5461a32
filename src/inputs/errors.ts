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
/** Letters of one word, and words between spaces: more may be a key or a passphrase. */
const longestWord = 24;
const mostWords = 3;
/** Letters in all that form no word, such as `xYzK`: more may be a key. */
const mostRandom = 6;
/**
 * Letters and what stands between the parts of addresses and of scope lines. No quotes and braces, because the value may be
 * a part of a JSON with a secret; no `@`, because an address may have a password; nothing else that is usual in passwords.
 */
const plainCharacters = /^[\p{L} _.:/#=|<>()[\],;?+-]*$/u;
/** What may have digits: a GUID, also with a character too many or too few, and the version in Entra's addresses. */
const knownDigits =
  /(?<![0-9a-z])(?:[0-9a-f]{7,9}-[0-9a-f]{3,5}-[0-9a-f]{3,5}-[0-9a-f]{3,5}-[0-9a-f]{11,13}|v[12]\.0)(?![0-9a-z])/giu;
/** A number, perhaps with a unit. */
const number = /^[+-]?\d{1,6}(?:[.,]\d{1,3})?(?: ?[a-z]{1,7})?$/iu;
/** `contoso`, `ARM`, `storageAccounts`. */
const word = /^(?:\p{Lu}?\p{Ll}+(?:\p{Lu}+\p{Ll}+)*|\p{Lu}+)$/u;

export function isHarmless(value: string): boolean {
  if (number.test(value)) return true;
  const rest = value.replace(knownDigits, ' ');
  if (value.length > longestQuote || !plainCharacters.test(rest)) return false;
  if (value.split(/ +/u).filter((part) => /\p{L}/u.test(part)).length > mostWords) return false;
  const runs = rest.split(/[^\p{L}]+/u);
  const random = runs.filter((run) => !(run.length > 1 && word.test(run))).join('');
  return runs.every((run) => run.length <= longestWord) && random.length <= mostRandom;
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
