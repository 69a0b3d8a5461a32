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

/** Names have no letter case. What was once secret or read-only stays so; a secret is hidden as soon as it is set. */
export class Variables {
  readonly #masker: SecretMasker;
  readonly #byName = new Map<string, Variable>();

  constructor(masker: SecretMasker) {
    this.#masker = masker;
  }

  get all(): readonly Variable[] {
    return [...this.#byName.values()];
  }

  get(name: string): Variable | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  set(name: string, value: string, traits: VariableTraits = {}): void {
    const before = this.get(name);
    const secret = traits.secret === true || before?.secret === true;
    const readOnly = traits.readOnly === true || before?.readOnly === true;
    if (secret) this.#masker.add(value);
    const variable = { name, value, secret, readOnly, preserveCase: traits.preserveCase === true };
    this.#byName.set(name.toLowerCase(), variable);
  }

  /** Replaces every `$(name)` that is known, once: a value is not searched again. */
  expand(text: string): string {
    return text.replace(/\$\(([^)]+)\)/g, (macro, name: string) => this.get(name)?.value ?? macro);
  }
}

/** `env.var` → `ENV_VAR`. Source: `Util/VarUtil.cs`, `ConvertToEnvVariableFormat`. */
export function environmentName(name: string, preserveCase = false): string {
  const formatted = name.replaceAll('.', '_').replaceAll(' ', '_');
  return preserveCase ? formatted : formatted.toUpperCase();
}
