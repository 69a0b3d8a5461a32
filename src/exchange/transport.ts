import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TLSSocket } from 'node:tls';
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { type Answer, classifyAnswer, largestBody, possibleTokens } from './answers.ts';
import type { Budget } from './budget.ts';
import { ProxyAnswerError, ProxyConnectionError } from './connections.ts';
import {
  type Actor,
  type CertificateProblem,
  ExchangeError,
  type Leg,
  type ProxyPlace,
  type RequestFailure,
} from './errors.ts';
import type { AssertionClaims, ForwardProxy } from './request.ts';
import { nextWait, type RetryReason, retryAfterHeader, retryTable, tryLimits } from './retries.ts';

/** What a failure or an event belongs to. */
export interface RequestContext {
  readonly scope?: string;
  readonly actor?: Actor;
  readonly assertion?: AssertionClaims;
}

/** A try that failed and will be repeated. */
export interface Retrying extends RequestContext {
  readonly failure: RequestFailure;
  readonly reason: RetryReason;
  readonly tries: number;
  /** Milliseconds until the next try. */
  readonly wait: number;
  /** Waiting rarely helps: tell the user now, not at the end. */
  readonly announce: boolean;
}

/** One try, for debug lines. */
export interface TryEnded {
  readonly leg: Leg;
  readonly host: string;
  readonly proxy?: ProxyPlace;
  readonly number: number;
  /** The HTTP status, or the code of a failure without one. */
  readonly result: string;
  /** Milliseconds. */
  readonly duration: number;
  /** The server's own ID of the request, if it sent one. From outside. */
  readonly requestId?: string;
}

/** Whose token was accepted: that of an app is Entra's answer as such. */
export type AcceptedToken = Leg | Exclude<Actor, 'app'>;

/** What an answer shows of its server, apart from its body. All of it is from outside. */
export interface Answered {
  readonly leg: Leg;
  readonly host: string;
  /** The server's clock, as it says it. */
  readonly date?: string;
  /** Of the server's certificate: who issued it, and until when it is valid. */
  readonly certificate?: { readonly issuer: string; readonly validTo: string };
}

/** Receives what the exchange does, while it does it. */
export interface ExchangeObserver {
  /** A token, or what may be one, has arrived. Nobody else has seen it yet. */
  secret(value: string): void;
  retrying(retrying: Retrying): void;
  tryEnded(ended: TryEnded): void;
  /** An answer has arrived, whatever it says. Only a check wants to know. */
  answered?(answered: Answered): void;
  /** The readable claims of a token that was accepted. */
  accepted(token: AcceptedToken, claims: Readonly<Record<string, unknown>> | undefined): void;
}

/** The one request of a leg, sent for the library under our rules. */
export interface LegTransport {
  /** What the credential is given as its `httpClient`. */
  readonly httpClient: HttpClient;
  /** Waits for the credential, and throws what its request met instead of how the libraries reword that. */
  resultOf<T>(token: Promise<T>): Promise<T>;
  /** The server's own time when it sent the token (milliseconds), if it said so: a machine's clock may be wrong. */
  answeredAt(): number | undefined;
}

/**
 * Owns what each library would do in its own way: tries, waits, deadlines, and the judgment of an answer before
 * anything parses it.
 *
 * Entra's discovery document is answered here: the authority host is always given, so there is nothing to discover,
 * and each scope would cost one more request (see `docs/architecture.md`).
 */
