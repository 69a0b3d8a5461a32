import { conflictRows, type Tool, toolRows, variableNames } from '../azure/tools.ts';
import { camelCase, outputNames } from '../contract.ts';

/**
 * Names that no token may have, on either host and in any letter case. `*` stands for any text.
 * The variables of the last two rows change how the job's later steps run, or belong to the host itself.
 */
const reserved: readonly { readonly names: readonly string[]; readonly reason: string }[] = [
  { names: outputNames.map(camelCase), reason: 'it is one of this step’s outputs' },
  { names: variableNames(), reason: '`export` and `login` set it' },
  {
    names: (Object.keys(toolRows) as Tool[]).flatMap((tool) => conflictRows(tool).map(({ name }) => name)),
    reason: 'it would make a tool act as an identity other than the exported one',
  },
  {
    names: `
      PATH PATHEXT HOME ENV BASH_ENV IFS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND
      NODE_* LD_* DYLD_* PYTHON* GIT_* PERL5* RUBYOPT RUBYLIB JAVA_TOOL_OPTIONS
      HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY *_CA_BUNDLE SSL_CERT_*
      TEMP TMP TMPDIR COMSPEC PSMODULEPATH
    `
      .trim()
      .split(/\s+/u),
    reason: 'it changes how later steps run',
  },
  {
    names: `
      GITHUB_* RUNNER_* ACTIONS_* INPUT_* STATE_* CI
      SYSTEM_* AGENT_* BUILD_* RELEASE_* TASK_* VSTS_* ENDPOINT_* SECRET_* SECUREFILE_* TF_BUILD
      IDENTITY_* IMDS_ENDPOINT MSI_* AZURE_POD_IDENTITY_AUTHORITY_HOST ENTRA_APP_TOKEN_*
    `
      .trim()
      .split(/\s+/u),
    reason: 'it belongs to the job’s host or to this step',
  },
];

const rows = reserved.map(({ names, reason }) => ({ matches: names.map(namePattern), reason }));

/** Why `name` is reserved; nothing if it is free. */
export function reservedFor(name: string): string | undefined {
  return rows.find(({ matches }) => matches.some((pattern) => pattern.test(name)))?.reason;
}

function namePattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll('*', '.*')}$`, 'iu');
}
