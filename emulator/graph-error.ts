import { randomUUID } from 'node:crypto';
import type { ServiceResponse } from './handler.ts';

/** An error in Graph's format: https://learn.microsoft.com/graph/errors */
export function graphError(status: number, code: string, message: string): ServiceResponse {
  const requestId = randomUUID();
  return {
    status,
    headers: { 'request-id': requestId },
    body: {
      error: {
        code,
        message,
        innerError: {
          date: new Date().toISOString().slice(0, 19),
          'request-id': requestId,
          'client-request-id': requestId,
        },
      },
    },
  };
}
