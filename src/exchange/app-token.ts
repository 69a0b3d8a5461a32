import type { Agent } from 'node:http';
import { ClientAssertionCredential } from '@azure/identity';
import type { Budget } from './budget.ts';
import { isGuid, readClaims, textClaim } from './claims.ts';
import { ExchangeError, type UnusableAnswer } from './errors.ts';
import type { AppToken, Assertion, ExchangeRequest } from './request.ts';
import { createTransport, type ExchangeObserver, type RequestContext } from './transport.ts';

/**
 * Presents the assertion to Entra and returns the app's token for one scope. Each try presents the assertion that is to
 * be presented at that time: a pod's token is replaced while tries wait.
 *
 * @throws ExchangeError if the assertion cannot be had, Entra refuses, or the token names another app or tenant
 */
export async function fetchAppToken({
  request,
  scope,
  assertion,
  agent,
  budget,
  observer,
}: {
  readonly request: ExchangeRequest;
  readonly scope: string;
  readonly assertion: () => Promise<Assertion>;
  readonly agent: Agent;
  readonly budget: Budget;
  readonly observer: ExchangeObserver;
}): Promise<AppToken> {
  const { tenantId, clientId, authorityHost, proxy } = request;
  let presented = await assertion();
  const context = (): RequestContext => ({ scope, assertion: presented.claims });
  const beforeRetry = async (body: string): Promise<string> => {
    const { token } = presented;
    presented = await assertion();
    return presented.token === token ? body : withAssertion(body, presented);
  };
  const transport = createTransport({ leg: 'entra', agent, proxy, budget, observer, context, beforeRetry });
  const credential = new ClientAssertionCredential(tenantId, clientId, async () => presented.token, {
    authorityHost,
    disableInstanceDiscovery: true,
    httpClient: transport.httpClient,
    retryOptions: { maxRetries: 0 },
  });
  const { token, expiresOnTimestamp } = await transport.resultOf(credential.getToken(scope));
  observer.secret(token);
  const claims = readClaims(token);
  const mismatch = mismatchWith(request, claims);
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
  observer.accepted('entra', claims);
  return { token, expiresOn: new Date(expiresOnTimestamp) };
}

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential */
function withAssertion(body: string, { token }: Assertion): string {
  const form = new URLSearchParams(body);
  form.set('client_assertion', token);
  return form.toString();
}

/** The GUID of the tenant that the token is for, if it can be read. */
export function tenantOf({ token }: AppToken): string | undefined {
  const tenant = textClaim(readClaims(token), 'tid');
  return tenant !== undefined && isGuid(tenant) ? tenant : undefined;
}

/** The claim that names another app or tenant than the request. What cannot be read is not judged. */
function mismatchWith(
  { clientId, tenantId }: ExchangeRequest,
  claims: Readonly<Record<string, unknown>> | undefined,
): { readonly reason: UnusableAnswer; readonly found: string } | undefined {
  for (const name of ['appid', 'azp']) {
    const app = textClaim(claims, name);
    if (app !== undefined && app.toLowerCase() !== clientId.toLowerCase()) {
      return { reason: 'other-app', found: app };
    }
  }
  const tenant = textClaim(claims, 'tid');
  if (isGuid(tenantId) && tenant !== undefined && tenant.toLowerCase() !== tenantId.toLowerCase()) {
    return { reason: 'other-tenant', found: tenant };
  }
  return undefined;
}
