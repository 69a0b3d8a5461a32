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

/**
 * The same for later steps of a job, whose lists of hosts without a proxy stay as they are if there is no proxy.
 *
 * @param oneSpelling the host has only one `NO_PROXY`: it then gets the name that programs of this job read first
 */
export function jobEndpointVariables(
  endpoint: Pick<Endpoint, 'url' | 'secret'>,
  clientId: string,
  environment: JobEnvironment,
  oneSpelling: boolean,
): Readonly<Record<string, string>> {
  const all = endpointVariables(endpoint, clientId, environment);
  const isWanted = (name: string): boolean => {
    if (name.toUpperCase() !== 'NO_PROXY') return true;
    if (!proxyNames.some((proxy) => variableOf(environment, proxy) !== '')) return false;
    if (all[name] === variableOf(environment, name)) return false;
    return !oneSpelling || name === onlySpelling(environment);
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => isWanted(name)));
}

/** The proxies that programs use for `http://` addresses. */
const proxyNames = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];

/** Programs read both, the lower case first, so that name is free only if the job does not use the other. */
function onlySpelling(environment: JobEnvironment): string {
  const upperOnly = variableOf(environment, 'no_proxy') === '' && variableOf(environment, 'NO_PROXY') !== '';
  return environment.windows || upperOnly ? 'NO_PROXY' : 'no_proxy';
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
