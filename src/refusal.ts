/** Why the step itself declines to run, before any request. */
export type RefusalReason =
  | { readonly kind: 'fork'; readonly reason: string }
  | { readonly kind: 'tls-verification-off' }
  /** A setting of the host's that cannot be used. Its value may hold a password, and is not told. */
  | { readonly kind: 'setting'; readonly setting: string; readonly problem: string; readonly remedy: string };

export class StepRefusal extends Error {
  override readonly name = 'StepRefusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason.kind);
    this.reason = reason;
  }
}
