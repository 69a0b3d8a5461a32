import type { RecordedRequest } from './request-log.ts';

/** The response of an embedded service. Strings and buffers are sent unchanged, other values as JSON. */
export interface ServiceResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Answers one request. `'reset'` closes the connection, as if nothing listened on the port. */
export type Handler = (
  request: RecordedRequest,
) => ServiceResponse | 'reset' | Promise<ServiceResponse | 'reset'>;
