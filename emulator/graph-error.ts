import { randomUUID } from 'node:crypto';
import type { Answer } from './service.ts';

/** An error as Graph words it: https://learn.microsoft.com/graph/errors */
export function graphError(status: number, code: string, message: string): Answer {
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
