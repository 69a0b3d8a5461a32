import type { Leg, RecordedRequest } from './request-log.ts';

/** A complete response that replaces the service's own. A body that is not a string is sent as JSON. */
interface ResponseFault {
  readonly kind?: 'answer';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An Entra error by its AADSTS number, in Entra's JSON format. See `entraError`. */
export interface EntraFault {
  readonly kind: 'entra';
  readonly code: number;
  /** Replaces the HTTP status of the table. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the text of the table. Without the AADSTS prefix and the trace IDs. */
  readonly message?: string;
  /** Additional JSON members, for example `suberror` or `claims`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export type Fault =
  | ResponseFault
  | EntraFault
  /** Resets the connection before any response. */
  | { readonly kind: 'reset' }
  /** Keeps the connection open and sends nothing. */
  | { readonly kind: 'hang' }
  /** Sends the status line, the headers and half of the body, then nothing more. */
  | { readonly kind: 'stall' }
  /** Sends a web page, as gateways and captive portals do. */
  | { readonly kind: 'html'; readonly status: number; readonly body?: string }
  /** Sends the first half of the service's own JSON. The HTTP message itself is complete. */
  | { readonly kind: 'truncated' }
  /** Sends the service's own response and closes the connection in the middle of the body. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: 301 | 302 | 303 | 307 | 308 };

/** A fault for `faults.queue('entra', …)`: an Entra error by its AADSTS number. */
export function entraError(code: number, more: Omit<EntraFault, 'kind' | 'code'> = {}): EntraFault {
  return { kind: 'entra', code, ...more };
}

interface QueuedFault {
  readonly leg: Leg;
  readonly fault: Fault;
  readonly when: (request: RecordedRequest) => boolean;
  remaining: number;
}

/** Queued faults. Each request takes the oldest fault that applies to it. */
export class Faults {
  #queued: QueuedFault[] = [];

  /**
   * The next `times` requests to this service (only those for which `when` returns true) get this fault instead of a
   * normal response. `Number.POSITIVE_INFINITY` means all requests from now on.
   */
  queue(leg: Leg, fault: Fault, times = 1, when: (request: RecordedRequest) => boolean = () => true): void {
    this.#queued.push({ leg, fault, when, remaining: times });
  }

  /** Removes all faults that are still queued. */
  clear(): void {
    this.#queued = [];
  }

  /** The number of queued faults. A test checks that it is 0 to prove that all faults were used. */
  get pending(): number {
    return this.#queued.reduce((sum, queued) => sum + queued.remaining, 0);
  }

  /** Takes the fault for this request out of the queue, if there is one. */
  take(request: RecordedRequest): Fault | undefined {
    const queued = this.#queued.find((one) => one.leg === request.leg && one.when(request));
    if (queued === undefined) return undefined;
    queued.remaining -= 1;
    if (queued.remaining <= 0) this.#queued.splice(this.#queued.indexOf(queued), 1);
    return queued.fault;
  }
}
