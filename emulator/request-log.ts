/** Which of the embedded services a request reached. `identity-endpoint` is every machine's endpoint but IMDS. */
export type Leg = 'imds' | 'identity-endpoint' | 'entra' | 'arm' | 'graph' | 'proxy';

/** One request as a service received it. */
export interface RecordedRequest {
  readonly leg: Leg;
  /** When it had arrived whole; `Date.now()`. */
  readonly time: number;
  /** `GET`, `POST`, … ; for the proxy also `CONNECT`. */
  readonly method: string;
  /** The `Host` header; for the proxy the target's `host:port`. */
  readonly host: string;
  /** Without the query. For the proxy: empty for CONNECT, else the target's path. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body read as a form; empty when it is none. */
  readonly form: URLSearchParams;
  /** What was decoded from `Proxy-Authorization: Basic`; only on the proxy's leg. */
  readonly proxyUser?: { readonly name: string; readonly password: string };
  /** The status answered; `undefined` while there is none, and for ever after a reset or a hang. */
  readonly status: number | undefined;
}

type Predicate = (request: RecordedRequest) => boolean;

/** Every request that any service received, in order of arrival, and a way to wait for the next. */
export class RequestLog {
  #requests: RecordedRequest[] = [];
  readonly #waiting = new Set<{ readonly wanted: Predicate; readonly found: (r: RecordedRequest) => void }>();

  get all(): readonly RecordedRequest[] {
    return this.#requests;
  }

  clear(): void {
    this.#requests = [];
  }

  add(request: RecordedRequest): void {
    this.#requests.push(request);
    for (const waiter of this.#waiting) {
      if (!waiter.wanted(request)) continue;
      this.#waiting.delete(waiter);
      waiter.found(request);
    }
  }

  /** Resolves with the next request that is wanted, as soon as it has arrived whole, before it is answered. */
  next(wanted: Predicate = () => true): Promise<RecordedRequest> {
    return new Promise((found) => {
      this.#waiting.add({ wanted, found });
    });
  }

  /** Resolves when `count` requests that are wanted stand in the log, those already there included. */
  async atLeast(count: number, wanted: Predicate = () => true): Promise<readonly RecordedRequest[]> {
    while (this.#requests.filter(wanted).length < count) await this.next(wanted);
    return this.#requests.filter(wanted);
  }
}
