import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from '../../emulator/certificate-authority.ts';
import { startBudget } from '../../src/exchange/budget.ts';
import { createAgent } from '../../src/exchange/connections.ts';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { createTokenSource } from '../../src/exchange/exchange.ts';
import { fetchRegistryToken } from '../../src/exchange/registry-token.ts';
import type { AppToken, ExchangeRequest } from '../../src/exchange/request.ts';
import { recordingObserver } from './recording-observer.ts';
import { startScriptedProxy } from './tls-servers.ts';
import { virtualClock } from './virtual-clock.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await createCertificateAuthority();
});

const tenantId = 'c0470505-0000-4000-8000-00000000c001';
const now = Date.UTC(2030, 0, 1);
const jwt = (claims: object): string =>
  ['{}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

/** What `fetchRegistryToken` did with a registry that answers this. */
async function fetchFrom(
  answers: readonly { readonly status: number; readonly body: string }[],
  appToken = jwt({ tid: tenantId }),
) {
  const bodies: string[] = [];
  const paths: (string | undefined)[] = [];
  const server = createServer(await authority.issue(['localhost']), (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { status, body: sent } = answers[Math.min(bodies.length, answers.length - 1)] ?? {
        status: 500,
        body: '',
      };
      bodies.push(body);
      paths.push(`${request.method} ${request.url}`);
      response.writeHead(status, { 'content-type': 'application/json' }).end(sent);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const loginServer = `localhost:${(server.address() as AddressInfo).port}`;
  const budget = startBudget(120_000, virtualClock(now), () => 0);
  const agent = createAgent('https:', {
    connectLimit: 10_000,
    signal: budget.signal,
    authorities: [authority.pem],
  });
  cleanups.push(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const observer = recordingObserver();
  const result: AppToken | ExchangeError = await fetchRegistryToken({
    request: { tenantId: 'contoso.example' } as ExchangeRequest,
    registry: { loginServer, scope: 'https://containerregistry.azure.net/.default' },
    appToken: { token: appToken, expiresOn: new Date(now + 3_600_000) },
    agent,
    budget,
    observer,
  }).catch((error: unknown) => {
    if (error instanceof ExchangeError) return error;
    throw error;
  });
  const forms = bodies.map((body) => Object.fromEntries(new URLSearchParams(body)));
  return { result, loginServer, forms, paths, observer };
}
const success = (token: string) => ({ status: 200, body: JSON.stringify({ refresh_token: token }) });

describe('the request', () => {
  test('shows the registry the app’s token and its tenant, and never the assertion', async () => {
    const appToken = jwt({ tid: tenantId });
    const { forms, paths, loginServer } = await fetchFrom([success('opaque-registry-token')], appToken);
    expect(paths).toEqual(['POST /oauth2/exchange']);
    expect(forms).toEqual([
      { grant_type: 'access_token', service: loginServer, tenant: tenantId, access_token: appToken },
    ]);
  });

  test('has the tenant as the user wrote it if the app’s token does not name it', async () => {
    const { forms } = await fetchFrom([success('opaque-registry-token')], 'opaque-app-token');
    expect(forms[0]).toMatchObject({ tenant: 'contoso.example' });
  });

  test('is repeated while the registry is busy', async () => {
    const busy = { status: 503, body: '<html>busy</html>' };
    const { result, forms, observer } = await fetchFrom([busy, busy, success('opaque-registry-token')]);
    expect(result).toMatchObject({ token: 'opaque-registry-token' });
    expect(new Set(forms.map((form) => JSON.stringify(form))).size).toBe(1);
    expect(observer.retries.map(({ reason }) => reason)).toEqual(['server-error', 'server-error']);
  });
});

describe('the token', () => {
  test('is a secret before anything else is known of it', async () => {
    const { observer } = await fetchFrom([success('opaque-registry-token')]);
    expect(observer.events.indexOf('secret opaque-registry-token')).toBe(0);
    expect(observer.events.at(-1)).toBe('accepted registry');
  });

  test('expires as it says', async () => {
    const exp = now / 1000 + 600;
    const { result } = await fetchFrom([success(jwt({ exp }))]);
    expect(result).toMatchObject({ expiresOn: new Date(exp * 1000) });
  });

  test('that says nothing expires after three hours', async () => {
    const { result } = await fetchFrom([success('opaque-registry-token')]);
    expect(result).toMatchObject({ expiresOn: new Date(now + 3 * 3_600_000) });
  });
});

describe('a failure', () => {
  test('names the scope and has the registry’s own words', async () => {
    const body = JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] });
    const { result, loginServer } = await fetchFrom([{ status: 401, body }]);
    expect(result).toMatchObject({
      detail: {
        kind: 'error-response',
        leg: 'registry',
        host: loginServer,
        scope: `acr:${loginServer}`,
        response: { status: 401, error: 'UNAUTHORIZED', description: 'authentication required' },
      },
    });
  });

  test('with a token in it: that is a secret too', async () => {
    const { result, observer } = await fetchFrom([{ status: 400, body: '{"refresh_token":"leaked-token"}' }]);
    expect(result).toBeInstanceOf(ExchangeError);
    expect(observer.secrets).toContain('leaked-token');
  });
});

test('each registry is asked through its own proxy', async () => {
  const refusal = { bytes: 'HTTP/1.1 403 Forbidden\r\n\r\n' };
  const [one, two] = [await startScriptedProxy([refusal]), await startScriptedProxy([refusal])];
  const budget = startBudget(120_000, virtualClock(now), () => 0);
  cleanups.push(() => budget.cancel(), one.stop, two.stop);
  const source = createTokenSource(
    {
      origin: { kind: 'token-file', path: '/nonexistent' },
      audience: 'api://AzureADTokenExchange',
      authorityHost: 'https://login.example',
      tenantId,
      clientId: tenantId,
      scopes: [],
      registries: [],
      timeBudget: 120_000,
    },
    recordingObserver(),
  );
  const ask = async (loginServer: string, port: number): Promise<unknown> => {
    const proxy = { url: `http://127.0.0.1:${port}`, setting: 'HTTPS_PROXY' };
    const appToken = { token: jwt({ tid: tenantId }), expiresOn: new Date(now) };
    return source
      .registryToken({ loginServer, scope: 'a/.default', proxy }, appToken, budget)
      .catch((error: unknown) => error);
  };
  for (const [name, port] of [
    ['one.azurecr.io', one.port],
    ['two.azurecr.io', two.port],
  ] as const) {
    expect(await ask(name, port)).toBeInstanceOf(ExchangeError);
  }
  const targets = [one, two].map(({ requests }) => requests.map(({ target }) => target));
  expect(targets).toEqual([['one.azurecr.io:443'], ['two.azurecr.io:443']]);
});
