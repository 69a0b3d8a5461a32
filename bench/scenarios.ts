import type { Azure, Delays } from './azure-process.ts';
import { type Contender, type ContenderName, type FindContender, titles } from './contenders.ts';
import type { Cost, Launcher } from './launcher.ts';

/** Contenders that are measured together under the same conditions. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly delays: Delays;
  readonly contenders: readonly { readonly name: ContenderName; readonly scopes: number }[];
  /** One more round runs before them and does not count. */
  readonly rounds: number;
  /** The rounds with `--quick`. */
  readonly quickRounds: number;
}

export type ScenarioName = 'loopback' | 'realistic' | 'growth' | 'azure-cli' | 'azure-cli-realistic';

export const realistic: Delays = { identity: 20, entra: 150 };
const none: Delays = { identity: 0, entra: 0 };

export const scopeCounts = [1, 2, 5, 10, 20] as const;

const oneScope = (...names: readonly ContenderName[]): Scenario['contenders'] =>
  names.map((name) => ({ name, scopes: 1 }));

const steps = oneScope(
  'action',
  'fetch',
  'https',
  'identity',
  'identity-public',
  'command-24',
  'command-20',
  'task-24',
  'task-fetch-24',
  'task-https-24',
  'task-20',
  'task-fetch-20',
  'task-https-20',
);
const idle: Scenario['contenders'] = (
  ['post', 'empty', 'task-post-24', 'task-empty-24', 'task-post-20', 'task-empty-20'] as const
).map((name) => ({ name, scopes: 0 }));

export const scenarios: readonly Scenario[] = [
  // First, so that an Azure CLI that does not work ends the benchmark at once.
  {
    name: 'azure-cli',
    delays: none,
    contenders: oneScope('action', 'azure-cli'),
    rounds: 5,
    quickRounds: 1,
  },
  {
    name: 'azure-cli-realistic',
    delays: realistic,
    contenders: oneScope('action', 'azure-cli'),
    rounds: 3,
    quickRounds: 1,
  },
  { name: 'loopback', delays: none, contenders: [...steps, ...idle], rounds: 50, quickRounds: 5 },
  { name: 'realistic', delays: realistic, contenders: steps, rounds: 20, quickRounds: 3 },
  {
    name: 'growth',
    delays: realistic,
    contenders: scopeCounts.flatMap((scopes) =>
      (['action', 'task-24', 'fetch', 'https', 'identity-public'] as const).map((name) => ({ name, scopes })),
    ),
    rounds: 8,
    quickRounds: 2,
  },
];

export interface Measurement extends Cost {
  readonly requests: number;
}

/** All measurements. A contender that this machine cannot run has none. */
export class Results {
  readonly #measurements = new Map<string, Measurement[]>();

  add(scenario: ScenarioName, { name, scopes }: Contender, measurement: Measurement): void {
    const key = `${scenario} ${name} ${scopes}`;
    this.#measurements.set(key, [...(this.#measurements.get(key) ?? []), measurement]);
  }

  of(scenario: ScenarioName, name: ContenderName, scopes = 1): readonly Measurement[] {
    return this.#measurements.get(`${scenario} ${name} ${scopes}`) ?? [];
  }
}

/**
 * Measures in rounds. Every round runs each contender once and starts with another one, so that a busy moment of the
 * machine affects all of them. The first round is for warming up and does not count.
 *
 * @throws when a run does not do its work
 */
export async function runScenario(
  scenario: Scenario,
  rounds: number,
  find: FindContender,
  azure: Azure,
  launcher: Launcher,
  results: Results,
): Promise<void> {
  const contenders = scenario.contenders.flatMap(({ name, scopes }) => find(name, scopes) ?? []);
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      contender.before?.();
      await azure.begin(scenario.delays);
      const run = await launcher.run(contender.launch);
      const requests = await azure.requests();
      if (!contender.succeeded(run)) {
        throw new Error(
          `${titles[contender.name]} failed (exit ${run.code}):\n${run.stdout.slice(-2000)}\n${run.stderr.slice(-2000)}`,
        );
      }
      if (round > 0) results.add(scenario.name, contender, { ...run.cost, requests });
    }
  }
}
