import type { InputName, OutputName } from '../contract.ts';
import type { ForwardProxy } from '../exchange/request.ts';

/**
 * What runs the step: GitHub's runner or the Azure Pipelines agent. A host knows how to read inputs and write commands. It
 * knows nothing about identities and tokens, and decides nothing. It makes every text harmless for its log.
 */
export interface Host {
  /** How users write this input or output here, for messages: `client-id` or `clientId`. */
  inputLabel(name: InputName | OutputName): string;
  /** The input's value without surrounding white space; empty if not given. */
  readInput(name: InputName): string;
  /** Hides `value`, and the other forms in which logs may show it, in everything that is printed from now on. */
  registerSecret(value: string): void;
  setOutput(name: OutputName, value: string, secrecy: Secrecy): void;
  /** A variable for the job's later steps. */
  setVariable(name: string, value: string, secrecy: Secrecy): void;
  /** Keeps `value` for this step's own clean-up, which reads it with `saved-state.ts`. */
  saveState(name: string, value: string): void;
  info(text: string): void;
  warning(text: string): void;
  /** The host's debug switch is on. */
  isDebug(): boolean;
  /** Shown only if the debug switch is on. */
  debug(text: string): void;
  /** Ends the step as failed, with `text` as its one error. */
  fail(text: string): void;
  /** Why this run is, or may be, for a pull request from a fork, in words; nothing if it is not. */
  forkPullRequest(): Promise<string | undefined>;
  /** The job's temporary folder. */
  temporaryFolder(): string;
  /** The full path of git's credential helper, which comes with this step. */
  gitCredentialHelper(): string;
  /** The full path of the identity endpoint's program, which comes with this step. */
  endpointProgram(): string;
  /** Names of variables ignore letter case here, on every system: the job has only one `NO_PROXY`. */
  readonly oneSpelling: boolean;
  /**
   * The proxy that the host's own settings prescribe for `url`.
   *
   * @throws HostSettingError if the setting cannot be used
   */
  proxyFor(url: URL): Promise<ProxyChoice>;
  /** A certificate authority that the host's own settings add. */
  certificateAuthority(): CertificateAuthority | undefined;
  /** A file through which the host receives values, if it cannot be written. */
  unusableCommandFile(): CommandFileProblem | undefined;
}

export type Secrecy = 'secret' | 'plain';

export interface ProxyChoice {
  readonly proxy?: ForwardProxy;
  /** How the choice was made, for debug lines. */
  readonly because: string;
  /** Settings that contradict each other: a reader of the log must know. */
  readonly notices: readonly string[];
  /** Entries that cannot be used, for debug lines. */
  readonly remarks: readonly string[];
}

export type CertificateAuthority =
  | { readonly kind: 'certificate'; readonly setting: string; readonly path: string; readonly pem: string }
  | { readonly kind: 'unreadable'; readonly setting: string; readonly path: string; readonly detail: string };

export interface CommandFileProblem {
  /** `GITHUB_OUTPUT`. */
  readonly name: string;
  readonly detail: string;
}

/** A setting of the host that cannot be used. Its value may hold a password, and is not in the message. */
export class HostSettingError extends Error {
  override readonly name = 'HostSettingError';
  readonly code = 'host-setting';
  readonly detail: { readonly setting: string; readonly problem: string; readonly fix: string };

  constructor(detail: HostSettingError['detail'], options?: ErrorOptions) {
    super(`${detail.setting} ${detail.problem}`, options);
    this.detail = detail;
  }
}
