import { randomUUID } from 'node:crypto';
import { aadsts } from './aadsts.ts';
import type { RecordedRequest } from './request-log.ts';
import type { Answer } from './service.ts';

/** What the placeholders of a message stand for. */
export type About = Readonly<Record<string, string>>;

interface Difference {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly error?: string;
  readonly message?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** `2024-07-04 13:48:17Z`, as Entra writes it. */
function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/**
 * One of Entra's errors as its token endpoint sends it.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application
 *
 * @param code the AADSTS number; an unknown one needs a `message`
 * @param about what the placeholders of the message stand for, beyond what the request itself says
 */
export function entraFailure(
  code: number,
  request: RecordedRequest,
  difference: Difference = {},
  about: About = {},
): Answer {
  const row = aadsts[code];
  const template = difference.message ?? row?.message;
  if (template === undefined) throw new Error(`AADSTS${code} is not in the table and came without a message`);
  const known: About = { ...saidBy(request), ...about };
  const message = template.replace(/\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole);
  const time = timestamp();
  const traceId = randomUUID();
  const correlationId = correlationOf(request) ?? randomUUID();
  const host = request.host.split(':')[0] ?? '';
  return {
    status: difference.status ?? row?.status ?? 400,
    headers: {
      ...standardHeaders(traceId, request),
      ...difference.headers,
    },
    body: {
      error: difference.error ?? row?.error ?? 'invalid_request',
      error_description: `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${time}`,
      error_codes: [code],
      timestamp: time,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://${host}/error?code=${code}`,
      ...difference.extra,
    },
  };
}

/** What a request says of itself, true or not: enough for most messages, also for a fault that a test has queued. */
function saidBy({ form, method, path }: RecordedRequest): About {
  const clientId = form.get('client_id') ?? '';
  const scope = form.get('scope') ?? '';
  const claims = unverifiedClaims(form.get('client_assertion') ?? '');
  return {
    parameter: 'client_assertion',
    reason: 'The key was not found.',
    keyId: '',
    now: new Date().toISOString(),
    from: isoOf(claims['nbf']),
    until: isoOf(claims['exp']),
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

const isoOf = (seconds: unknown): string => new Date(Number(seconds ?? 0) * 1000 || 0).toISOString();

function unverifiedClaims(assertion: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The headers that every answer of the token endpoint carries. */
export function standardHeaders(traceId: string, request: RecordedRequest): Record<string, string> {
  const echoed = correlationOf(request);
  return {
    'cache-control': 'no-store, no-cache',
    pragma: 'no-cache',
    'x-ms-request-id': traceId,
    'x-ms-ests-server': '2.1.0 - EMB ProdSlices',
    ...(echoed !== undefined && { 'client-request-id': echoed }),
  };
}

/** The caller's own correlation ID: a header, or, from MSAL for JavaScript, a query parameter. */
function correlationOf({ headers, query }: RecordedRequest): string | undefined {
  return headers['client-request-id'] ?? query.get('client-request-id') ?? undefined;
}
