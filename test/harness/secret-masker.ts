import type { ValueEncoder } from './value-encoders.ts';

/**
 * Replaces every known secret, and every encoded form of one, with `***`. Overlapping and adjoining occurrences become
 * one `***`, so the order in which secrets are added does not matter.
 * Source: actions/runner `Sdk/DTLogging/Logging/SecretMasker.cs`; the agent's masker has the same design.
 */
export class SecretMasker {
  readonly #encoders: readonly ValueEncoder[];
  readonly #patterns: readonly RegExp[];
  readonly #forms = new Set<string>();

  constructor(encoders: readonly ValueEncoder[], patterns: readonly RegExp[] = []) {
    this.#encoders = encoders;
    this.#patterns = patterns;
  }

  add(value: string): void {
    if (value === '') return;
    this.#forms.add(value);
    for (const encode of this.#encoders) {
      const form = encode(value);
      if (form !== '') this.#forms.add(form);
    }
  }

  mask(text: string): string {
    const found: { start: number; end: number }[] = [];
    for (const form of this.#forms) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
        found.push({ start: at, end: at + form.length });
      }
    }
    for (const pattern of this.#patterns) {
      for (const match of text.matchAll(pattern)) {
        found.push({ start: match.index, end: match.index + match[0].length });
      }
    }
    found.sort((one, other) => one.start - other.start);
    let masked = '';
    let shown = 0;
    let run: { start: number; end: number } | undefined;
    const close = () => {
      if (run === undefined) return;
      masked += `${text.slice(shown, run.start)}***`;
      shown = run.end;
    };
    for (const place of found) {
      if (run !== undefined && place.start <= run.end) {
        run.end = Math.max(run.end, place.end);
      } else {
        close();
        run = { ...place };
      }
    }
    close();
    return masked + text.slice(shown);
  }
}
