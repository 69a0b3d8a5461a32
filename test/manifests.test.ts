import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { camelCase, inputDefaults, inputNames, outputNames } from '../src/contract.ts';
import { readActionManifest } from './harness/action-manifest.ts';
import { variableSettable } from './harness/agent-restrictions.ts';
import { readTaskManifest, type TaskManifest } from './harness/task-manifest.ts';

/** `action.yml` and `task.json` against one another, against the contract's names, and against their hosts' rules. */

const action = readActionManifest('.');
const task = readTaskManifest('ado-task/EntraAppToken');
const taskInputs = new Map((task.inputs ?? []).map((input) => [input.name, input]));

/** How the task's text names the action's inputs. */
function inTheTasksSpelling(text: string): string {
  return inputNames.reduce(
    (result, name) => result.replaceAll(`\`${name}\``, `\`${camelCase(name)}\``),
    text,
  );
}

describe('both hosts declare the contract', () => {
  test('the same inputs, in the contract’s order', () => {
    expect(Object.keys(action.inputs ?? {})).toEqual([...inputNames]);
    expect([...taskInputs.keys()]).toEqual(inputNames.map(camelCase));
  });

  test.each(Object.entries(action.inputs ?? {}))(
    '%s: default, required flag and description agree',
    (name, input) => {
      const ofTask = taskInputs.get(camelCase(name));
      expect(ofTask?.defaultValue ?? '').toBe(input.default ?? '');
      expect(ofTask?.required ?? false).toBe(input.required ?? false);
      const expected = inTheTasksSpelling(input.description);
      // The task may add a sentence of its own host.
      expect(ofTask?.helpMarkDown?.slice(0, expected.length)).toBe(expected);
    },
  );

  test('defaults are strings, as both hosts hand them over', () => {
    for (const { default: value } of Object.values(action.inputs ?? {})) {
      expect(['string', 'undefined']).toContain(typeof value);
    }
    for (const { defaultValue } of taskInputs.values()) expect(typeof defaultValue).toBe('string');
  });

  test('the same defaults as the contract’s', () => {
    const defaults = Object.entries(action.inputs ?? {}).filter(([, input]) => (input.default ?? '') !== '');
    expect(Object.fromEntries(defaults.map(([name, input]) => [name, input.default]))).toEqual(inputDefaults);
  });

  test('every output is documented: in action.yml by itself, in the task’s help by its variable', () => {
    expect(Object.keys(action.outputs ?? {})).toEqual([...outputNames]);
    for (const name of outputNames) {
      expect(action.outputs?.[name]?.description).toMatch(/\.$/);
      expect(task.helpMarkDown).toContain(`$(${camelCase(name)})`);
    }
  });

  test('descriptions are sentences', () => {
    const texts = [
      action.description,
      ...Object.values(action.inputs ?? {}).map(({ description }) => description),
      ...Object.values(action.outputs ?? {}).map(({ description }) => description),
      ...[...taskInputs.values()].map(({ helpMarkDown }) => helpMarkDown ?? ''),
    ];
    for (const text of texts) expect(text).toMatch(/^[A-Z][^\n]*\.$/);
  });

  test('one name, one description, one author', () => {
    expect(task).toMatchObject({
      friendlyName: action.name,
      description: action.description,
      author: action.author,
    });
  });
});

describe('action.yml', () => {
  test('runs on Node 24, with a clean-up step that always runs', () => {
    expect(action.runs).toEqual({
      using: 'node24',
      main: 'dist/main/index.js',
      post: 'dist/post/index.js',
      'post-if': 'always()',
    });
  });

  // GitHub refuses the release otherwise. test/documents/language-service.test.ts checks the icon and the color.
  test('has what the Marketplace asks for: a branding, and a description of less than 125 characters', () => {
    expect(Object.keys(action.branding ?? {}).sort()).toEqual(['color', 'icon']);
    expect(action.description.length).toBeLessThan(125);
  });

  test('has no key that the runner does not know', () => {
    expect(Object.keys(action).sort()).toEqual([
      'author',
      'branding',
      'description',
      'inputs',
      'name',
      'outputs',
      'runs',
    ]);
    for (const input of Object.values(action.inputs ?? {})) {
      expect(['default', 'description', 'required']).toEqual(expect.arrayContaining(Object.keys(input)));
    }
  });
});

