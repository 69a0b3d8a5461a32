/** Why the step itself declines to run, before any request. */
export type RefusalReason =
  | { readonly kind: 'fork'; readonly reason: string }
  | { readonly kind: 'tls-verification-off' };

export class StepRefusal extends Error {
  override readonly name = 'StepRefusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason.kind);
    this.reason = reason;
  }
}
