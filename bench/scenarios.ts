import type { Azure, Delays } from './azure-process.ts';
import { type Contender, type ContenderName, type Field, titles } from './contenders.ts';
import type { Cost, Launcher } from './launcher.ts';

/** A set of contenders measured side by side under the same conditions. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly delays: Delays;
  readonly contenders: readonly { readonly name: ContenderName; readonly scopes: number }[];
  /** After one more that is not counted. */
  readonly rounds: number;
  /** The same in a run that is only to show that all works. */
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
  // First, so that a CLI that does not work here is known at once.
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

/** What was measured; empty for whoever could not take part. */
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
 * Measures in rounds: everybody once, then everybody again, each round begun by another one, so that whatever
 * happens to the machine meanwhile happens to all of them. The first round warms up and is not counted.
 *
 * @throws when a run does not do what it was to do
 */
export async function runScenario(
  scenario: Scenario,
  rounds: number,
  field: Field,
  azure: Azure,
  launcher: Launcher,
  results: Results,
): Promise<void> {
  const contenders = scenario.contenders.flatMap(({ name, scopes }) => field(name, scopes) ?? []);
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
