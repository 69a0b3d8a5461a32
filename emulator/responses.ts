import type { ServerResponse } from 'node:http';
import { entraErrorResponse } from './entra-error-response.ts';
import type { Fault } from './faults.ts';
import type { Handler, ServiceResponse } from './handler.ts';
import type { OpenRecord } from './request-log.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

function encode(answer: ServiceResponse): {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
} {
  const { body, headers = {} } = answer;
  if (body === undefined) return { headers: { ...headers }, body: Buffer.alloc(0) };
  if (Buffer.isBuffer(body)) return { headers: { ...headers }, body };
  if (typeof body === 'string') return { headers: { ...headers }, body: Buffer.from(body, 'utf8') };
  return {
    headers: { 'content-type': JSON_TYPE, ...headers },
    body: Buffer.from(JSON.stringify(body), 'utf8'),
  };
}

/** Sends a response and records its status. */
export function sendResponse(
  response: ServerResponse,
  answer: ServiceResponse | 'reset',
  record: OpenRecord | undefined,
): void {
  if (answer === 'reset') {
    reset(response);
    return;
  }
  const { headers, body } = encode(answer);
  if (record !== undefined) {
    record.status = answer.status;
    const code = errorCodeOf(answer.body);
    if (code !== undefined) record.errorCode = code;
  }
  response.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
}

/** The AADSTS number of Entra's error format. */
function errorCodeOf(body: unknown): number | undefined {
  if (typeof body !== 'object' || body === null || !('error_codes' in body)) return undefined;
  const [code] = body.error_codes as readonly number[];
  return code;
}

function reset(response: ServerResponse): void {
  const socket = response.socket;
  if (socket === null) return;
  // A TLS socket has no handle to reset. Closing it without a TLS alert looks the same to the client.
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Sends what the fault asks for instead of the normal response. */
export async function applyFault(
  fault: Fault,
  response: ServerResponse,
  record: OpenRecord,
  handler: Handler,
): Promise<void> {
  switch (fault.kind) {
    case undefined:
    case 'answer':
      sendResponse(response, fault, record);
      return;
    case 'entra':
      sendResponse(response, entraErrorResponse(fault.code, record, fault), record);
      return;
    case 'html':
      sendResponse(
        response,
        {
          status: fault.status,
          headers: { 'content-type': 'text/html; charset=utf-8' },
          body: fault.body ?? `<html><head><title>${fault.status}</title></head><body>Sorry.</body></html>`,
        },
        record,
      );
      return;
    case 'redirect':
      sendResponse(response, { status: fault.status ?? 302, headers: { location: fault.location } }, record);
      return;
    case 'reset':
      reset(response);
      return;
    case 'hang':
      return;
    case 'truncated':
    case 'cut':
    case 'stall': {
      const own = await handler(record);
      if (own === 'reset') {
        reset(response);
        return;
      }
      const { headers, body } = encode(own);
      const half = body.subarray(0, Math.floor(body.length / 2));
      if (fault.kind === 'truncated') {
        sendResponse(response, { status: own.status, headers, body: half }, record);
        return;
      }
      record.status = own.status;
      response.writeHead(own.status, { ...headers, 'content-length': String(body.length) });
      response.write(half, () => {
        if (fault.kind === 'cut') response.socket?.destroy();
      });
    }
  }
}
