import { closedPort } from './closed-world.ts';

/** The command files in the order in which the runner reads them. Source: actions/runner `Runner.Common/ExtensionManager.cs`. */
export const commandFiles = [
  'path',
  'env',
  'step_summary',
  'state',
  'output',
  'artifacts',
  'artifacts_list',
] as const;
export type CommandFile = (typeof commandFiles)[number];

/** How the runner names them in `_runner_file_commands`. Source: `FilePrefix` in `FileCommandManager.cs` and its kin. */
export const commandFilePrefixes: Readonly<Record<CommandFile, string>> = {
  path: 'add_path_',
  env: 'set_env_',
  step_summary: 'step_summary_',
  state: 'save_state_',
  output: 'set_output_',
  artifacts: 'artifacts_',
  artifacts_list: 'artifacts_list_',
};

export interface RunnerProxy {
  readonly http?: string;
  readonly https?: string;
  readonly noProxy?: string;
}

/** Both spellings of each, from the runner's own setting. Source: `Runner.Sdk/RunnerWebProxy.cs`; `ContainerInfo.cs` for containers. */
export function proxyVariables(proxy: RunnerProxy | undefined): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of [
    ['HTTP_PROXY', proxy?.http],
    ['HTTPS_PROXY', proxy?.https],
    ['NO_PROXY', proxy?.noProxy],
  ] as const) {
    if (value === undefined) continue;
    variables[name] = value;
    variables[name.toLowerCase()] = value;
  }
  return variables;
}

/** `GITHUB_…`, as far as `GitHubContext.cs` lets them into the environment. */
export function githubVariables(run: {
  readonly event: string;
  readonly eventPath: string;
  readonly workspace: string;
  /** `owner/name@ref`; the runner sets both variables to nothing for an action of the workflow's own repository. */
  readonly uses: string;
  readonly files: Readonly<Record<CommandFile, string>>;
}): Record<string, string> {
  const [repository = '', ref = ''] = run.uses.startsWith('./') ? [] : run.uses.split('@');
  return {
    GITHUB_ACTION: '__self',
    GITHUB_ACTION_REF: ref,
    GITHUB_ACTION_REPOSITORY: repository,
    GITHUB_ACTOR: 'octocat',
    GITHUB_ACTOR_ID: '583231',
    GITHUB_API_URL: `${closedPort}/api`,
    GITHUB_BASE_REF: '',
    GITHUB_EVENT_NAME: run.event,
    GITHUB_EVENT_PATH: run.eventPath,
    GITHUB_GRAPHQL_URL: `${closedPort}/graphql`,
    GITHUB_HEAD_REF: '',
    GITHUB_JOB: 'job',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_PROTECTED: 'false',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_REPOSITORY: 'octo-org/octo-repo',
    GITHUB_REPOSITORY_ID: '1296269',
    GITHUB_REPOSITORY_OWNER: 'octo-org',
    GITHUB_REPOSITORY_OWNER_ID: '6811672',
    GITHUB_RETENTION_DAYS: '90',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '1658821493',
    GITHUB_RUN_NUMBER: '3',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
    GITHUB_TRIGGERING_ACTOR: 'octocat',
    GITHUB_WORKFLOW: 'workflow',
    GITHUB_WORKFLOW_REF: 'octo-org/octo-repo/.github/workflows/workflow.yml@refs/heads/main',
    GITHUB_WORKFLOW_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
    GITHUB_WORKSPACE: run.workspace,
    ...Object.fromEntries(commandFiles.map((file) => [`GITHUB_${file.toUpperCase()}`, run.files[file]])),
  };
}

/** `RUNNER_…` and `ACTIONS_…`. Source: `RunnerContext.cs`, `NodeScriptActionHandler.cs`; `JobExtension.cs` for `RUNNER_DEBUG`. */
export function runnerVariables(run: {
  readonly temp: string;
  readonly tools: string;
  readonly pipelineDirectory: string;
  readonly debug: boolean;
}): Record<string, string> {
  return {
    RUNNER_ARCH: 'X64',
    RUNNER_ENVIRONMENT: 'self-hosted',
    RUNNER_NAME: 'runner',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: run.temp,
    RUNNER_TOOL_CACHE: run.tools,
    RUNNER_WORKSPACE: run.pipelineDirectory,
    ...(run.debug ? { RUNNER_DEBUG: '1' } : {}),
    ACTIONS_RUNTIME_URL: `${closedPort}/`,
    ACTIONS_RUNTIME_TOKEN: 'runtime-token-of-the-runner',
    ACTIONS_RESULTS_URL: `${closedPort}/`,
  };
}

/** `INPUT_<NAME>`: upper case, spaces become underscores, hyphens stay. Source: `Handlers/Handler.cs`. */
export function inputVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
      value,
    ]),
  );
}

/** Source: `ActionRunner.cs`. */
export function stateVariables(state: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
}
