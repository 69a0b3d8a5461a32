import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import { scopeAliases } from '../../src/azure/scope-aliases.ts';
import { type InputName, inputDefaults } from '../../src/contract.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { tableRows } from './documents.ts';

/** Pages that people look things up in, against the code that they describe. */

const page = (name: string): string => readFileSync(`docs/${name}.md`, 'utf8');
const names = (cell = ''): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/gu)].map(([, name = '']) => name);

describe('docs/combinations.md', () => {
  const rows = tableRows(page('combinations'), 'inputs', 'answer');

  test('has answers of both kinds', () => {
    const kinds = new Set(rows.map(([, answer = '']) => answer.split(/[: ]/u)[0]));
    expect(kinds).toEqual(new Set(['works', 'refused']));
  });

  test.each(rows)('%s: %s', (inputs = '', answer = '') => {
    const request = () => readStepRequest((name) => given(inputs)[name] ?? '');
    if (answer.startsWith('refused')) expect(request).toThrow();
    else expect(request).not.toThrow();
  });

  /** `name: value`, or a name alone, which stands for the ID of a managed identity. */
  function given(cell: string): Readonly<Partial<Record<InputName, string>>> {
    const id = '33333333-3333-4333-8333-333333333333';
    const written = names(cell).map((text) => {
      const [, name = text, value = id] = /^([\w-]+): (.*)$/u.exec(text) ?? [];
      return [name, value] as const;
    });
    return {
      ...inputDefaults,
      'client-id': id,
      'tenant-id': id,
      ...(!cell.includes('federated-token-file') && { 'managed-identity-client-id': id }),
      ...Object.fromEntries(written),
    };
  }
});

describe('docs/firewall.md', () => {
  const rows = tableRows(page('firewall'), 'feature', ...Object.keys(clouds));
  const columns = (feature: string): readonly (readonly string[])[] =>
    (rows.find(([title]) => title?.includes(feature)) ?? []).slice(1).map(names);

  test('names the sign-in address, Resource Manager and the registries of each cloud', () => {
    const all = Object.values(clouds);
    const arm = scopeAliases.find((row) => row.names[0] === 'arm')?.resource;
    expect(columns('every use')).toEqual(all.map(({ authorityHost }) => [new URL(authorityHost).host]));
    expect(columns('azure-cli')).toEqual(all.map(({ name }) => [new URL(arm?.[name] ?? '').host]));
    expect(columns('acr:')).toEqual(all.map(({ registrySuffix }) => [`NAME${registrySuffix}`]));
  });
});

describe('docs/versions.md', () => {
  const rows = tableRows(page('versions'), 'what', 'minimum', 'for', 'source');
  const minimum = (what: string) => rows.filter(([title]) => title === what).map(([, version]) => version);

  test('has the versions of the manifests', () => {
    const task = JSON.parse(readFileSync('ado-task/EntraAppToken/task.json', 'utf8')) as {
      readonly minimumAgentVersion: string;
    };
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly engines: { readonly node: string };
    };
    expect(minimum('Azure Pipelines agent')).toEqual([task.minimumAgentVersion]);
    expect(minimum('Node')).toEqual([engines.node.replace('>=', '')]);
  });

  test.each([
    ['git', 'git', /git ([\d.]+\d) or later/gu],
    ['Azure CLI', 'identity-endpoint', /az before ([\d.]+\d)/gu],
    ['GitHub runner', 'self-hosted', /runner ([\d.]+\d) or later/gu],
  ])('%s has the versions that docs/%s.md names', (what, other, pattern) => {
    const named = [...page(other).matchAll(pattern)].map(([, version = '']) => version);
    expect(named.length).toBeGreaterThan(0);
    for (const version of named) expect(minimum(what).join(' ')).toContain(version);
  });
});
