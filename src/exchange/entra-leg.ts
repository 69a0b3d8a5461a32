import { ClientAssertionCredential } from '@azure/identity';
import type { Budget } from './budget.ts';
import { isGuid, readClaims, textClaim } from './claims.ts';
import type { Route } from './connections.ts';
import { ExchangeFailure, type Flaw } from './failure.ts';
import type { ExchangeObserver } from './observer.ts';
import type { AppToken, Assertion, ExchangeRequest } from './request.ts';
import { settle } from './settle.ts';
import { createTransport } from './transport.ts';

/** Entra's part, for one scope: the app's token for the assertion. */
export async function entraLeg({
  request,
  scope,
  assertion,
  route,
  budget,
  observer,
}: {
  readonly request: ExchangeRequest;
  readonly scope: string;
  readonly assertion: Assertion;
  readonly route: Route;
  readonly budget: Budget;
  readonly observer: ExchangeObserver;
}): Promise<AppToken> {
  const context = { scope, assertion: assertion.claims };
  const transport = createTransport('entra', route, budget, (retrying) =>
    observer.retrying({ ...retrying, ...context }),
  );
  const present = async (): Promise<string> => assertion.token;
  const credential = new ClientAssertionCredential(request.tenantId, request.clientId, present, {
    authorityHost: request.authorityHost,
    disableInstanceDiscovery: true,
    httpClient: transport.httpClient,
    retryOptions: { maxRetries: 0 },
    ...(request.proxy && { proxyOptions: proxyOptions(request.proxy) }),
  });
  const { token, expiresOnTimestamp } = await settle(transport, credential.getToken(scope), context);
  observer.secret(token);
  const stranger = ofAnotherParty(token, request);
  if (stranger) {
    const { host } = new URL(request.authorityHost);
    throw new ExchangeFailure({
      ...{ kind: 'unusable', leg: 'entra', host, status: 200, ...stranger },
      ...context,
      attempts: { tries: 1, elapsed: 0 },
    });
  }
  return { token, expiresOn: new Date(expiresOnTimestamp) };
}

/** A token whose readable claims name another app or tenant than was asked for. What cannot be read is not judged. */
function ofAnotherParty(
  token: string,
  { clientId, tenantId }: ExchangeRequest,
): { readonly flaw: Flaw; readonly found: string } | undefined {
  const claims = readClaims(token);
  const app = textClaim(claims, 'appid', 'azp');
  if (app !== undefined && app.toLowerCase() !== clientId.toLowerCase())
    return { flaw: 'other-app', found: app };
  const tenant = textClaim(claims, 'tid');
  if (isGuid(tenantId) && tenant !== undefined && tenant.toLowerCase() !== tenantId.toLowerCase()) {
    return { flaw: 'other-tenant', found: tenant };
  }
  return undefined;
}

/** The library puts user and password into a URL and takes them out decoded: they must go in encoded. */
function proxyOptions({ url, username, password }: NonNullable<ExchangeRequest['proxy']>): {
  host: string;
  port: number;
  username?: string;
  password?: string;
} {
  const { protocol, hostname, port } = new URL(url);
  return {
    host: `${protocol}//${hostname}`,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    ...(username !== undefined && { username: encodeURIComponent(username) }),
    ...(password !== undefined && { password: encodeURIComponent(password) }),
  };
}
