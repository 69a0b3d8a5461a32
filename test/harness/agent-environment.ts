import { join } from 'node:path';
import { environmentName, expandMacros, type Variables } from './agent-variables.ts';
import { closedPort } from './closed-world.ts';
import type { TaskManifest } from './task-manifest.ts';

export interface AgentProxy {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** .NET regular expressions, exported as they are. */
  readonly bypass?: readonly string[];
}

export interface AgentSettings {
  readonly root: string;
  readonly work: string;
  readonly temp: string;
  readonly workspace: string;
  readonly version: string;
  readonly proxy: AgentProxy | undefined;
  readonly caFile: string | undefined;
  readonly debug: boolean;
}

/** The variables that the agent and the server set, all read-only. Source: azure-pipelines-agent `Constants.cs`, `JobRunner.cs`. */
export function setSystemVariables(variables: Variables, settings: AgentSettings): void {
  const { root, work, temp, workspace, proxy } = settings;
  const system: Record<string, string | undefined> = {
    'Agent.BuildDirectory': join(workspace, '..'),
    'Agent.HomeDirectory': join(root, 'agent'),
    'Agent.Id': '8',
    'Agent.IsSelfHosted': '1',
    'Agent.JobName': 'Job',
    'agent.jobstatus': 'Succeeded',
    'Agent.MachineName': 'machine',
    'Agent.Name': 'agent',
    'Agent.OS': 'Linux',
    'Agent.OSArchitecture': 'X64',
    'Agent.RootDirectory': work,
    'Agent.TempDirectory': temp,
    'Agent.ToolsDirectory': join(work, '_tool'),
    'Agent.Version': settings.version,
    'Agent.WorkFolder': work,
    'Agent.ProxyUrl': proxy?.url,
    'Agent.ProxyUsername': proxy?.username,
    'Agent.ProxyBypassList': proxy?.bypass === undefined ? undefined : JSON.stringify(proxy.bypass),
    'Agent.CAInfo': settings.caFile,
    'Build.BuildId': '1234',
    'Build.BuildNumber': '20250102.3',
    'Build.DefinitionName': 'pipeline',
    'Build.Reason': 'Manual',
    'Build.Repository.Name': 'repository',
    'Build.Repository.Provider': 'TfsGit',
    'Build.SourceBranch': 'refs/heads/main',
    'Build.SourceBranchName': 'main',
    'Build.SourcesDirectory': workspace,
    'Build.SourceVersion': 'ffac537e6cbbf934b08745a378932722df287a53',
    'System.CollectionUri': `${closedPort}/`,
    'System.Culture': 'en-US',
    'System.Debug': settings.debug ? 'true' : undefined,
    'System.DefaultWorkingDirectory': workspace,
    'System.DefinitionId': '12',
    'System.HostType': 'build',
    'System.JobDisplayName': 'Job',
    'System.JobId': '12f1170f-54f2-53f3-20dd-22fc7dff55f9',
    'System.PlanId': 'd0ab8b63-6ab2-4ddd-a6e2-9d6bb0d0a0d5',
    'System.TeamFoundationCollectionUri': `${closedPort}/`,
    'System.TeamProject': 'project',
    'System.TeamProjectId': '6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c',
  };
  for (const [name, value] of Object.entries(system)) {
    if (value !== undefined) variables.set(name, value, { readOnly: true });
  }
  const secret = { secret: true, readOnly: true };
  variables.set('System.AccessToken', 'access-token-of-the-job', secret);
  if (proxy?.password !== undefined) variables.set('Agent.ProxyPassword', proxy.password, secret);
}

/**
 * The environment of a task: the step's `env:`, then variables, inputs, the server's connection, task variables. The
 * later wins. Source: `Handlers/NodeHandler.cs` (`RunAsync`), `Handlers/Handler.cs`, `TaskRunner.cs`.
 */
export function taskEnvironment(task: {
  readonly machine: Readonly<Record<string, string>>;
  readonly manifest: TaskManifest;
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly variables: Variables;
  readonly taskVariables: Variables;
  readonly pathFor: (original: string) => string;
}): Record<string, string> {
  const { machine, variables } = task;
  const expanded = (text: string) => expandMacros(variables.expand(text), (name) => machine[name]);
  const environment: Record<string, string> = { ...machine };
  for (const [name, value] of Object.entries(task.environment)) environment[name] = expanded(value.trim());

  const known = variables.all;
  for (const { name, value, secret, preserveCase } of known) {
    environment[`${secret ? 'SECRET_' : ''}${environmentName(name, preserveCase)}`] = value;
    if (name.toLowerCase() === 'agent.jobstatus') environment[name] = value;
  }
  const namesOf = (secret: boolean) =>
    JSON.stringify(known.filter((one) => one.secret === secret).map(({ name }) => name));
  environment['VSTS_PUBLIC_VARIABLES'] = namesOf(false);
  environment['VSTS_SECRET_VARIABLES'] = namesOf(true);

  for (const [name, value] of Object.entries(mergedInputs(task.manifest, task.inputs))) {
    environment[`INPUT_${environmentName(name)}`] = expanded(value);
  }
  const accessToken = variables.get('System.AccessToken')?.value ?? '';
  const endpoint = 'SYSTEMVSSCONNECTION';
  environment[`ENDPOINT_URL_${endpoint}`] = `${closedPort}/`;
  environment[`ENDPOINT_AUTH_SCHEME_${endpoint}`] = 'OAuth';
  environment[`ENDPOINT_AUTH_PARAMETER_${endpoint}_ACCESSTOKEN`] = accessToken;
  environment[`ENDPOINT_AUTH_${endpoint}`] = JSON.stringify({
    parameters: { AccessToken: accessToken },
    scheme: 'OAuth',
  });
  for (const { name, value, preserveCase } of task.taskVariables.all) {
    environment[`VSTS_TASKVARIABLE_${environmentName(name, preserveCase)}`] = value;
  }
  environment['PATH'] = task.pathFor(environment['PATH'] ?? '');
  environment['TF_BUILD'] = 'True';
  return environment;
}

/** Defaults from the manifest, then what the step gives. Values are trimmed; names ignore letter case. Source: `TaskRunner.cs`. */
function mergedInputs(
  manifest: TaskManifest,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const merged = new Map<string, readonly [name: string, value: string]>();
  const put = (name: string, value: string) =>
    merged.set(name.trim().toLowerCase(), [name.trim(), value.trim()]);
  for (const { name, defaultValue = '' } of manifest.inputs ?? []) put(name, String(defaultValue));
  for (const [name, value] of Object.entries(given)) put(name, value);
  return Object.fromEntries(merged.values());
}
