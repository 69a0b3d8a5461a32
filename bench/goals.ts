import { join } from 'node:path';
import type { ContenderName } from './contenders.ts';
import { codeLimits, codeSize, requestsFor } from './limits.ts';
import { type Results, type ScenarioName, scenarios, scopeCounts } from './scenarios.ts';
import { type Ratio, ratioOf } from './statistics.ts';

/** What was measured, and whether that meets the goal. */
interface GoalOutcome {
  readonly measured: string;
  readonly outcome: string;
}

/** A goal and what was measured for it. */
export interface GoalResult extends GoalOutcome {
  readonly what: string;
  readonly goal: string;
  /** The same against the other bare script, because the choice of the floor matters. */
  readonly otherFloor?: GoalOutcome;
}

type Figure = 'wall' | 'peak';

/** A goal for the ratio of two medians of one run. */
interface RatioGoal {
  readonly what: string;
  readonly figure: Figure;
  readonly scenario: ScenarioName;
  readonly ours: ContenderName;
  readonly floor: ContenderName;
  readonly otherFloor?: ContenderName;
  readonly atMost: number;
  /** A better value that is not required. It is mentioned when it is reached. */
  readonly stretch?: number;
}

const step = { ours: 'action', floor: 'fetch', otherFloor: 'https' } as const;
const task24 = { ours: 'task-24', floor: 'task-fetch-24', otherFloor: 'task-https-24' } as const;
const task20 = { ours: 'task-20', floor: 'task-fetch-20', otherFloor: 'task-https-20' } as const;
const loopback = { figure: 'wall', scenario: 'loopback', atMost: 2, stretch: 1.5 } as const;
const realistic = { figure: 'wall', scenario: 'realistic', atMost: 1.3, stretch: 1.15 } as const;
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

export function checkGoals(results: Results, root: string): readonly GoalResult[] {
  return [
    requestResult(results),
    ...ratioGoals.slice(0, 9).map((goal) => ratioResult(results, goal)),
    ...(['action', 'task-24'] as const).map((name) => growthResult(results, name)),
    ...ratioGoals.slice(9).map((goal) => ratioResult(results, goal)),
    azureCliResult(results),
    ...codeLimits.map(({ folder, bytes }) => sizeResult(folder, codeSize(join(root, folder)), bytes)),
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

function ratioResult(results: Results, goal: RatioGoal): GoalResult {
  const { figure, scenario, atMost, stretch } = goal;
  const isIdle = goal.ours.includes('post');
  const against = (name: ContenderName): Ratio | undefined =>
    comparison(
      values(results, figure, scenario, goal.ours, isIdle ? 0 : 1),
      values(results, figure, scenario, name, isIdle ? 0 : 1),
    );
  const check = (ratio: Ratio | undefined): GoalOutcome => checkLimit(ratio, atMost, stretch);
  return {
    what: goal.what,
    goal: `≤ ${atMost} ×`,
    ...check(against(goal.floor)),
    ...(goal.otherFloor && { otherFloor: check(against(goal.otherFloor)) }),
  };
}

function comparison(ours: readonly number[], theirs: readonly number[]): Ratio | undefined {
  return ours.length > 0 && theirs.length > 0 ? ratioOf(ours, theirs) : undefined;
}

function withInterval(ratio: Ratio): string {
  return `${digits(ratio.value)} × (${digits(ratio.low)}–${digits(ratio.high)})`;
}

function checkLimit(ratio: Ratio | undefined, limit: number, stretch?: number): GoalOutcome {
  if (ratio === undefined) return { measured: '–', outcome: 'not measured' };
  const { value } = ratio;
  const measured = withInterval(ratio);
  if (stretch !== undefined && value <= stretch) return { measured, outcome: `met, also ${stretch}` };
  return { measured, outcome: value <= limit ? 'met' : `missed by ${digits(value - limit)}` };
}

function growthResult(results: Results, name: 'action' | 'task-24'): GoalResult {
  const most = Math.max(...scopeCounts);
  const of = (scopes: number): readonly number[] => values(results, 'wall', 'growth', name, scopes);
  return {
    what: `${most} scopes compared with one, ${name === 'action' ? 'action' : 'task on Node 24'}`,
    goal: `≤ ${growthLimit} ×`,
    ...checkLimit(comparison(of(most), of(1)), growthLimit),
  };
}

/** Checks every run of the action, the command and the task, in all scenarios. */
function requestResult(results: Results): GoalResult {
  const runs = scenarios.flatMap(({ name: scenario, contenders }) =>
    contenders
      .filter(({ name }) => /^(?:action|command-|task-2[04]$)/u.test(name))
      .flatMap(({ name, scopes }) =>
        results.of(scenario, name, scopes).map(({ requests }) => ({ scopes, requests })),
      ),
  );
  const excess = Math.max(...runs.map(({ scopes, requests }) => requests - requestsFor(scopes)));
  const counted = [...new Set(runs.map(({ scopes, requests }) => `${requests} for ${scopes}`))];
  return {
    what: 'requests, action, command and task',
    goal: '1 + scopes',
    measured: counted.join(', '),
    outcome: excess <= 0 ? `met in all ${runs.length} runs` : `missed by ${excess}`,
  };
}

function azureCliResult(results: Results): GoalResult {
  const of = (name: ContenderName): readonly number[] => values(results, 'wall', 'azure-cli', name);
  const ratio = comparison(of('azure-cli'), of('action'));
  return {
    what: 'compared with the Azure CLI recipe, loopback',
    goal: `≥ ${azureCliFactor} × faster`,
    measured: ratio === undefined ? '–' : withInterval(ratio),
    outcome:
      ratio === undefined
        ? 'not measured: no Azure CLI'
        : ratio.value >= azureCliFactor
          ? 'met'
          : `missed by ${digits(azureCliFactor - ratio.value)}`,
  };
}

function sizeResult(folder: string, size: number, limit: number): GoalResult {
  const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} KB`;
  return {
    what: `code in ${folder}`,
    goal: `≤ ${kilobytes(limit)}`,
    measured: kilobytes(size),
    outcome: size <= limit ? 'met' : `missed by ${kilobytes(size - limit)}`,
  };
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
