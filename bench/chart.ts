import type { ContenderName } from './contenders.ts';
import { type Results, realistic, type ScenarioName, scopeCounts } from './scenarios.ts';
import { median } from './statistics.ts';

/**
 * The chart for docs/benchmarks.md. It has its own background and follows the reader's light or dark setting. It is
 * readable without that setting too, and on a phone, which shows it at half of its width. It uses only fonts of the system.
 */
export function drawChart(results: Results): string {
  const bars = [
    barPanel('One step with real delays, one scope: milliseconds', results, 'wall', {
      at: realistic.identity + realistic.entra,
      label: 'waiting for the two answers',
    }),
    barPanel('Peak memory: MiB', results, 'peak'),
    linePanel('Milliseconds for 1 to 20 scopes with real delays', results),
  ].filter((panel) => panel !== undefined);
  let top = margin;
  const placed = bars.map(({ height, body }) => {
    const group = `<g transform="translate(${margin} ${top})">${body}</g>`;
    top += height + 26;
    return group;
  });
  const height = top - 26 + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}" rx="8"/>
${placed.join('\n')}
</svg>
`;
}

const label =
  'Wall time and peak memory of this action and task, of bare scripts, of @azure/identity and of the Azure CLI';
const width = 600;
const margin = 24;
const inner = width - 2 * margin;
const style = `
text { font: 16px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.head { font-weight: 600; font-size: 17px; }
.faint { fill: #59636e; font-size: 15px; }
.ground { fill: #ffffff; stroke: #d1d9e0; }
.ours { fill: #0969da; stroke: #0969da; }
.other { fill: #afb8c1; stroke: #818b98; }
rect.ours, rect.other { stroke: none; }
path { fill: none; stroke-width: 2; }
path.ours, path.other { fill: none; }
.mark { stroke: #1f2328; stroke-width: 1; stroke-dasharray: 3 3; }
.axis { stroke: #d1d9e0; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .faint { fill: #9198a1; }
  .ground { fill: #0d1117; stroke: #3d444d; }
  .ours { fill: #4493f8; stroke: #4493f8; }
  .other { fill: #656c76; stroke: #9198a1; }
  rect.ours, rect.other { stroke: none; }
  path.ours, path.other { fill: none; }
  .mark { stroke: #d1d9e0; }
  .axis { stroke: #3d444d; }
}
`;

interface Panel {
  readonly height: number;
  readonly body: string;
}

interface Row {
  readonly name: ContenderName;
  readonly title: string;
  readonly ours: boolean;
}

const rows: readonly Row[] = [
  { name: 'https', title: 'bare script, node:https', ours: false },
  { name: 'fetch', title: 'bare script, fetch', ours: false },
  { name: 'action', title: 'this action', ours: true },
  { name: 'task-24', title: 'this task, Node 24', ours: true },
  { name: 'task-20', title: 'this task, Node 20', ours: true },
  { name: 'identity-public', title: '@azure/identity script', ours: false },
  { name: 'azure-cli', title: 'Azure CLI recipe', ours: false },
];

function middle(
  results: Results,
  figure: 'wall' | 'peak',
  scenario: ScenarioName,
  name: ContenderName,
  scopes = 1,
): number | undefined {
  const values = results.of(scenario, name, scopes).flatMap((measurement) => measurement[figure] ?? []);
  return values.length > 0 ? median(values) : undefined;
}

/** Bars on one linear scale from zero, with a dashed line at the time that no program can avoid. */
function barPanel(
  title: string,
  results: Results,
  figure: 'wall' | 'peak',
  mark?: { readonly at: number; readonly label: string },
): Panel | undefined {
  const measured = rows.flatMap((row) => {
    const scenario = row.name === 'azure-cli' ? 'azure-cli-realistic' : 'realistic';
    const value = middle(results, figure, scenario, row.name);
    return value === undefined ? [] : [{ ...row, value }];
  });
  if (measured.length === 0) return undefined;
  const left = 194;
  const step = 30;
  const scale = (inner - left - 54) / Math.max(...measured.map(({ value }) => value));
  const bottom = 30 + measured.length * step;
  const bars = measured.map(({ title: name, ours, value }, index) => {
    const y = 30 + index * step;
    const length = value * scale;
    return (
      text(0, y + 16, name) +
      `<rect class="${ours ? 'ours' : 'other'}" x="${left}" y="${y}" width="${round(length)}" height="21" rx="2"/>` +
      text(left + length + 8, y + 16, value.toFixed(0))
    );
  });
  const line = mark && left + mark.at * scale;
  const marked =
    mark === undefined || line === undefined
      ? ''
      : `<line class="mark" x1="${round(line)}" x2="${round(line)}" y1="24" y2="${bottom}"/>${text(line, bottom + 16, `${mark.at} ms: ${mark.label}`, 'faint')}`;
  return {
    height: bottom + (mark ? 22 : 0),
    body: text(0, 12, title, 'head') + bars.join('') + marked,
  };
}

/** Time by number of scopes, from zero. The task is left out: its line covers the action's. */
function linePanel(title: string, results: Results): Panel | undefined {
  const lines = rows
    .filter(({ name }) => !name.startsWith('task'))
    .flatMap(({ name, title: caption, ours }) => {
      const points = scopeCounts.flatMap((scopes) => {
        const value = middle(results, 'wall', 'growth', name, scopes);
        return value === undefined ? [] : [{ scopes, value }];
      });
      const last = points.at(-1);
      return last === undefined ? [] : [{ caption, ours, points, last }];
    });
  if (lines.length === 0) return undefined;
  const [left, top, bottom, right] = [40, 32, 232, inner - 236];
  const most = Math.ceil(Math.max(...lines.flatMap(({ points }) => points.map((p) => p.value))) / 100) * 100;
  const x = (scopes: number): number => left + ((right - left) * scopes) / Math.max(...scopeCounts);
  const y = (value: number): number => bottom - ((bottom - top) * value) / most;
  const grid = Array.from({ length: most / 100 + 1 }, (_, index) => index * 100).map(
    (value) =>
      `<line class="axis" x1="${left}" x2="${right}" y1="${round(y(value))}" y2="${round(y(value))}"/>` +
      `<text class="faint" text-anchor="end" x="${left - 6}" y="${round(y(value) + 5)}">${value}</text>`,
  );
  const ticks = scopeCounts.map(
    (scopes) =>
      `<text class="faint" text-anchor="middle" x="${round(x(scopes))}" y="${bottom + 20}">${scopes}</text>`,
  );
  // Captions at the ends of the lines, moved apart where the ends are close together.
  let lowest = Number.NEGATIVE_INFINITY;
  const captions = [...lines]
    .sort((one, other) => other.last.value - one.last.value)
    .map(({ caption, ours, last }) => {
      lowest = Math.max(y(last.value) + 5, lowest + 21);
      return text(right + 10, lowest, `${last.value.toFixed(0)}  ${caption}`, ours ? 'head' : '');
    });
  const paths = lines.map(
    ({ ours, points }) =>
      `<path class="${ours ? 'ours' : 'other'}" d="M${points.map((p) => `${round(x(p.scopes))} ${round(y(p.value))}`).join('L')}"/>`,
  );
  return {
    height: bottom + 24,
    body: text(0, 12, title, 'head') + [...grid, ...ticks, ...paths, ...captions].join(''),
  };
}

function text(x: number, y: number, words: string, style = ''): string {
  return `<text${style === '' ? '' : ` class="${style}"`} x="${round(x)}" y="${round(y)}">${words}</text>`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
