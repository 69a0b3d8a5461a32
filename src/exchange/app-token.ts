import type { Agent } from 'node:http';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { ClientAssertionCredential } from '@azure/identity';
import type { Budget } from './budget.ts';
import { readClaims } from './claims.ts';
import { type Actor, ExchangeError } from './errors.ts';
import type { AppToken, Assertion, ExchangeRequest } from './request.ts';
import { appTokenMismatch, type Mismatch, tenantClaim } from './token-checks.ts';
import { createTransport, type ExchangeObserver, type RequestContext } from './transport.ts';

/** As whom Entra is asked. */
export interface EntraClient {
  readonly actor: Actor;
  readonly clientId: string;
  /** The agent identity for which a blueprint wants a token. */
  readonly fmiPath?: string;
  /** What else of a token's claims names somebody else. What cannot be read is not judged. */
  readonly mismatch?: (claims: Readonly<Record<string, unknown>> | undefined) => Mismatch | undefined;
}

/**
 * Presents the assertion to Entra and returns the client's token for one scope. Each try presents the assertion that is to
 * be presented at that time: a pod's token is replaced while tries wait.
 *
 * @throws ExchangeError if the assertion cannot be had, Entra refuses, or the token names another app, tenant or resource
 */
export async function fetchAppToken({
  request,
  client,
  scope,
  assertion,
  agent,
  budget,
  observer,
}: {
  readonly request: ExchangeRequest;
  readonly client: EntraClient;
  readonly scope: string;
  readonly assertion: () => Promise<Assertion>;
  readonly agent: Agent;
  readonly budget: Budget;
  readonly observer: ExchangeObserver;
}): Promise<AppToken> {
  const { tenantId, authorityHost, proxy } = request;
  const { actor, clientId, fmiPath } = client;
  let presented = await assertion();
  const context = (): RequestContext => ({ scope, actor, assertion: presented.claims });
  const beforeRetry = async (body: string): Promise<string> => {
    const { token } = presented;
    presented = await assertion();
    return presented.token === token ? body : withParameter(body, 'client_assertion', presented.token);
  };
  const transport = createTransport({ leg: 'entra', agent, proxy, budget, observer, context, beforeRetry });
  const httpClient: HttpClient = {
    sendRequest: (sent) => {
      // The library's own way to `fmi_path` is not open to its credentials, only to those who use MSAL directly.
      if (fmiPath !== undefined && typeof sent.body === 'string') {
        sent.body = withParameter(sent.body, 'fmi_path', fmiPath);
      }
      return transport.httpClient.sendRequest(sent);
    },
  };
  const credential = new ClientAssertionCredential(tenantId, clientId, async () => presented.token, {
    authorityHost,
    disableInstanceDiscovery: true,
    httpClient,
    retryOptions: { maxRetries: 0 },
  });
  const { token, expiresOnTimestamp } = await transport.resultOf(credential.getToken(scope));
  observer.secret(token);
  const claims = readClaims(token);
  const now = transport.answeredAt() ?? budget.date();
  const mismatch =
    appTokenMismatch({ ...request, clientId }, scope, claims, now) ?? client.mismatch?.(claims);
  if (mismatch) {
    throw new ExchangeError({
      kind: 'unusable-answer',
      leg: 'entra',
      host: new URL(authorityHost).host,
      status: 200,
      ...mismatch,
      ...context(),
      attempts: { tries: 1, elapsed: 0 },
    });
  }
  observer.accepted(actor === 'app' ? 'entra' : actor, claims);
  return { token, expiresOn: new Date(expiresOnTimestamp) };
}

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential */
function withParameter(body: string, name: 'client_assertion' | 'fmi_path', value: string): string {
  const form = new URLSearchParams(body);
  form.set(name, value);
  return form.toString();
}

/** The GUID of the tenant that the token is for, if it can be read. */
export function tenantOf({ token }: AppToken): string | undefined {
  return tenantClaim(readClaims(token));
}
