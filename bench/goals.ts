import { join } from 'node:path';
import type { ContenderName } from './contenders.ts';
import { type Ratio, ratioOf } from './figures.ts';
import { codeLimits, codeSize, requestsFor } from './limits.ts';
import { type Results, type ScenarioName, scenarios, scopeCounts } from './scenarios.ts';

/** What was measured, and `met` or by how much it is missed. */
interface Judged {
  readonly measured: string;
  readonly verdict: string;
}

/** A goal and what was measured of it. */
export interface Verdict extends Judged {
  readonly what: string;
  readonly goal: string;
  /** The same with the other bare script as the floor, so that the choice of floor is open to see. */
  readonly otherFloor?: Judged;
}

type Figure = 'wall' | 'peak';

/** A goal that is a ratio of two medians of one run. */
interface RatioGoal {
  readonly what: string;
  readonly figure: Figure;
  readonly scenario: ScenarioName;
  readonly ours: ContenderName;
  readonly floor: ContenderName;
  readonly otherFloor?: ContenderName;
  readonly atMost: number;
  /** Not demanded; said when reached. */
  readonly dream?: number;
}

const step = { ours: 'action', floor: 'fetch', otherFloor: 'https' } as const;
const task24 = { ours: 'task-24', floor: 'task-fetch-24', otherFloor: 'task-https-24' } as const;
const task20 = { ours: 'task-20', floor: 'task-fetch-20', otherFloor: 'task-https-20' } as const;
const loopback = { figure: 'wall', scenario: 'loopback', atMost: 2, dream: 1.5 } as const;
const realistic = { figure: 'wall', scenario: 'realistic', atMost: 1.3, dream: 1.15 } as const;
const memory = { figure: 'peak', scenario: 'loopback', atMost: 1.3 } as const;
const idle = { figure: 'wall', scenario: 'loopback', atMost: 1.3 } as const;

const ratioGoals: readonly RatioGoal[] = [
  { what: 'action, loopback', ...loopback, ...step },
  { what: 'action, real delays', ...realistic, ...step },
  { what: 'task on Node 24, loopback', ...loopback, ...task24 },
  { what: 'task on Node 24, real delays', ...realistic, ...task24 },
  { what: 'task on Node 20, loopback', ...loopback, ...task20 },
  { what: 'task on Node 20, real delays', ...realistic, ...task20 },
  { what: 'peak memory, action', ...memory, ...step },
  { what: 'peak memory, task on Node 24', ...memory, ...task24 },
  { what: 'peak memory, task on Node 20', ...memory, ...task20 },
  { what: 'post step, nothing to do', ...idle, ours: 'post', floor: 'empty' },
  { what: 'post-job on Node 24, nothing to do', ...idle, ours: 'task-post-24', floor: 'task-empty-24' },
  { what: 'post-job on Node 20, nothing to do', ...idle, ours: 'task-post-20', floor: 'task-empty-20' },
];

const growthLimit = 1.3;
const azureCliFactor = 30;

export function judgeGoals(results: Results, root: string): readonly Verdict[] {
  return [
    requestGoal(results),
    ...ratioGoals.slice(0, 9).map((goal) => judgeRatio(results, goal)),
    ...(['action', 'task-24'] as const).map((name) => growthGoal(results, name)),
    ...ratioGoals.slice(9).map((goal) => judgeRatio(results, goal)),
    azureCliGoal(results),
    ...codeLimits.map(({ folder, bytes }) => sizeGoal(folder, codeSize(join(root, folder)), bytes)),
  ];
}

function values(
  results: Results,
  figure: Figure,
  scenario: ScenarioName,
  name: ContenderName,
  scopes?: number,
): readonly number[] {
  return results.of(scenario, name, scopes).flatMap((measurement) => measurement[figure] ?? []);
}

function judgeRatio(results: Results, goal: RatioGoal): Verdict {
  const { figure, scenario, atMost, dream } = goal;
  const isIdle = goal.ours.includes('post');
  const against = (name: ContenderName): Ratio | undefined =>
    comparison(
      values(results, figure, scenario, goal.ours, isIdle ? 0 : 1),
      values(results, figure, scenario, name, isIdle ? 0 : 1),
    );
  const judge = (ratio: Ratio | undefined): Judged => atMostVerdict(ratio, atMost, dream);
  return {
    what: goal.what,
    goal: `≤ ${atMost} ×`,
    ...judge(against(goal.floor)),
    ...(goal.otherFloor && { otherFloor: judge(against(goal.otherFloor)) }),
  };
}

function comparison(ours: readonly number[], theirs: readonly number[]): Ratio | undefined {
  return ours.length > 0 && theirs.length > 0 ? ratioOf(ours, theirs) : undefined;
}

/** A ratio with the range of 95 of 100 repetitions. */
function words(ratio: Ratio): string {
  return `${digits(ratio.value)} × (${digits(ratio.low)}–${digits(ratio.high)})`;
}

function atMostVerdict(ratio: Ratio | undefined, limit: number, dream?: number): Judged {
  if (ratio === undefined) return { measured: '–', verdict: 'not measured here' };
  const { value } = ratio;
  const measured = words(ratio);
  if (dream !== undefined && value <= dream) return { measured, verdict: `met, and the dream of ${dream}` };
  return { measured, verdict: value <= limit ? 'met' : `missed by ${digits(value - limit)}` };
}

function growthGoal(results: Results, name: 'action' | 'task-24'): Verdict {
  const most = Math.max(...scopeCounts);
  const of = (scopes: number): readonly number[] => values(results, 'wall', 'growth', name, scopes);
  return {
    what: `${most} scopes against one, ${name === 'action' ? 'action' : 'task on Node 24'}`,
    goal: `≤ ${growthLimit} ×`,
    ...atMostVerdict(comparison(of(most), of(1)), growthLimit),
  };
}

/** In every run of ours that was measured, whatever the scenario. */
function requestGoal(results: Results): Verdict {
  const runs = scenarios.flatMap(({ name: scenario, contenders }) =>
    contenders
      .filter(({ name }) => name === 'action' || name === 'task-24' || name === 'task-20')
      .flatMap(({ name, scopes }) =>
        results.of(scenario, name, scopes).map(({ requests }) => ({ scopes, requests })),
      ),
  );
  const excess = Math.max(...runs.map(({ scopes, requests }) => requests - requestsFor(scopes)));
  const counted = [...new Set(runs.map(({ scopes, requests }) => `${requests} for ${scopes}`))];
  return {
    what: 'requests, action and task',
    goal: '1 + scopes',
    measured: counted.join(', '),
    verdict: excess <= 0 ? `met in all ${runs.length} runs` : `missed by ${excess}`,
  };
}

function azureCliGoal(results: Results): Verdict {
  const of = (name: ContenderName): readonly number[] => values(results, 'wall', 'azure-cli', name);
  const ratio = comparison(of('azure-cli'), of('action'));
  return {
    what: 'against the Azure CLI recipe, loopback',
    goal: `≥ ${azureCliFactor} × faster`,
    measured: ratio === undefined ? '–' : words(ratio),
    verdict:
      ratio === undefined
        ? 'not measured: no az here'
        : ratio.value >= azureCliFactor
          ? 'met'
          : `missed by ${digits(azureCliFactor - ratio.value)}`,
  };
}

function sizeGoal(folder: string, size: number, limit: number): Verdict {
  const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} KB`;
  return {
    what: `code in ${folder}`,
    goal: `≤ ${kilobytes(limit)}`,
    measured: kilobytes(size),
    verdict: size <= limit ? 'met' : `missed by ${kilobytes(size - limit)}`,
  };
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
