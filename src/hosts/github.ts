import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as core from '@actions/core';
import type { CommandFileProblem, Host } from './host.ts';
import { chooseProxy } from './proxy-variables.ts';
import { newSecretForms, sanitizeForLog } from './sanitize.ts';

/**
 * GitHub's runner: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands. Whether a run
 * belongs to a fork is in `github-forks.ts`, because that needs a larger library and the clean-up does not ask it.
 */
export const github: Omit<Host, 'forkPullRequest'> = {
  inputLabel: (name) => name,
  readInput: (name) => core.getInput(name),
  registerSecret: (value) => {
    // The runner masks base64 by itself, but not if text follows the value in the same encoding.
    for (const form of newSecretForms(value)) core.setSecret(form);
  },
  setOutput: (name, value) => core.setOutput(name, value),
  setVariable: (name, value) => core.exportVariable(name, value),
  saveState: (name, value) => core.saveState(name, value),
  info: (text) => core.info(sanitizeForLog(text)),
  warning: (text) => core.warning(sanitizeForLog(text)),
  isDebug: () => core.isDebug(),
  debug: (text) => {
    if (core.isDebug()) core.debug(sanitizeForLog(text));
  },
  fail: (text) => core.setFailed(sanitizeForLog(text)),
  temporaryFolder: () => process.env['RUNNER_TEMP'] ?? '',
  // Beside the folder of the step's own bundle.
  gitCredentialHelper: () => resolve(process.argv[1] ?? '', '../../git-credential/index.js'),
  endpointProgram: () => resolve(process.argv[1] ?? '', '../../endpoint/index.js'),
  oneSpelling: false,
  // The runner has no such setting: Node reads NODE_EXTRA_CA_CERTS by itself.
  certificateAuthority: () => undefined,
  proxyFor: async (url) => chooseProxy(url, process.env),
  unusableCommandFile: () => commandFiles.map(problemWith).find((problem) => problem !== undefined),
};

/** Without these files the toolkit would print values as commands, or the runner would not receive them. */
const commandFiles = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE'] as const;

function problemWith(name: (typeof commandFiles)[number]): CommandFileProblem | undefined {
  const path = process.env[name] ?? '';
  if (path === '') return { name, detail: 'it is not set' };
  try {
    // Not a pipe, for example, which would block for ever.
    if (!statSync(path).isFile()) return { name, detail: `${path} is not a file` };
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return { name, detail: error instanceof Error ? error.message : String(error) };
  }
}
