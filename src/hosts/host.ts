import type { InputName, OutputName } from '../contract.ts';

/** A forward proxy that leads to a URL. User and password as they are, not percent-encoded. */
export interface ForwardProxy {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * Whoever runs us. A host translates and never decides: it knows how its inputs are read and its commands are
 * written, and nothing of identities and tokens. Whatever text it is given to show is made inert for its log.
 */
export interface Host {
  /** How users write this input or output here, for messages: `client-id` or `clientId`. */
  spell(name: InputName | OutputName): string;
  /** The input's value without surrounding white space; empty when not given. */
  readInput(name: InputName): string;
  /** Hides `value` in everything that is printed from now on. */
  registerSecret(value: string): void;
  setOutput(name: OutputName, value: string, secrecy: Secrecy): void;
  /** A variable for the job's later steps. */
  setVariable(name: string, value: string, secrecy: Secrecy): void;
  /** Keeps `value` for this step's own clean-up, which reads it by `saved-state.ts`. */
  saveState(name: string, value: string): void;
  info(text: string): void;
  warning(text: string): void;
  /** Ends the step as failed, with `text` as its one error. */
  fail(text: string): void;
  /** Why this run belongs to a pull request from a fork, in words; nothing when it does not. */
  forkPullRequest(): Promise<string | undefined>;
  /** The job's temporary folder. */
  temporaryFolder(): string;
  /** The proxy that the host's own settings prescribe for `url`. */
  proxyFor(url: URL): Promise<ForwardProxy | undefined>;
  /** A certificate authority that the host's own settings add, PEM. */
  certificateAuthority(): string | undefined;
}

export type Secrecy = 'secret' | 'plain';
