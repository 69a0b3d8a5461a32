import * as core from '@actions/core';
import { checkBypass } from '@actions/http-client/lib/proxy';
import { forwardProxy } from './forward-proxy.ts';
import type { Host } from './host.ts';
import { inertText } from './inert.ts';

/**
 * GitHub's runner: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands. Whether a run
 * is a fork's is told by `github-forks.ts`, since that needs far more and the clean-up does not ask it.
 */
export const github: Omit<Host, 'forkPullRequest'> = {
  spell: (name) => name,
  readInput: (name) => core.getInput(name),
  registerSecret: (value) => core.setSecret(value),
  setOutput: (name, value) => core.setOutput(name, value),
  setVariable: (name, value) => core.exportVariable(name, value),
  saveState: (name, value) => core.saveState(name, value),
  info: (text) => core.info(inertText(text)),
  warning: (text) => core.warning(inertText(text)),
  fail: (text) => core.setFailed(inertText(text)),
  temporaryFolder: () => process.env['RUNNER_TEMP'] ?? '',
  // The runner has no such setting: Node reads NODE_EXTRA_CA_CERTS by itself.
  certificateAuthority: () => undefined,
  proxyFor: async (url) => {
    const written = process.env['https_proxy'] || process.env['HTTPS_PROXY'] || '';
    return written === '' || checkBypass(url) ? undefined : forwardProxy('HTTPS_PROXY', written);
  },
};
