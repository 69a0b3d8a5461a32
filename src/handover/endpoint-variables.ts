import type { Endpoint } from '../endpoint/server.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';

/** The variables through which clients find the identity endpoint. The header is the one secret among them. */
export function endpointVariables(
  { url, secret }: Pick<Endpoint, 'url' | 'secret'>,
  clientId: string,
  environment: JobEnvironment,
): Readonly<Record<string, string>> {
  return {
    IDENTITY_ENDPOINT: url,
    IDENTITY_HEADER: secret,
    // Clients name this identity when they ask. Without it some fall back to another credential.
    AZURE_CLIENT_ID: clientId,
    ...noProxyVariables(environment),
  };
}

const loopback = '127.0.0.1';

/**
 * Loopback is reached without a proxy. .NET, Python and PowerShell do not know that by themselves. Some programs read
 * only one spelling and some prefer one, so each keeps its own list, or takes over the other's.
 */
function noProxyVariables(environment: JobEnvironment): Readonly<Record<string, string>> {
  const upper = variableOf(environment, 'NO_PROXY');
  const lower = variableOf(environment, 'no_proxy');
  const names = environment.windows ? [] : [['no_proxy', extended(lower || upper)] as const];
  return Object.fromEntries([['NO_PROXY', extended(upper || lower)], ...names]);
}

function extended(list: string): string {
  const entries = list.split(/[\s,]+/u);
  if (entries.includes(loopback) || entries.includes('*')) return list;
  return list.trim() === '' ? loopback : `${list.trim().replace(/,$/u, '')},${loopback}`;
}
