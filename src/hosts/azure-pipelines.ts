import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import task from 'azure-pipelines-task-lib/task.js';
import { camelCase } from '../contract.ts';
import type { CertificateAuthority, Host, ProxyChoice } from './host.ts';
import { readProxy } from './proxy-setting.ts';
import { newSecretForms, sanitizeForLog } from './sanitize.ts';

/** The Azure Pipelines agent: https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands */
export const azurePipelines: Host = {
  inputLabel: camelCase,
  readInput: (name) => (task.getInput(camelCase(name)) ?? '').trim(),
  registerSecret: (value) => {
    for (const form of newSecretForms(value)) task.setSecret(form);
  },
  // Not an output variable of the task: the agent would send those to the server, secret or not.
  setOutput: (name, value, secrecy) => task.setVariable(camelCase(name), value, secrecy === 'secret'),
  setVariable: (name, value, secrecy) => {
    // The agent would write the name in upper case, and most programs prefer the other spelling of this one.
    if (name === 'no_proxy')
      task.command('task.setvariable', { variable: name, preservecase: 'true' }, value);
    else task.setVariable(name, value, secrecy === 'secret');
  },
  saveState: (name, value) => task.setTaskVariable(name, value),
  info: (text) => process.stdout.write(`${sanitizeForLog(text)}\n`),
  warning: (text) => task.warning(sanitizeForLog(text)),
  isDebug: () => isTrue(task.getVariable('System.Debug')),
  debug: (text) => {
    if (isTrue(task.getVariable('System.Debug'))) task.debug(sanitizeForLog(text));
  },
  fail: (text) => task.setResult(task.TaskResult.Failed, sanitizeForLog(text)),
  forkPullRequest: async () =>
    isTrue(task.getVariable('System.PullRequest.IsFork')) ? 'System.PullRequest.IsFork is true' : undefined,
  temporaryFolder: () => task.getVariable('Agent.TempDirectory') ?? '',
  // Beside the task's own bundle.
  gitCredentialHelper: () => resolve(process.argv[1] ?? '', '../git-credential.js'),
  endpointProgram: () => resolve(process.argv[1] ?? '', '../endpoint.js'),
  oneSpelling: true,
  certificateAuthority: () => {
    const path = task.getVariable('Agent.CAInfo');
    return path ? readAuthority(path) : undefined;
  },
  proxyFor: async (url) => chooseProxy(url),
  unusableCommandFile: () => undefined,
};

function isTrue(value: string | undefined): boolean {
  return /^true$/iu.test(value ?? '');
}

/** The agent trusts it itself, and leaves it to each task to do so. */
function readAuthority(path: string): CertificateAuthority {
  const setting = 'the agent’s certificate authority (config --sslcacert)';
  try {
    return { kind: 'certificate', setting, path, pem: readFileSync(path, 'utf8') };
  } catch (error) {
    // In a container job this is a path of the host, which is usually not mounted.
    return {
      kind: 'unreadable',
      setting,
      path,
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}

const proxySetting = 'the agent’s proxy (config --proxyurl, or VSTS_HTTP_PROXY or http_proxy of the agent)';

function chooseProxy(url: URL): ProxyChoice {
  const address = task.getVariable('Agent.ProxyUrl') ?? '';
  if (address === '') return { because: 'the agent has no proxy', notices: [], remarks: [] };
  const { bypassed, remarks } = readBypassList(url, task.getVariable('Agent.ProxyBypassList') ?? '');
  if (bypassed)
    return { because: `the agent’s proxy bypass list excludes ${url.hostname}`, notices: [], remarks };
  const username = task.getVariable('Agent.ProxyUsername') ?? '';
  const password = task.getVariable('Agent.ProxyPassword') ?? '';
  return {
    proxy: {
      ...readProxy(proxySetting, address),
      ...(username !== '' && { username }),
      ...(password !== '' && { password }),
    },
    because: 'the agent has a proxy',
    notices: [],
    remarks,
  };
}

/**
 * The agent's list: .NET regular expressions, matched in any letter case against `scheme://host[:non-default port]`
 * (azure-pipelines-agent, `AgentWebProxy.cs`). The agent skips an entry that is no expression, but exports it all the
 * same; the task library's own function throws on it.
 */
function readBypassList(
  url: URL,
  json: string,
): { readonly bypassed: boolean; readonly remarks: readonly string[] } {
  const remarks: string[] = [];
  const bypassed = bypassEntries(json).some((entry) => {
    try {
      // .NET's inline option, which JavaScript does not have.
      return new RegExp(entry.replace(/^\(\?i\)/u, ''), 'i').test(url.origin);
    } catch {
      remarks.push(
        `The proxy bypass entry ${JSON.stringify(entry)} is not a regular expression. It is skipped.`,
      );
      return false;
    }
  });
  return { bypassed, remarks };
}

function bypassEntries(json: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string' && entry !== '') : [];
  } catch {
    return [];
  }
}
