import { afterEach, expect, test } from '@jest/globals';
import { chooseProxy } from '../../src/hosts/proxy-variables.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { chooseRoutes, type Routes, type SessionHost } from '../../src/session.ts';

const inputs: Readonly<Record<string, string>> = {
  'client-id': '11111111-2222-3333-4444-555555555555',
  'tenant-id': 'contoso.example',
  'managed-identity-client-id': '66666666-7777-8888-9999-aaaaaaaaaaaa',
  scopes: 'P = acr:contoso.azurecr.io',
};

const own = { ...process.env };
afterEach(() => {
  process.env = { ...own };
});

/** The toolkit reads the list of exceptions from the process's own environment. */
function routesWith(variables: Record<string, string>): Promise<Routes> {
  process.env = { ...variables };
  const host: SessionHost = {
    registerSecret: () => undefined,
    info: () => undefined,
    warning: () => undefined,
    isDebug: () => false,
    debug: () => undefined,
    certificateAuthority: () => undefined,
    proxyFor: async (url) => chooseProxy(url, process.env),
  };
  return chooseRoutes(
    host,
    readStepRequest((name) => inputs[name] ?? ''),
  );
}

const proxy = { url: 'http://proxy.example:8080', setting: 'HTTPS_PROXY' };

test.each([
  ['nothing', '', proxy, proxy],
  ['the registry', '.azurecr.io', proxy, undefined],
  ['Entra', 'login.microsoftonline.com', undefined, proxy],
  ['both', 'login.microsoftonline.com,contoso.azurecr.io', undefined, undefined],
])('NO_PROXY names %s', async (_, noProxy, toEntra, toRegistry) => {
  const routes = await routesWith({ HTTPS_PROXY: proxy.url, NO_PROXY: noProxy });
  expect(routes.proxy).toEqual(toEntra);
  expect(routes.registries.map((registry) => registry.proxy)).toEqual([toRegistry]);
});

test('reading the proxies changes no variable of the job', async () => {
  const variables = { HTTPS_PROXY: proxy.url, no_proxy: 'a.example' };
  await routesWith(variables);
  expect(process.env).toEqual(variables);
});
