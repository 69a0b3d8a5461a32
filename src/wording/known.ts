import type { InputName, OutputName } from '../contract.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { ProcessFacts } from '../process-environment.ts';

/** What is known of a run when something is to be said about it. */
export interface KnownOfRun {
  /** How the host writes an input's name. */
  readonly spell: (name: InputName | OutputName) => string;
  readonly request?: StepRequest;
  readonly facts?: ProcessFacts;
}
