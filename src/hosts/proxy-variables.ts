import { checkBypass } from '@actions/http-client/lib/proxy';
import type { ProxyChoice } from './host.ts';
import { readProxy } from './proxy-setting.ts';

/**
 * The proxy that the environment prescribes, as curl and the toolkits read it. GitHub's runner sets both spellings from
 * its own settings for every step, so a job's own `HTTPS_PROXY` differs from the runner's `https_proxy` (actions/runner,
 * `RunnerWebProxy.cs`). The job's wins.
 *
 * @throws HostSettingError if the address cannot be used
 */
export function chooseProxy(url: URL, environment: NodeJS.ProcessEnv): ProxyChoice {
  const proxy = oneOf('HTTPS_PROXY', environment);
  const bypass = oneOf('NO_PROXY', environment);
  const notices = [...proxy.notices, ...bypass.notices];
  if (proxy.value === '') return { because: 'HTTPS_PROXY is not set', notices, remarks: [] };
  if (isBypassed(url, bypass.value, environment)) {
    return { because: `${bypass.name} or a loopback address excludes ${url.hostname}`, notices, remarks: [] };
  }
  return { proxy: readProxy(proxy.name, proxy.value), because: `${proxy.name} is set`, notices, remarks: [] };
}

function oneOf(
  name: string,
  environment: NodeJS.ProcessEnv,
): { readonly name: string; readonly value: string; readonly notices: readonly string[] } {
  const lowerName = name.toLowerCase();
  const upper = environment[name] ?? '';
  const lower = environment[lowerName] ?? '';
  if (upper === '') return { name: lowerName, value: lower, notices: [] };
  const notices =
    lower !== '' && lower !== upper
      ? [`${name} and ${lowerName} have different values. ${name} is used.`]
      : [];
  return { name, value: upper, notices };
}

/** The toolkit's own rules for `NO_PROXY`. It reads the list from the environment, lower case first. */
function isBypassed(url: URL, list: string, environment: NodeJS.ProcessEnv): boolean {
  const before = environment['no_proxy'];
  environment['no_proxy'] = list;
  try {
    return checkBypass(url);
  } finally {
    if (before === undefined) delete environment['no_proxy'];
    else environment['no_proxy'] = before;
  }
}
