import type { Leg, RecordedRequest } from './request-log.ts';

/** A complete answer of the test's own in place of the service's. A body that is no string is sent as JSON. */
interface AnswerFault {
  readonly kind?: 'answer';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One of Entra's errors by its AADSTS number, in Entra's own JSON; see `entraError`. */
export interface EntraFault {
  readonly kind: 'entra';
  readonly code: number;
  /** Another HTTP status than the table's. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another text than the table's, without the AADSTS prefix and without the trace lines. */
  readonly message?: string;
  /** Members to add to the JSON, e.g. `suberror` or `claims`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export type Fault =
  | AnswerFault
  | EntraFault
  /** The connection is reset before any answer. */
  | { readonly kind: 'reset' }
  /** The connection stays open and nothing ever comes. */
  | { readonly kind: 'hang' }
  /** Status line and headers come, half of the body comes, then nothing more. */
  | { readonly kind: 'stall' }
  /** A web page, as gateways and captive portals send. */
  | { readonly kind: 'html'; readonly status: number; readonly body?: string }
  /** The service's own answer, its JSON cut in half; the HTTP message itself is whole. */
  | { readonly kind: 'truncated' }
  /** The service's own answer, the connection closed in the middle of the body. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: 301 | 302 | 303 | 307 | 308 };

/** A fault for `faults.queue('entra', …)`: one of Entra's errors by its number. */
export function entraError(code: number, more: Omit<EntraFault, 'kind' | 'code'> = {}): EntraFault {
  return { kind: 'entra', code, ...more };
}

interface Queued {
  readonly leg: Leg;
  readonly fault: Fault;
  readonly when: (request: RecordedRequest) => boolean;
  left: number;
}

/** Faults waiting for the requests they are meant for, first come first served. */
export class Faults {
  #queued: Queued[] = [];

  /**
   * The next `times` requests of this leg (those for which `when` holds) get this fault instead of an answer.
   * `Number.POSITIVE_INFINITY` means every one from now on.
   */
  queue(leg: Leg, fault: Fault, times = 1, when: (request: RecordedRequest) => boolean = () => true): void {
    this.#queued.push({ leg, fault, when, left: times });
  }

  /** Forgets every fault that has not struck yet. */
  clear(): void {
    this.#queued = [];
  }

  /** How many faults are still to strike: a test's proof that all of them did. */
  get pending(): number {
    return this.#queued.reduce((sum, queued) => sum + queued.left, 0);
  }

  /** The fault meant for this request, if any, used up by one. */
  take(request: RecordedRequest): Fault | undefined {
    const queued = this.#queued.find((one) => one.leg === request.leg && one.when(request));
    if (queued === undefined) return undefined;
    queued.left -= 1;
    if (queued.left <= 0) this.#queued.splice(this.#queued.indexOf(queued), 1);
    return queued.fault;
  }
}
