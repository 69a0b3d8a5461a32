import type { Agent } from 'node:http';
import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { tenantOf } from './app-token.ts';
import type { Budget } from './budget.ts';
import { expiryClaim, readClaims } from './claims.ts';
import type { AppToken, ExchangeRequest, Registry } from './request.ts';
import { createTransport, type ExchangeObserver, type RequestContext } from './transport.ts';

/** A registry token without a readable expiry lives three hours: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
const usualLifetime = 3 * 3_600_000;

/**
 * Exchanges the app's token for a refresh token of a container registry, which clients use as the password of the user
 * 00000000-0000-0000-0000-000000000000. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 *
 * @throws ExchangeError if the registry returns no token
 */
export async function fetchRegistryToken({
  request,
  registry: { loginServer, proxy },
  appToken,
  agent,
  budget,
  observer,
}: {
  readonly request: ExchangeRequest;
  readonly registry: Registry;
  readonly appToken: AppToken;
  readonly agent: Agent;
  readonly budget: Budget;
  readonly observer: ExchangeObserver;
}): Promise<AppToken> {
  const context = (): RequestContext => ({ scope: `acr:${loginServer}` });
  const transport = createTransport({ leg: 'registry', agent, proxy, budget, observer, context });
  const form = new URLSearchParams({
    grant_type: 'access_token',
    service: loginServer,
    // The registry knows its tenant by its GUID; the user may have written a domain name.
    tenant: tenantOf(appToken) ?? request.tenantId,
    access_token: appToken.token,
  });
  const post = createPipelineRequest({
    url: `https://${loginServer}/oauth2/exchange`,
    method: 'POST',
    body: form.toString(),
  });
  post.headers.set('Content-Type', 'application/x-www-form-urlencoded');
  const { bodyAsText } = await transport.resultOf(transport.httpClient.sendRequest(post));
  const { refresh_token: token } = JSON.parse(bodyAsText ?? '') as { refresh_token: string };
  observer.secret(token);
  observer.accepted('registry', readClaims(token));
  return { token, expiresOn: expiryClaim(token) ?? new Date(budget.date() + usualLifetime) };
}
