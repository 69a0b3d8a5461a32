import type { GoalResult } from './goals.ts';
import type { Results } from './scenarios.ts';
import { asMarkdown, goalsTable, growthTable, scenarioTable, sizesTable } from './tables.ts';

export interface PageContent {
  readonly results: Results;
  readonly goals: readonly GoalResult[];
  readonly machine: readonly (readonly [name: string, value: string])[];
  readonly root: string;
  readonly seconds: number;
}

/**
 * The benchmark's page: the template, with the figures in place of names such as `{{goals}}`.
 *
 * @throws when the template has an unknown name
 */
export function fillPage(template: string, { results, goals, machine, root, seconds }: PageContent): string {
  const azureCli = results.of('azure-cli', 'azure-cli').length > 0;
  const parts: Readonly<Record<string, string>> = {
    date: new Date().toISOString().slice(0, 10),
    seconds: String(seconds),
    machine: machine.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    goals: asMarkdown(goalsTable(goals)),
    loopback: asMarkdown(scenarioTable(results, 'loopback')),
    realistic: asMarkdown(scenarioTable(results, 'realistic')),
    growth: asMarkdown(growthTable(results)),
    'azure-cli': azureCli
      ? `On loopback:\n\n${asMarkdown(scenarioTable(results, 'azure-cli'))}\n\nWith real delays:\n\n${asMarkdown(scenarioTable(results, 'azure-cli-realistic'))}`
      : 'Not measured in this run, because the machine had no Azure CLI.',
    sizes: asMarkdown(sizesTable(root)),
  };
  return template.replace(/<!--.*?-->\n*/su, '').replace(/\{\{([\w-]+)\}\}/gu, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`benchmarks.template.md has the unknown name {{${name}}}`);
    return part;
  });
}
