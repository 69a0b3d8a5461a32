import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clouds, cloudsWithoutPreset } from '../src/azure/clouds.ts';
import { scopeAliases } from '../src/azure/scope-aliases.ts';
import { type ExportTarget, exportTargets, loginVariables, toolRows } from '../src/azure/tools.ts';
import { camelCase, inputNames, outputNames } from '../src/contract.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';
import { type RetryRow, retryTable } from '../src/exchange/retries.ts';
import { readStepRequest } from '../src/inputs/read.ts';
import { anchors, documents, linkTargets, tableRows } from './documents/documents.ts';
import { isWorkflow, runSteps, type StepUse, stepUses, yamlTexts } from './documents/steps.ts';
import { lintWorkflow } from './documents/workflow-linter.ts';
import { readActionManifest } from './harness/action-manifest.ts';

/** The documents against the code that they describe: what people copy from them must work. */

const action = readActionManifest('.');
const readme = readFileSync('README.md', 'utf8');
const inputsPage = readFileSync('docs/inputs.md', 'utf8');
const quotedName = (cell: string | undefined): string => /^`([^`]*)`$/u.exec(cell ?? '')?.[1] ?? '';
/** The variables that `export` sets for a tool. */
const variablesOf = (tool: ExportTarget): readonly string[] =>
  toolRows[tool].filter((row) => !('conflict' in row)).map(({ name }) => name);
const quotedNames = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/gu)].map(([, name = '']) => name);

test('README.md is at most 200 lines long', () => {
  expect(readme.split('\n').length - 1).toBeLessThanOrEqual(200);
});

describe('docs/inputs.md agrees with action.yml', () => {
  test('the same inputs in the same order, with their required flags and defaults', () => {
    const rows = tableRows(inputsPage, 'input', 'required', 'default', 'meaning');
    expect(rows.map(([name, required, value]) => [quotedName(name), required, quotedName(value)])).toEqual(
      Object.entries(action.inputs ?? {}).map(([name, input]) => [
        name,
        input.required === true ? 'yes' : 'no',
        input.default ?? '',
      ]),
    );
  });

  test('the same outputs in the same order', () => {
    const rows = tableRows(inputsPage, 'output', 'meaning');
    expect(rows.map(([name]) => quotedName(name))).toEqual(Object.keys(action.outputs ?? {}));
    for (const name of outputNames) expect(inputsPage).toContain(`$(${camelCase(name)})`);
  });

  test('every alias', () => {
    const [, list = ''] = /<!-- aliases -->([\s\S]*?)<!-- \/aliases -->/u.exec(inputsPage) ?? [];
    expect(quotedNames(list)).toEqual(scopeAliases.flatMap(({ names }) => names));
  });

  test('the variables of each exported tool', () => {
    const rows = tableRows(inputsPage, '`export`', 'sets');
    expect(rows.map(([tool, names = '']) => [quotedName(tool), quotedNames(names)])).toEqual(
      exportTargets.map((tool) => [tool, variablesOf(tool)]),
    );
  });
});

/** A row of the retry table in the words of docs/retries.md. */
function howOften({ tries, window }: RetryRow): string {
  const seconds = window / 1000;
  if (Number.isFinite(tries))
    return `${tries} times${Number.isFinite(seconds) ? ` within ${seconds} seconds` : ''}`;
  return Number.isFinite(seconds) ? `for ${seconds} seconds` : 'until the timeout';
}

describe('the documents agree with the tables', () => {
  test('docs/clouds.md: each cloud’s sign-in address and audience', () => {
    const text = readFileSync('docs/clouds.md', 'utf8');
    const issuerOf = (host: string) => `${host}/<tenant ID>/v2.0`;
    const named = tableRows(
      text,
      ...['`cloud`', "Azure CLI's name", 'sign-in address', 'issuer of the trust', 'audience of the trust'],
    );
    expect(named.map((row) => row.map(quotedName))).toEqual(
      Object.values(clouds).map((cloud) => [
        ...[cloud.name, cloud.azureCli, cloud.authorityHost, issuerOf(cloud.authorityHost), cloud.audience],
      ]),
    );
    const withoutPreset = tableRows(text, 'cloud', '`authority-host`', 'audience');
    expect(withoutPreset.map(([title, ...values]) => [title, ...values.map(quotedName)])).toEqual(
      cloudsWithoutPreset.map((cloud) => [cloud.title, cloud.authorityHost, cloud.audience]),
    );
  });

  test('docs/retries.md: how often each failure is retried', () => {
    const rows = tableRows(readFileSync('docs/retries.md', 'utf8'), 'what happened', 'tried');
    const { identity, entra, registry } = retryTable;
    // The page says that registries are asked as often as Entra.
    const { trust, ...serviceRows } = entra;
    expect(registry).toEqual(serviceRows);
    // One row of the page covers Entra's throttling, server errors and temporary errors.
    expect(entra.throttled).toMatchObject({ tries: entra.transient?.tries, window: entra.transient?.window });
    expect(entra['server-error']).toMatchObject({ tries: entra.transient?.tries });
    const expected = [
      ...Object.values(identity),
      entra.unreachable,
      entra['timed-out'],
      entra.transient,
      trust,
    ];
    const cells = rows.map(([, tried = '']) => tried).filter((tried) => tried !== '');
    expect(cells.map((cell) => cell.split(/[,:;]/u)[0])).toEqual(expected.map((row) => row && howOften(row)));
  });

  test.each(['transient', 'trust'] as const)('docs/retries.md: each code with the retry class %s', (kind) => {
    const codes = entraCodes.filter(({ retry }) => retry === kind).flatMap((row) => row.codes);
    expect(readFileSync('docs/retries.md', 'utf8')).toContain(`(AADSTS${codes.join(', ')})`);
  });
});

test('docs/architecture.md has a place for every file of src/', () => {
  const map = readFileSync('docs/architecture.md', 'utf8');
  const named = (file: string): boolean =>
    map.includes(`\`${basename(file)}\``) ||
    map.includes(`/${basename(file)}\``) ||
    map.includes(`\`${dirname(file)}/\``);
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.ts') && !named(file))).toEqual([]);
});

