import { readFileSync } from 'node:fs';
import task from 'azure-pipelines-task-lib/task.js';
import { camelCase } from '../contract.ts';
import { StepRefusal } from '../refusal.ts';
import { forwardProxy } from './forward-proxy.ts';
import type { Host } from './host.ts';
import { inertText } from './inert.ts';

/** The Azure Pipelines agent: https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands */
export const azurePipelines: Host = {
  spell: camelCase,
  readInput: (name) => (task.getInput(camelCase(name)) ?? '').trim(),
  registerSecret: (value) => task.setSecret(value),
  // Not an output variable of the task: the agent would send those to the server, secret or not.
  setOutput: (name, value, secrecy) => task.setVariable(camelCase(name), value, secrecy === 'secret'),
  setVariable: (name, value, secrecy) => task.setVariable(name, value, secrecy === 'secret'),
  saveState: (name, value) => task.setTaskVariable(name, value),
  info: (text) => process.stdout.write(`${inertText(text)}\n`),
  warning: (text) => task.warning(inertText(text)),
  fail: (text) => task.setResult(task.TaskResult.Failed, inertText(text)),
  forkPullRequest: async () =>
    /^true$/iu.test(task.getVariable('System.PullRequest.IsFork') ?? '')
      ? 'System.PullRequest.IsFork is true'
      : undefined,
  temporaryFolder: () => task.getVariable('Agent.TempDirectory') ?? '',
  // `config --sslcacert`: the agent trusts it itself, and leaves it to each task to do so.
  certificateAuthority: () => {
    const path = task.getVariable('Agent.CAInfo');
    return path ? readAuthority(path) : undefined;
  },
  proxyFor: async (url) => {
    const proxy = task.getHttpProxyConfiguration(url.href);
    if (!proxy) return undefined;
    const { proxyUrl, proxyUsername, proxyPassword } = proxy;
    return {
      ...forwardProxy('The agent’s own proxy address (config --proxyurl)', proxyUrl),
      ...(proxyUsername && { username: proxyUsername }),
      ...(proxyPassword && { password: proxyPassword }),
    };
  },
};

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new StepRefusal({
      kind: 'setting',
      setting: 'The agent’s own certificate authority (config --sslcacert)',
      problem: `cannot be read: ${path}`,
      remedy:
        'see that the file is there for the job’s user, in the job’s container too, and holds a certificate (PEM).',
    });
  }
}
