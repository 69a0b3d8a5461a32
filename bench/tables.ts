import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundles, taskFolder } from '../scripts/bundles.ts';
import { type ContenderName, titles } from './contenders.ts';
import type { GoalResult } from './goals.ts';
import { codeFiles, codeSize } from './limits.ts';
import { type Results, type ScenarioName, scenarios, scopeCounts } from './scenarios.ts';
import { median, spreadOf } from './statistics.ts';

/** A table. The first column is text and is aligned to the left, the others to the right. */
export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function goalsTable(goals: readonly GoalResult[]): Table {
  return {
    heads: ['what', 'goal', 'measured', 'result', 'against node:https', 'result'],
    rows: goals.map(({ what, goal, measured, outcome, otherFloor }) => [
      what,
      goal,
      measured,
      outcome,
      otherFloor?.measured ?? '',
      otherFloor?.outcome ?? '',
    ]),
  };
}

/** The contenders of one scenario: wall time with its spread, processor time, peak memory, requests. */
export function scenarioTable(results: Results, name: ScenarioName): Table {
  const contenders = scenarios.find((scenario) => scenario.name === name)?.contenders ?? [];
  return {
    heads: ['', 'median ms', 'quartiles', 'min–max', 'CPU ms', 'peak MiB', 'requests', 'runs'],
    rows: contenders.flatMap(({ name: contender, scopes }) => {
      const measured = results.of(name, contender, scopes);
      if (measured.length === 0) return [];
      const wall = spreadOf(measured.map((one) => one.wall));
      return [
        [
          titles[contender],
          whole(wall.median),
          `${whole(wall.lowerQuartile)}–${whole(wall.upperQuartile)}`,
          `${whole(wall.least)}–${whole(wall.most)}`,
          medianOf(measured.map((one) => one.cpu)),
          medianOf(measured.map((one) => one.peak)),
          [...new Set(measured.map((one) => one.requests))].join(', '),
          String(wall.count),
        ],
      ];
    }),
  };
}

/** How the median wall time grows with the number of scopes. */
export function growthTable(results: Results): Table {
  const names = [
    ...new Set<ContenderName>(
      scenarios
        .filter(({ name }) => name === 'growth')
        .flatMap(({ contenders }) => contenders.map((c) => c.name)),
    ),
  ].filter((name) => results.of('growth', name).length > 0);
  return {
    heads: ['scopes', ...names.flatMap((name) => [`${titles[name]}, ms`, 'requests'])],
    rows: scopeCounts.map((scopes) => [
      String(scopes),
      ...names.flatMap((name) => {
        const measured = results.of('growth', name, scopes);
        const requests = [...new Set(measured.map((one) => one.requests))].join(', ');
        return [medianOf(measured.map((one) => one.wall)), requests];
      }),
    ]),
  };
}

export function sizesTable(root: string): Table {
  const folders = [...new Set(bundles.map(({ folder }) => folder))];
  return {
    heads: ['folder', 'loaded at every start, bytes', 'all code, bytes', 'files'],
    rows: folders.flatMap((folder) => {
      const path = join(root, folder);
      if (!existsSync(path)) return [];
      const entries = bundles.filter((bundle) => bundle.folder === folder);
      return [
        [
          folder,
          entries.map(({ file }) => `${file} ${grouped(statSync(join(path, file)).size)}`).join(', '),
          grouped(codeSize(path)),
          `${codeFiles(path).length}${folder === taskFolder ? ', main and post-job' : ''}`,
        ],
      ];
    }),
  };
}

function medianOf(figures: readonly (number | undefined)[]): string {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length > 0 ? whole(median(known)) : '–';
}

function whole(figure: number): string {
  return figure.toFixed(0);
}

function grouped(figure: number): string {
  return figure.toLocaleString('en-US');
}

export function asMarkdown({ heads, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    line(heads.map((_, column) => (column === 0 ? '---' : '--:'))),
    ...rows.map(line),
  ].join('\n');
}

export function asText({ heads, rows }: Table): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heads, ...rows]
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