export function createTransport({
  leg,
  agent,
  proxy,
  budget,
  observer,
  context = () => ({}),
  beforeRetry,
}: {
  readonly leg: Leg;
  readonly agent: Agent;
  readonly proxy?: ForwardProxy | undefined;
  readonly budget: Budget;
  readonly observer: ExchangeObserver;
  /** Asked when a failure or an event is reported. */
  readonly context?: () => RequestContext;
  /** Returns the body for the next try. */
  readonly beforeRetry?: (body: string) => Promise<string>;
}): LegTransport {
  const proxyPlace = proxy && { host: new URL(proxy.url).host, setting: proxy.setting };
  let failed: unknown;
  let answeredAt: number | undefined;
  const fail = (error: unknown): never => {
    failed = error;
    throw error;
  };

  const sendRequest = async (request: PipelineRequest): Promise<PipelineResponse> => {
    const url = new URL(request.url);
    if (url.pathname.endsWith('/.well-known/openid-configuration')) return discoveryDocument(request, url);
    const started = budget.now();
    const reasons = new Map<RetryReason, { tries: number; readonly since: number }>();
    let last: RequestFailure | undefined;
    for (let tries = 1; ; tries += 1) {
      const began = budget.now();
      const outcome = await oneTry(leg, url.host, request, agent, budget, observer, proxyPlace);
      observer.tryEnded({
        leg,
        host: url.host,
        number: tries,
        result: outcome.result,
        duration: budget.now() - began,
        ...(proxyPlace && { proxy: proxyPlace }),
        ...(outcome.requestId !== undefined && { requestId: outcome.requestId }),
      });
      if (outcome.kind === 'answer') {
        answeredAt = outcome.date;
        return outcome.response;
      }
      const { failure, reason, retryAfter, cause } = outcome;
      const attempts = { tries, elapsed: budget.now() - started };
      const end = (detail: RequestFailure, more: object = {}): never =>
        fail(new ExchangeError({ ...detail, ...context(), ...more, attempts }, { cause }));
      if (budget.cancelled()) return end(failure);
      if (budget.spent()) {
        // A try that the budget cut short says nothing; the one before it got an answer.
        const detail = reason === 'timed-out' && last ? last : failure;
        return end(detail, { outOfTime: { budget: budget.total } });
      }
      last = failure;
      const row = reason && retryTable[leg][reason];
      if (row === undefined || reason === undefined) return end(failure);
      const count = reasons.get(reason) ?? { tries: 0, since: began };
      count.tries += 1;
      reasons.set(reason, count);
      const wait = nextWait(row, count.tries, budget.now() - count.since, retryAfter, budget.random());
      if (wait === undefined) return end(failure);
      if (wait >= budget.remaining()) {
        return end(failure, { outOfTime: { budget: budget.total, nextTryIn: wait } });
      }
      observer.retrying({ failure, reason, tries, wait, announce: row.announce === true, ...context() });
      await budget.sleep(wait).catch(() => end(failure));
      closeIdleConnections(agent);
      if (beforeRetry) request.body = await beforeRetry(bodyOf(request)).catch(fail);
    }
  };

  return {
    httpClient: { sendRequest },
    resultOf: async (token) => {
      try {
        return await token;
      } catch (error) {
        throw failed ?? error;
      }
    },
    answeredAt: () => answeredAt,
  };
}

type Outcome = { readonly result: string; readonly requestId?: string | undefined } & (
  | { readonly kind: 'answer'; readonly response: PipelineResponse; readonly date: number | undefined }
  | {
      readonly kind: 'failure';
      readonly failure: RequestFailure;
      readonly reason?: RetryReason;
      readonly retryAfter?: number | undefined;
      readonly cause?: unknown;
    }
);

async function oneTry(
  leg: Leg,
  host: string,
  request: PipelineRequest,
  agent: Agent,
  budget: Budget,
  observer: ExchangeObserver,
  proxy: ProxyPlace | undefined,
): Promise<Outcome> {
  const limit = Math.min(tryLimits[leg].answer, budget.remaining());
  const deadline = budget.deadline(limit);
  try {
    const message = await send(request, agent, deadline.signal);
    observer.answered?.(describeServer(leg, host, message));
    const status = message.statusCode ?? 0;
    const { body, cut } = status < 200 ? { body: '', cut: false } : await readBody(message);
    for (const token of possibleTokens(body)) observer.secret(token);
    const header = (name: string): string | undefined => {
      const value = message.headers[name];
      return typeof value === 'string' ? value : value?.[0];
    };
    const location = header('location');
    const encoding = header('content-encoding');
    const answer: Answer = {
      status,
      body,
      cut,
      ...(location !== undefined && { location }),
      ...(encoding !== undefined && { encoding }),
    };
    const known = {
      result: `HTTP ${status}`,
      requestId: header('x-ms-request-id') ?? header('x-ms-correlation-request-id'),
    };
    const answerClass = classifyAnswer(leg, host, answer);
    if (answerClass.kind === 'token') {
      const headers = createHttpHeaders({ 'content-type': header('content-type') ?? 'application/json' });
      const date = Date.parse(header('date') ?? '');
      return {
        kind: 'answer',
        response: { request, status, headers, bodyAsText: body },
        date: Number.isNaN(date) ? undefined : date,
        ...known,
      };
    }
    return { ...answerClass, ...known, retryAfter: retryAfterHeader(header('retry-after'), budget.date()) };
  } catch (error) {
    if (deadline.passed()) {
      return {
        kind: 'failure',
        failure: { kind: 'timed-out', leg, host, limit, ...(proxy && { proxy }) },
        reason: 'timed-out',
        result: 'timed out',
      };
    }
    return connectionFailure(leg, host, error, proxy);
  } finally {
    deadline.clear();
  }
}

