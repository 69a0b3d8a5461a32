import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { judge } from './answers.ts';
import type { Budget } from './budget.ts';
import type { Route } from './connections.ts';
import { ExchangeFailure, type Leg, type LegProblem } from './failure.ts';
import { type Hindrance, nextWait, retryAfterHeader, retryTable, tryLimits } from './retries.ts';

/** A try that failed and will be repeated. */
export interface Retrying {
  readonly problem: LegProblem;
  readonly tries: number;
  /** Milliseconds until the next try. */
  readonly wait: number;
  /** Waiting seldom mends this: tell the user now, not at the end. */
  readonly announce: boolean;
}

/** The one request of a leg, sent by the library's own client under our rules. */
export interface LegTransport {
  /** What the credential is given as its `httpClient`. */
  readonly httpClient: HttpClient;
  /** Why the request failed; the libraries wrap and reword what passes through them. */
  readonly failure: () => ExchangeFailure | undefined;
}

const wire = createDefaultHttpClient();

/**
 * Owns what the libraries would each do their own way: tries, waits, deadlines, and the judgement of an answer
 * before anything parses it.
 *
 * Entra's discovery document is answered here: with the authority host always given there is nothing to discover,
 * and each scope would cost one more request (see `docs/architecture.md`).
 */
export function createTransport(
  leg: Leg,
  { agent, authorities }: Route,
  budget: Budget,
  onRetry: (retrying: Retrying) => void,
): LegTransport {
  let failure: ExchangeFailure | undefined;
  const fail = (problem: ExchangeFailure): never => {
    failure = problem;
    throw problem;
  };

  const sendRequest = async (request: PipelineRequest): Promise<PipelineResponse> => {
    const url = new URL(request.url);
    if (url.pathname.endsWith('/.well-known/openid-configuration')) return discoveryDocument(request, url);
    if (agent) request.agent = agent;
    if (authorities) request.requestOverrides = { ca: authorities };

    const started = budget.now();
    let last: LegProblem | undefined;
    for (let tries = 1; ; tries += 1) {
      const outcome = await oneTry(leg, url.host, request, budget);
      if (outcome.kind === 'answer') return outcome.response;
      const { problem, hindrance, retryAfter } = outcome;
      const attempts = { tries, elapsed: budget.now() - started };
      const row = hindrance && retryTable[leg][hindrance];
      const wait = row && nextWait(row, tries, attempts.elapsed, retryAfter, budget.random());
      if (budget.cancelled()) return fail(new ExchangeFailure({ ...problem, attempts }));
      if (budget.spent()) {
        // A try that the budget cut short says nothing; the one before it was answered.
        const told = hindrance === 'hung' && last ? last : problem;
        return fail(new ExchangeFailure({ ...told, attempts, outOfTime: { budget: budget.total } }));
      }
      last = problem;
      if (row === undefined || wait === undefined) {
        return fail(new ExchangeFailure({ ...problem, attempts }));
      }
      if (wait >= budget.remaining()) {
        const outOfTime = { budget: budget.total, nextTryIn: wait };
        return fail(new ExchangeFailure({ ...problem, attempts, outOfTime }));
      }
      onRetry({ problem, tries, wait, announce: row.announce === true });
      await budget.sleep(wait).catch(() => fail(new ExchangeFailure({ ...problem, attempts })));
    }
  };

  return { httpClient: { sendRequest }, failure: () => failure };
}

type Outcome =
  | { readonly kind: 'answer'; readonly response: PipelineResponse }
  | {
      readonly kind: 'problem';
      readonly problem: LegProblem;
      readonly hindrance?: Hindrance;
      readonly retryAfter?: number | undefined;
    };

async function oneTry(leg: Leg, host: string, request: PipelineRequest, budget: Budget): Promise<Outcome> {
  const limit = Math.min(tryLimits[leg].answer, budget.remaining());
  const deadline = budget.deadline(limit);
  request.abortSignal = deadline.signal;
  request.headers.delete('Accept-Encoding');
  try {
    const response = await wire.sendRequest(request);
    const location = response.headers.get('Location');
    const verdict = judge(leg, host, {
      status: response.status,
      body: response.bodyAsText ?? '',
      ...(location !== undefined && { location }),
    });
    if (verdict.kind === 'token') return { kind: 'answer', response };
    return { ...verdict, retryAfter: retryAfterHeader(response.headers.get('Retry-After'), budget.date()) };
  } catch (error) {
    if (deadline.passed()) {
      const message = `no answer within ${Math.round(limit / 100) / 10} seconds`;
      const problem = {
        kind: 'unreachable',
        leg,
        host,
        code: 'ETIMEDOUT',
        message,
        certificate: false,
      } as const;
      return { kind: 'problem', problem, hindrance: 'hung' };
    }
    return connectionProblem(leg, host, error);
  } finally {
    deadline.clear();
  }
}

/** OpenSSL's and Node's codes for a certificate that was not accepted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCodes =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE)|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|CRL/u;

function connectionProblem(leg: Leg, host: string, error: unknown): Outcome {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : '';
  const certificate = certificateCodes.test(name);
  const problem: LegProblem = {
    kind: 'unreachable',
    leg,
    host,
    code: name,
    message: typeof message === 'string' && message !== '' ? message : 'the connection failed',
    certificate,
  };
  // A certificate does not get better by asking again.
  return certificate ? { kind: 'problem', problem } : { kind: 'problem', problem, hindrance: 'unreachable' };
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
