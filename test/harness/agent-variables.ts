import type { SecretMasker } from './secret-masker.ts';

/** A variable of the job or of a task. Source: azure-pipelines-agent `Agent.Worker/Variables.cs`. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly readOnly: boolean;
  readonly preserveCase: boolean;
}

export interface VariableTraits {
  readonly secret?: boolean;
  readonly readOnly?: boolean;
  readonly preserveCase?: boolean;
}

/** Deeper nesting is not expanded. Source: `Variables.cs`, `MaxDepth`. */
const deepestNesting = 50;

/**
 * Names ignore letter case: `NO_PROXY` and `no_proxy` are one variable, and the last write gives its name. What was
 * secret or read-only stays so. Values are expanded again before every step.
 */
export class Variables {
  readonly #masker: SecretMasker;
  /** As they were set. */
  readonly #unexpanded = new Map<string, Variable>();
  #expanded = new Map<string, Variable>();

  constructor(masker: SecretMasker) {
    this.#masker = masker;
  }

  get all(): readonly Variable[] {
    return [...this.#expanded.values()];
  }

  get(name: string): Variable | undefined {
    return this.#expanded.get(name.toLowerCase());
  }

  /** Until the next `recalculate`, the value is what was set. Source: `Variables.cs`, `Set`. */
  set(name: string, value: string, traits: VariableTraits = {}): void {
    const before = this.get(name);
    const secret = traits.secret === true || before?.secret === true;
    const readOnly = traits.readOnly === true || before?.readOnly === true;
    if (secret) this.#masker.add(value);
    const variable = { name, value, secret, readOnly, preserveCase: traits.preserveCase === true };
    this.#unexpanded.set(name.toLowerCase(), variable);
    this.#expanded.set(name.toLowerCase(), variable);
  }

  /**
   * Expands every variable from what was set, nested ones too. A variable that holds a secret one becomes secret. One
   * that refers to itself stays as it was set. Returns the agent's warnings. Source: `Variables.cs`,
   * `RecalculateExpanded`; called by `StepsRunner.cs` before each step.
   */
  recalculate(): string[] {
    const warnings: string[] = [];
    const expanded = new Map(this.#unexpanded);
    for (const [key, variable] of this.#unexpanded) {
      const seen = { secret: variable.secret };
      const value = this.#expandNested(variable.value, [key], seen);
      if (typeof value !== 'string') {
        warnings.push(value.problem(variable.name));
        continue;
      }
      if (value === variable.value) continue;
      if (seen.secret) this.#masker.add(value);
      expanded.set(key, { ...variable, value, secret: seen.secret });
    }
    this.#expanded = expanded;
    return warnings;
  }

  #expandNested(
    text: string,
    names: readonly string[],
    seen: { secret: boolean },
  ): string | { problem: (name: string) => string } {
    let value = text;
    let macro = nextMacro(value, 0);
    while (macro !== undefined) {
      const key = macro.name.toLowerCase();
      const nested = this.#unexpanded.get(key);
      if (nested === undefined) {
        macro = nextMacro(value, macro.start + 1);
        continue;
      }
      if (names.length === deepestNesting) {
        const limit = `The max expansion depth (${deepestNesting}) was exceeded.`;
        return { problem: (name) => `Unable to expand variable '${name}'. ${limit}` };
      }
      if (names.includes(key)) {
        return {
          problem: (name) => `Unable to expand variable '${name}'. A cyclical reference was detected.`,
        };
      }
      seen.secret ||= nested.secret;
      const inner = this.#expandNested(nested.value, [...names, key], seen);
      if (typeof inner !== 'string') return inner;
      value = value.slice(0, macro.start) + inner + value.slice(macro.end);
      macro = nextMacro(value, macro.start + inner.length);
    }
    return value;
  }

  /** Replaces every `$(name)` that is known, once: a value is not searched again. */
  expand(text: string): string {
    return expandMacros(text, (name) => this.get(name)?.value);
  }
}

interface Macro {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function nextMacro(text: string, from: number): Macro | undefined {
  const start = text.indexOf('$(', from);
  const end = start < 0 ? -1 : text.indexOf(')', start + 2);
  if (end < 0) return undefined;
  return { name: text.slice(start + 2, end), start, end: end + 1 };
}

/**
 * A macro ends at the first `)`. If its name is unknown, the search goes on one character later, so `$($(B))` becomes
 * `$(value of B)`. Source: `Util/VarUtil.cs`, `ExpandValues`.
 */
export function expandMacros(text: string, lookUp: (name: string) => string | undefined): string {
  let result = text;
  let macro = nextMacro(result, 0);
  while (macro !== undefined) {
    const value = macro.name === '' ? undefined : lookUp(macro.name);
    if (value === undefined) {
      macro = nextMacro(result, macro.start + 1);
    } else {
      result = result.slice(0, macro.start) + value + result.slice(macro.end);
      macro = nextMacro(result, macro.start + value.length);
    }
  }
  return result;
}

/** `env.var` → `ENV_VAR`. Source: `Util/VarUtil.cs`, `ConvertToEnvVariableFormat`. */
export function environmentName(name: string, preserveCase = false): string {
  const formatted = name.replaceAll('.', '_').replaceAll(' ', '_');
  return preserveCase ? formatted : formatted.toUpperCase();
}