/** The rules of azure-pipelines-task-lib's `tasks.schema.json` that this manifest touches, and tfx's own. */
describe('task.json', () => {
  test('has no key that the schema does not know', () => {
    const known = [
      ...[
        '$schema',
        'id',
        'name',
        'friendlyName',
        'description',
        'helpUrl',
        'helpMarkDown',
        'author',
        'preview',
      ],
      ...[
        'deprecated',
        'removalDate',
        'showEnvironmentVariables',
        'runsOn',
        'visibility',
        'category',
        'groups',
      ],
      ...['demands', 'minimumAgentVersion', 'version', 'instanceNameFormat', 'releaseNotes', 'inputs'],
      ...[
        'dataSourceBindings',
        'sourceDefinitions',
        'prejobexecution',
        'execution',
        'postjobexecution',
        'messages',
      ],
      ...['outputVariables', 'restrictions'],
    ];
    expect(known).toEqual(expect.arrayContaining(Object.keys(task)));
    const ofInputs = [
      ...[
        'name',
        'aliases',
        'label',
        'type',
        'defaultValue',
        'required',
        'helpMarkDown',
        'groupName',
        'visibleRule',
      ],
      ...['properties', 'options'],
    ];
    for (const input of taskInputs.values())
      expect(ofInputs).toEqual(expect.arrayContaining(Object.keys(input)));
  });

  test('its values have the form the schema wants', () => {
    expect(task.id).toMatch(/^[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}$/);
    expect(task.name).toMatch(/^[A-Za-z0-9-]+$/);
    expect(task.friendlyName.length).toBeLessThanOrEqual(40);
    expect(task.category).toBe('Utility');
    expect(['Build', 'Release']).toEqual(expect.arrayContaining([...(task.visibility ?? [])]));
    expect(['Agent', 'MachineGroup', 'Server', 'ServerGate', 'DeploymentGroup']).toEqual(
      expect.arrayContaining([...(task.runsOn ?? [])]),
    );
    expect(Object.values(task.version).every(Number.isInteger)).toBe(true);
    const groups = (task.groups ?? []).map(({ name }) => name);
    for (const { name, label, type, groupName } of taskInputs.values()) {
      expect(name).toMatch(/^[A-Za-z][A-Za-z0-9]*$/);
      expect(label).not.toBe('');
      expect(['boolean', 'multiLine', 'pickList', 'string']).toContain(type);
      if (groupName !== undefined) expect(groups).toContain(groupName);
    }
  });

  test('the instance name uses an input of its own', () => {
    const [, name] = /\$\((\w+)\)/.exec(task.instanceNameFormat) ?? [];
    expect(taskInputs.has(name ?? '')).toBe(true);
  });

  // https://github.com/microsoft/azure-pipelines-tasks/blob/master/docs/migrateNode20.md
  test('asks for the first agent that has its oldest handler', () => {
    expect(Object.keys(task.execution ?? {})).toEqual(['Node20_1', 'Node24']);
    expect(task.minimumAgentVersion).toBe('3.232.1');
  });

  test('a pick list refuses no value that the contract takes', () => {
    for (const input of taskInputs.values()) {
      if (input.type !== 'pickList') continue;
      expect(input.properties?.['EditableOptions']).toBe('True');
      expect(Object.keys(input.options ?? {})).toContain(input.defaultValue);
    }
  });

  test('declares no output variable: the agent would send its value to the server, secret or not', () => {
    expect(task.outputVariables).toBeUndefined();
  });

  test('runs in restricted mode, so that an injected command dies', () => {
    expect(task.restrictions?.commands?.mode).toBe('restricted');
  });

  test.each([
    ...['PATH', 'Home', 'env', 'BASH_ENV', 'IFS', 'NODE_OPTIONS', 'LD_PRELOAD', 'DYLD_INSERT_LIBRARIES'],
    ...['PYTHONPATH', 'GIT_SSH_COMMAND', 'GITHUB_TOKEN', 'RUNNER_TEMP', 'ACTIONS_X', 'INPUT_X', 'STATE_X'],
    ...[
      'system.debug',
      'SYSTEM_ACCESSTOKEN',
      'agent.proxyurl',
      'Agent_ProxyUrl',
      'build.buildNumber',
      'BUILD_REASON',
    ],
    ...[
      'VSTS_X',
      'ENDPOINT_AUTH_X',
      'SECRET_X',
      'http_proxy',
      'HTTPS_PROXY',
      'ALL_PROXY',
      'IDENTITY_SERVER_THUMBPRINT',
      'IMDS_ENDPOINT',
      'REQUESTS_CA_BUNDLE',
    ],
    ...['SSL_CERT_FILE', 'GIT_CONFIG', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_PARAMETERS', 'GIT_CONFIG_COUNTS'],
  ])('an injected command cannot set %s, which would change how later steps run', (name) => {
    expect(variableSettable(task, name)).toBe(false);
  });

  test.each([
    ...outputNames.map(camelCase),
    ...[
      'GRAPH_TOKEN',
      'PATHFINDER',
      'HOMEPAGE_TOKEN',
      'ENVIRONMENT_TOKEN',
      'BUILDER',
      'SYSTEMS',
      '_x',
      'SECRETS',
    ],
    ...['AZURE_CLIENT_ID', 'AZURE_TENANT_ID', 'AZURE_FEDERATED_TOKEN_FILE', 'AZURE_AUTHORITY_HOST'],
    ...['AZURE_CONFIG_DIR', 'AZURE_EXTENSION_DIR', 'ARM_CLIENT_ID', 'ARM_TENANT_ID', 'ARM_SUBSCRIPTION_ID'],
    ...['GIT_CONFIG_COUNT', 'GIT_CONFIG_KEY_0', 'GIT_CONFIG_VALUE_12'],
    ...['ARM_USE_OIDC', 'ARM_OIDC_TOKEN_FILE_PATH', 'ARM_ENVIRONMENT'],
  ])('the step itself can set %s', (name) => {
    expect(variableSettable(task, name)).toBe(true);
  });
});

test('before version 1, the extension and the task are a preview', () => {
  const { galleryFlags } = JSON.parse(readFileSync('ado-task/vss-extension.json', 'utf8')) as {
    galleryFlags?: string[];
  };
  const isPreview = task.version.Major === 0;
  expect(galleryFlags?.includes('Preview') ?? false).toBe(isPreview);
  expect(task.preview ?? false).toBe(isPreview);
});

test('the extension, the task and the project have one version', () => {
  const versionOf = (path: string) => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  const { Major, Minor, Patch }: TaskManifest['version'] = task.version;
  expect(versionOf('ado-task/vss-extension.json')).toBe(versionOf('package.json'));
  expect(`${Major}.${Minor}.${Patch}`).toBe(versionOf('package.json'));
});