function describeServer(leg: Leg, host: string, { headers, socket }: IncomingMessage): Answered {
  const { date } = headers;
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
  return {
    leg,
    host,
    ...(date !== undefined && { date }),
    ...(certificate?.issuer && {
      certificate: {
        issuer: [certificate.issuer.CN, certificate.issuer.O].flat().filter(Boolean).join(', '),
        validTo: certificate.valid_to,
      },
    }),
  };
}

function bodyOf({ body }: PipelineRequest): string {
  return typeof body === 'string' ? body : '';
}

/**
 * Sends the library's request. Its own client would be the same few lines, but it reads bodies of any size and keeps
 * nothing of a connection's error but its text.
 */
function send(request: PipelineRequest, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(request.url);
  const body = bodyOf(request);
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = start(
      url,
      {
        agent,
        signal,
        method: request.method,
        headers: {
          ...request.headers.toJSON({ preserveCase: true }),
          // Answers are small, and a declared encoding that does not match the body would hide them.
          'Accept-Encoding': 'identity',
          ...(body !== '' && { 'Content-Length': Buffer.byteLength(body) }),
        },
      },
      resolve,
    );
    // Without a connection, because a tunnel is still being made, the request itself says nothing when it is aborted.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    // A server that switches protocols sends no response.
    outgoing.once('upgrade', (message, socket) => {
      socket.destroy();
      resolve(message);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/**
 * A server may close an idle connection just when the next request is sent on it, which looks like a failure of that
 * request. After a wait each try has a new connection; TLS resumes its session.
 */
function closeIdleConnections({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}

async function readBody(message: IncomingMessage): Promise<{ readonly body: string; readonly cut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the message, and with it the connection.
    if (size > largestBody) return { body: '', cut: true };
    chunks.push(chunk);
  }
  return { body: Buffer.concat(chunks).toString('utf8'), cut: false };
}

/** OpenSSL's and Node's codes for a certificate that was not accepted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCodes: readonly {
  readonly pattern: RegExp;
  readonly problem: CertificateProblem;
}[] = [
  { pattern: /^CERT_HAS_EXPIRED$|^CRL_HAS_EXPIRED$/u, problem: 'expired' },
  { pattern: /^CERT_NOT_YET_VALID$|^CRL_NOT_YET_VALID$/u, problem: 'not-yet-valid' },
  { pattern: /^ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH/u, problem: 'wrong-host' },
  {
    pattern: /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE)|INVALID_(CA|PURPOSE)|PATH_LENGTH|CRL/u,
    problem: 'untrusted',
  },
];

function connectionFailure(leg: Leg, host: string, error: unknown, proxy: ProxyPlace | undefined): Outcome {
  if (error instanceof ProxyAnswerError && proxy) {
    const { status } = error;
    const failure = { kind: 'proxy-answer', leg, host, status, proxy } as const;
    // A gateway's own trouble may pass; a refusal stays one.
    const retry = status >= 500 ? ({ reason: 'unreachable' } as const) : {};
    return { kind: 'failure', failure, result: `proxy HTTP ${status}`, cause: error, ...retry };
  }
  const atProxy = error instanceof ProxyConnectionError;
  const { code, message } = (atProxy ? error.cause : error) as { code?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : '';
  const certificate = certificateCodes.find(({ pattern }) => pattern.test(name))?.problem;
  const failure: RequestFailure = {
    kind: 'unreachable',
    leg,
    host,
    code: name,
    message: typeof message === 'string' && message !== '' ? message : 'the connection failed',
    ...(certificate && { certificate }),
    ...(atProxy && proxy && { proxy }),
  };
  // A certificate does not get better by asking again.
  const retry = certificate ? {} : ({ reason: 'unreachable' } as const);
  return { kind: 'failure', failure, result: name || 'connection failed', cause: error, ...retry };
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata, as far as a token request reads it. */
function discoveryDocument(request: PipelineRequest, url: URL): PipelineResponse {
  const authority = request.url.slice(0, request.url.indexOf('/v2.0/.well-known/'));
  const endpoint = `${authority}/oauth2/v2.0`;
  return {
    request,
    status: 200,
    headers: createHttpHeaders({ 'content-type': 'application/json' }),
    bodyAsText: JSON.stringify({
      token_endpoint: `${endpoint}/token`,
      authorization_endpoint: `${endpoint}/authorize`,
      end_session_endpoint: `${endpoint}/logout`,
      jwks_uri: `${authority}/discovery/v2.0/keys`,
      issuer: `${url.origin}${url.pathname.split('/v2.0/')[0]}/v2.0`,
    }),
  };
}
