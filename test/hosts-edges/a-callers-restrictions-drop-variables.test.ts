import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { type ExportTarget, exportTargets, loginVariables } from '../../src/azure/tools.ts';
import { camelCase } from '../../src/contract.ts';
import { AgentJob, type AgentResult } from '../harness/agent.ts';
import type { StepTarget } from '../harness/agent-restrictions.ts';
import { goodInputs, type Inputs } from '../scenarios/hosts-under-test.ts';

/** `target:` of a pipeline's step, as docs/self-hosted.md describes it. */

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

async function stepWith(target: StepTarget, inputs: Inputs): Promise<AgentResult> {
  const job = new AgentJob({
    taskDirectory: resolve('ado-task/EntraAppToken'),
    environment: azure.environment('machine', 'ca'),
    proxy: { url: azure.proxy.url },
  });
  try {
    const spelled = Object.entries({ ...goodInputs, ...inputs }).map(([name, value]) => [
      camelCase(name),
      value,
    ]);
    return await job.step({ inputs: Object.fromEntries(spelled), target });
  } finally {
    job.close();
  }
}

const namesOf = ({ variables }: AgentResult): readonly string[] =>
  Object.keys(variables).filter((name) => !/^(?:system|agent|build|task)\./iu.test(name));
const warningsOf = ({ annotations }: AgentResult): readonly string[] =>
  annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);

/** The page's list: the names behind `export: x`, `login: x`, or `always`. */
const documented = ((): ReadonlyMap<string, readonly string[]> => {
  const page = readFileSync('docs/self-hosted.md', 'utf8');
  const section = page.split('## Restrictions of the caller')[1]?.split('```')[0] ?? '';
  const lists = new Map<string, readonly string[]>();
  for (const item of section.replaceAll(/\n {2,}/gu, ' ').matchAll(/^- (.*)$/gmu)) {
    const [, title = '', names = ''] = /^((?:`[^`]*`|[^:`])*):? ?(.*)$/u.exec(item[1] ?? '') ?? [];
    const same = names.startsWith('the same as `azure-sdk`') ? (lists.get('azure-sdk') ?? []) : [];
    const own = [...names.matchAll(/`([A-Za-z_]+\*?)`/gu)].map(([, name = '']) => name);
    const keys = [...title.matchAll(/`(?:export|login): ([a-z-]+)`/gu)].map(([, key = '']) => key);
    for (const key of keys.length > 0 ? keys : [title]) lists.set(key, [...same, ...own]);
  }
  return lists;
})();
const namesFor = (key: string): readonly string[] => {
  const names = documented.get(key);
  if (names === undefined) throw new Error(`docs/self-hosted.md lists no names for ${key}`);
  return names;
};

const subscription = { 'subscription-id': randomUUID() };

describe('without a name in `settableVariables`', () => {
  test('the variable is dropped with a warning, and the step stays green', async () => {
    const inputs = { scopes: 'ARM_TOKEN = arm\nGRAPH_TOKEN = graph' };
    const result = await stepWith({ settableVariables: ['ARM_TOKEN'] }, inputs);
    expect(result.result).toBe('Succeeded');
    expect(namesOf(result)).toContain('ARM_TOKEN');
    expect(namesOf(result)).not.toContain('GRAPH_TOKEN');
    expect(namesOf(result)).not.toContain('accessTokens');
    expect(warningsOf(result).some((text) => text.includes('GRAPH_TOKEN'))).toBe(true);
    expect(result.annotations.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('`none` drops everything, and the step stays green', async () => {
    const result = await stepWith({ settableVariables: 'none' }, { export: 'azure-sdk' });
    expect(result.result).toBe('Succeeded');
    for (const name of [...namesFor('always'), ...namesFor('azure-sdk')])
      expect(namesOf(result)).not.toContain(name);
    expect(warningsOf(result).length).toBeGreaterThan(0);
  });
});

test('`commands: restricted` disturbs nothing', async () => {
  const result = await stepWith(
    { commands: 'restricted' },
    { scopes: 'ARM_TOKEN = arm', export: 'azure-sdk' },
  );
  expect(result.result).toBe('Succeeded');
  expect(result.annotations).toEqual([]);
  expect(namesOf(result)).toEqual(expect.arrayContaining(['ARM_TOKEN', 'AZURE_FEDERATED_TOKEN_FILE']));
});

describe('the documented list keeps every variable of', () => {
  const always = namesFor('always');
  const withFile = namesFor('with `export` or `login`');
  test('one token', async () => {
    const result = await stepWith({ settableVariables: always }, {});
    expect(result.annotations).toEqual([]);
    expect(namesOf(result)).toEqual(expect.arrayContaining(['accessToken', 'expiresOn']));
  });

  test('named tokens', async () => {
    const result = await stepWith(
      { settableVariables: [...always, 'ARM_TOKEN'] },
      { scopes: 'ARM_TOKEN = arm' },
    );
    expect(result.annotations).toEqual([]);
    expect(namesOf(result)).toEqual(expect.arrayContaining(['ARM_TOKEN', 'accessTokens']));
  });

  async function keepsAll(tool: ExportTarget): Promise<void> {
    const settableVariables = [...always, ...withFile, ...namesFor(tool)];
    const result = await stepWith({ settableVariables }, { export: tool, ...subscription });
    expect(result.result).toBe('Succeeded');
    // A name that is missing on the page is a warning here.
    expect(result.annotations).toEqual([]);
    expect(namesOf(result)).toEqual(expect.arrayContaining([...namesFor(tool), ...withFile]));
  }

  test.each(exportTargets.filter((tool) => tool !== 'managed-identity'))('export: %s', keepsAll);

  test('export: managed-identity', async () => {
    const settableVariables = [...always, ...namesFor('managed-identity')];
    const result = await stepWith({ settableVariables }, { export: 'managed-identity' });
    expect(result.annotations).toEqual([]);
    expect(namesOf(result)).toEqual(
      expect.arrayContaining(['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_CLIENT_ID']),
    );
  });
});

test('the page names the variables of every login too', () => {
  expect(Object.entries(loginVariables).map(([tool]) => [tool, namesFor(tool)])).toEqual(
    Object.entries(loginVariables),
  );
});
