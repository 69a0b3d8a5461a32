import type { LoginTarget, Tool } from '../azure/tools.ts';

/** A variable of the job that would make a tool act as another identity. */
export interface ConflictingVariable {
  readonly name: string;
  readonly tool: Tool;
  /** What the tool would do, as the end of a sentence that begins with the variable. */
  readonly conflict: string;
}

/** A file in the private directory. */
export type PrivateFile = 'token-file' | 'git-settings' | 'git-token' | 'marker';

/** The purpose of one `az` command of the sign-in. */
export type SignInStage = 'version' | 'cloud' | 'identity' | 'subscription';

/** How a child process ended. `words` is the end of what it wrote to stderr, whole lines only. From outside. */
export type ChildEnd =
  /** `output` only if it was wanted. From outside. */
  | { readonly kind: 'done'; readonly output?: string }
  | { readonly kind: 'failed'; readonly code: number | NodeJS.Signals | null; readonly words: string }
  | { readonly kind: 'timed-out'; readonly words: string }
  | { readonly kind: 'not-started'; readonly words: string };

/** Everything that can go wrong between the exchange and the job that uses its result. */
export type HandoverProblem =
  | { readonly kind: 'conflicting-variables'; readonly variables: readonly ConflictingVariable[] }
  | { readonly kind: 'no-temporary-folder'; readonly path: string }
  /** The host cannot receive values, known before anything was sent. */
  | { readonly kind: 'unusable-command-file'; readonly name: string; readonly detail: string }
  /** What the clean-up must know could not be saved, known before anything was sent. */
  | { readonly kind: 'not-recorded'; readonly detail: string }
  /** The host did not take a value. */
  | {
      readonly kind: 'not-published';
      /** Names that a later step can see. */
      readonly visible: readonly string[];
      /** The system's own words. From outside. */
      readonly detail: string;
    }
  | {
      readonly kind: 'not-written';
      readonly what: 'directory' | 'access' | 'privacy' | PrivateFile;
      readonly path: string;
      /** The system's own words. From outside. */
      readonly detail: string;
    }
  /** The background process of `export: managed-identity`. `detail` has the system's own words. From outside. */
  | { readonly kind: 'endpoint-not-started'; readonly detail: string }
  | { readonly kind: 'tool-missing'; readonly tool: LoginTarget }
  /** Its version; empty if it did not say one. */
  | {
      readonly kind: 'tool-too-old';
      readonly tool: LoginTarget;
      readonly program: string;
      readonly found: string;
      readonly needed: string;
    }
  /** A path that cannot be given to Windows' command interpreter as it is. */
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
      /** For the whole sign-in. Milliseconds. */
      readonly limit: number;
    };

export class HandoverError extends Error {
  override readonly name = 'HandoverError';
  readonly code: HandoverProblem['kind'];
  readonly detail: HandoverProblem;

  constructor(detail: HandoverProblem, options?: ErrorOptions) {
    super(summaries[detail.kind], options);
    this.code = detail.kind;
    this.detail = detail;
  }
}

/** For developers and stack traces; users read `messages/`. */
const summaries: Readonly<Record<HandoverProblem['kind'], string>> = {
  'conflicting-variables': 'the job has variables that would make a tool act as another identity',
  'no-temporary-folder': 'the job’s temporary folder cannot be used',
  'unusable-command-file': 'a file through which the host receives values cannot be written',
  'not-recorded': 'the record for the clean-up could not be saved',
  'not-published': 'the host did not take a value',
  'not-written': 'the private directory or the token file could not be written',
  'endpoint-not-started': 'the job’s identity endpoint does not run',
  'tool-missing': 'the tool to sign in is not on the job’s PATH',
  'tool-too-old': 'the tool does not know identity endpoints',
  'tool-unsafe': 'the tool cannot be started without a command interpreter that misreads its path',
  'sign-in-failed': 'the tool’s sign-in failed',
};

/** The system's own words for what went wrong with a file. Where a descriptor is shown means nothing to a user. */
export function systemWords(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.replaceAll(/\/proc\/self\/fd\/\d+\//gu, '');
}
