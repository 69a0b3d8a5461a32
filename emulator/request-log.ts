/** The service that received a request. `identity-endpoint` is the endpoint of every machine without IMDS. */
export type Leg =
  | 'imds'
  | 'identity-endpoint'
  | 'entra'
  | 'arm'
  | 'graph'
  | 'registry'
  | 'azure-repos'
  | 'feeds'
  | 'cluster-issuer'
  | 'proxy';

/** One request, as a service received it. */
export interface RecordedRequest {
  readonly leg: Leg;
  /** When the whole request had arrived (`Date.now()`). */
  readonly time: number;
  /** `GET`, `POST`, and so on. The proxy also receives `CONNECT`. */
  readonly method: string;
  /** The `Host` header. For the proxy: the target's `host:port`. */
  readonly host: string;
  /** Without the query. For the proxy: empty for CONNECT, otherwise the target's path. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as a form. Empty if the content type is not a form. */
  readonly form: URLSearchParams;
  /** The user in `Proxy-Authorization: Basic`. Only the proxy records it. */
  readonly proxyUser?: { readonly name: string; readonly password: string };
  /** The status of the response. `undefined` until the response is sent, and after a reset or a hang. */
  readonly status: number | undefined;
  /** The AADSTS number of an error response. */
  readonly errorCode?: number;
}

/** A record whose status can still be set. Only the service that answers the request uses this type. */
export type OpenRecord = { -readonly [K in keyof RecordedRequest]: RecordedRequest[K] };

type Predicate = (request: RecordedRequest) => boolean;

/** All requests that the services received, in order of arrival. */
export class RequestLog {
  readonly #onAnswer: (request: RecordedRequest) => void;
  #requests: RecordedRequest[] = [];
  readonly #waiting = new Set<{
    readonly wanted: Predicate;
    readonly resolve: (request: RecordedRequest) => void;
  }>();

  constructor(onAnswer: (request: RecordedRequest) => void = () => {}) {
    this.#onAnswer = onAnswer;
  }

  /** A service calls this when it has answered the request or closed its connection. */
  answered(request: RecordedRequest): void {
    this.#onAnswer(request);
  }

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
      waiter.resolve(request);
    }
  }

  /** Resolves with the next matching request as soon as all of it has arrived, before the response. */
  next(wanted: Predicate = () => true): Promise<RecordedRequest> {
    return new Promise((resolve) => {
      this.#waiting.add({ wanted, resolve });
    });
  }

  /** Resolves when the log holds `count` matching requests, earlier ones included. */
  async atLeast(count: number, wanted: Predicate = () => true): Promise<readonly RecordedRequest[]> {
    while (this.#requests.filter(wanted).length < count) await this.next(wanted);
    return this.#requests.filter(wanted);
  }
}
