import { randomUUID } from 'node:crypto';
import { aadsts } from './aadsts.ts';
import type { ServiceResponse } from './handler.ts';
import type { RecordedRequest } from './request-log.ts';

/** Values for the placeholders of an error message. */
export type MessageValues = Readonly<Record<string, string>>;

/** An AADSTS number and the values for its message. */
export interface EntraError {
  readonly code: number;
  readonly values?: MessageValues;
}

interface Overrides {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly error?: string;
  readonly message?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Entra's format: `2024-07-04 13:48:17Z`. */
function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/**
 * An error response in the format of Entra's token endpoint.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application
 *
 * @param code the AADSTS number. A number that is not in the table needs `overrides.message`
 * @param values values for placeholders that the request itself does not provide
 */
export function entraErrorResponse(
  code: number,
  request: RecordedRequest,
  overrides: Overrides = {},
  values: MessageValues = {},
): ServiceResponse {
  const row = aadsts[code];
  const template = overrides.message ?? row?.message;
  if (template === undefined) throw new Error(`AADSTS${code} is not in the table and has no message`);
  const allValues: MessageValues = { ...valuesFrom(request), ...values };
  const message = template.replace(/\{(\w+)\}/g, (whole, name: string) => allValues[name] ?? whole);
  const time = timestamp();
  const traceId = randomUUID();
  const correlationId = correlationIdOf(request) ?? randomUUID();
  const host = request.host.split(':')[0] ?? '';
  return {
    status: overrides.status ?? row?.status ?? 400,
    headers: {
      ...standardHeaders(traceId, request),
      ...overrides.headers,
    },
    body: {
      error: overrides.error ?? row?.error ?? 'invalid_request',
      error_description: `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${time}`,
      error_codes: [code],
      timestamp: time,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://${host}/error?code=${code}`,
      ...overrides.extra,
    },
  };
}

/** Placeholder values from the unchecked request. They make queued faults look like a response to this request. */
function valuesFrom({ form, method, path }: RecordedRequest): MessageValues {
  const clientId = form.get('client_id') ?? '';
  const scope = form.get('scope') ?? '';
  const claims = uncheckedClaims(form.get('client_assertion') ?? '');
  return {
    parameter: 'client_assertion',
    reason: 'The key was not found.',
    keyId: '',
    now: new Date().toISOString(),
    from: isoDate(claims['nbf']),
    until: isoDate(claims['exp']),
    allowed: 'POST, OPTIONS',
    method,
    tenant: path.split('/')[1] ?? '',
    grantType: form.get('grant_type') ?? '',
    clientId,
    appName: clientId,
    scope,
    resource: scope.replace(/\/\.default$/, ''),
    issuer: String(claims['iss'] ?? ''),
    subject: String(claims['sub'] ?? ''),
    audience: String(claims['aud'] ?? ''),
  };
}

/** A claim that is not a usable date reads as 1970. */
function isoDate(seconds: unknown): string {
  const date = new Date(Number(seconds ?? 0) * 1000);
  return (Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString();
}

function uncheckedClaims(assertion: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The headers of every response of the token endpoint. */
export function standardHeaders(traceId: string, request: RecordedRequest): Record<string, string> {
  const correlationId = correlationIdOf(request);
  return {
    'cache-control': 'no-store, no-cache',
    pragma: 'no-cache',
    'x-ms-request-id': traceId,
    'x-ms-ests-server': '2.1.0 - EMB ProdSlices',
    ...(correlationId !== undefined && { 'client-request-id': correlationId }),
  };
}

/** The caller's correlation ID. MSAL for JavaScript sends it as a query parameter, other clients as a header. */
function correlationIdOf({ headers, query }: RecordedRequest): string | undefined {
  return headers['client-request-id'] ?? query.get('client-request-id') ?? undefined;
}
