import type { ChildEnd } from './child-process.ts';
import type { ExportTarget, LoginTarget } from './tool-variables.ts';

/** A variable of the job that would make a tool act as somebody else. */
export interface Rival {
  readonly name: string;
  readonly tool: ExportTarget | LoginTarget;
  /** What the tool would do, as the end of a sentence that begins with it. */
  readonly effect: string;
}

/** What an `az` command of the sign-in is for. */
export type SignInStage = 'cloud' | 'identity' | 'subscription';

/** Everything that can go wrong between the exchange and the tools that are to use it. */
export type HandoverProblem =
  | { readonly kind: 'rival-variables'; readonly rivals: readonly Rival[] }
  | { readonly kind: 'no-temporary-folder'; readonly path: string }
  | {
      readonly kind: 'not-written';
      readonly what: 'directory' | 'access' | 'token-file';
      readonly path: string;
      /** The system's own words. From outside. */
      readonly detail: string;
    }
  | { readonly kind: 'tool-missing'; readonly tool: LoginTarget }
  /** A command file whose path cannot be given to Windows' command interpreter as it is. */
  | { readonly kind: 'tool-unsafe'; readonly tool: LoginTarget; readonly path: string }
  | {
      readonly kind: 'sign-in-failed';
      readonly tool: LoginTarget;
      readonly program: string;
      readonly stage: SignInStage;
      /** Without the program; there is no secret in it. */
      readonly arguments: readonly string[];
      readonly end: ChildEnd;
      readonly tries: number;
      /** For the whole sign-in, in milliseconds. */
      readonly limit: number;
    };

export class HandoverFailure extends Error {
  override readonly name = 'HandoverFailure';
  readonly problem: HandoverProblem;

  constructor(problem: HandoverProblem) {
    super(problem.kind);
    this.problem = problem;
  }
}

/** The system's own words for what went wrong with a file. */
export function systemWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
