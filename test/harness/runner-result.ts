import type { Stream } from './host-process.ts';
import type { CommandFile } from './runner-environment.ts';
import type { AnnotationLevel, Transcript } from './transcript.ts';

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

export type RunnerEvent =
  | { readonly kind: 'log'; readonly stream: Stream; readonly text: string }
  | { readonly kind: 'mask'; readonly value: string }
  | {
      readonly kind: 'annotation';
      readonly level: AnnotationLevel;
      readonly message: string;
      readonly properties: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'debug'; readonly message: string }
  | { readonly kind: 'group' | 'endgroup'; readonly title: string }
  | {
      readonly kind: 'output' | 'environment' | 'state';
      readonly name: string;
      readonly value: string;
      /** Legacy commands arrive while the step runs. Files are read when it has ended. */
      readonly by: 'file' | 'command';
    }
  | { readonly kind: 'path'; readonly value: string }
  | { readonly kind: 'summary'; readonly text: string }
  | { readonly kind: 'refused'; readonly what: string; readonly reason: string }
  /** What a cancel sends, in this order. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'end'; readonly conclusion: Conclusion };

export interface RunnerResult extends Transcript {
  readonly conclusion: Conclusion;
  readonly events: readonly RunnerEvent[];
  /** What the step gave to the runner. Later steps see it only if the step has an `id`: `RunnerJob.stepOutputs`. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What this step added to the environment of later steps. */
  readonly exported: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  /** The job summary, masked line by line as the runner uploads it. */
  readonly summary: string;
  /** The command files as the step left them. */
  readonly files: Readonly<Record<CommandFile, string>>;
}

/** Why a step ended that did not end by itself. */
export type Interruption = 'cancelled' | 'timed-out';