test('docs/architecture.md names no source file that is not there', () => {
  const map = readFileSync('docs/architecture.md', 'utf8');
  const files = ['src', 'emulator', 'scripts', 'test'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const named = [...map.matchAll(/`([\w./-]+\.(?:ts|sh))`/gu)].map(([, name = '']) => name);
  expect(named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)))).toEqual(
    [],
  );
});

describe('docs/self-hosted.md', () => {
  test('lists every variable that a caller has to allow', () => {
    const text = readFileSync('docs/self-hosted.md', 'utf8');
    const [, section = ''] = text.split('## Restrictions of the caller');
    const [list = ''] = section.split('```yaml');
    const exported = exportTargets.flatMap(variablesOf);
    const expected = [...outputNames.map(camelCase), ...exported, ...Object.values(loginVariables).flat()];
    for (const name of expected) expect(quotedNames(list)).toContain(name);
  });
});

describe.each(documents('.md'))('$path', ({ path, text }) => {
  test('its links lead to files and headings that exist', () => {
    const dead = linkTargets(text)
      .filter((target) => !/^[a-z]+:/u.test(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#');
        const linked = file === '' ? path : join(dirname(path), file);
        if (!existsSync(linked)) return true;
        return anchor !== undefined && !anchors(readFileSync(linked, 'utf8')).includes(anchor);
      });
    expect(dead).toEqual([]);
  });
});

const texts = yamlTexts();
const uses = texts.flatMap(({ path, values }) => stepUses(values).map((use) => ({ path, ...use })));

test.each(texts)('$path is YAML', ({ complaints }) => {
  expect(complaints).toEqual([]);
});

describe('every use of the step', () => {
  test('the documents have some for each host', () => {
    expect(new Set(uses.map(({ host }) => host))).toEqual(new Set(['github', 'azure-pipelines']));
  });

  test.each(uses)('$path: $name', (use) => {
    expect(use.name).toBe(use.host === 'github' ? '<owner>/entra-app-token@v0' : 'EntraAppToken@0');
    const spelled = inputNames.map((name) => (use.host === 'github' ? name : camelCase(name)));
    expect(spelled).toEqual(expect.arrayContaining(Object.keys(use.inputs)));
    expect(() => readStepRequest((name) => handedOver(use, name))).not.toThrow();
  });
});

describe('every GitHub step with syntax of one shell names that shell', () => {
  const ofOneShell = /<<<|\$\w|\$\{\w|\.sh\b|\bsleep\b/u;
  // This repository's own workflow names its machine; the samples run on a reader's Linux or Windows.
  const steps = texts
    .filter(({ path }) => !path.startsWith('.github'))
    .flatMap(({ path, values }) => runSteps(values).map((step) => ({ path, ...step })));

  test.each(steps.filter(({ run }) => ofOneShell.test(run)))('$path', ({ shell }) => {
    expect(['bash', 'pwsh']).toContain(shell);
  });
});

/** The value that the host passes to the step. Every expression in the documents stands for an ID. */
function handedOver({ host, inputs }: StepUse, name: (typeof inputNames)[number]): string {
  const given = inputs[host === 'github' ? name : camelCase(name)];
  if (given === undefined) return action.inputs?.[name]?.default ?? '';
  // An agent identity has another ID than its blueprint.
  const id = name === 'agent-identity-id' ? '4'.repeat(8) : '3'.repeat(8);
  return String(given)
    .replaceAll(/\$\{\{.*?\}\}|\$\(\w+\)/gu, `${id}-3333-4333-8333-333333333333`)
    .trim();
}

test.each(texts.filter(isWorkflow))('$path passes the workflow linter', async ({ text }) => {
  const problems = await lintWorkflow(text);
  expect(problems.map(({ line, message }) => `line ${line}: ${message}`)).toEqual([]);
});
