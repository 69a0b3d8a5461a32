import type { Verdict } from './goals.ts';
import type { Results } from './scenarios.ts';
import { asMarkdown, goalsTable, growthTable, scenarioTable, sizesTable } from './tables.ts';

export interface Findings {
  readonly results: Results;
  readonly verdicts: readonly Verdict[];
  readonly machine: readonly (readonly [name: string, value: string])[];
  readonly root: string;
  readonly seconds: number;
}

/**
 * The benchmark's page: the template's prose with the figures put where it names them, `{{goals}}` and the like.
 *
 * @throws when the template names figures that there are none of
 */
export function fillPage(template: string, { results, verdicts, machine, root, seconds }: Findings): string {
  const azureCli = results.of('azure-cli', 'azure-cli').length > 0;
  const parts: Readonly<Record<string, string>> = {
    date: new Date().toISOString().slice(0, 10),
    seconds: String(seconds),
    machine: machine.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    goals: asMarkdown(goalsTable(verdicts)),
    loopback: asMarkdown(scenarioTable(results, 'loopback')),
    realistic: asMarkdown(scenarioTable(results, 'realistic')),
    growth: asMarkdown(growthTable(results)),
    'azure-cli': azureCli
      ? `On loopback:\n\n${asMarkdown(scenarioTable(results, 'azure-cli'))}\n\nWith real delays:\n\n${asMarkdown(scenarioTable(results, 'azure-cli-realistic'))}`
      : 'Not measured in this run: there was no `az` on the machine.',
    sizes: asMarkdown(sizesTable(root)),
  };
  return template.replace(/<!--.*?-->\n*/su, '').replace(/\{\{([\w-]+)\}\}/gu, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`the template names {{${name}}}, which there is none of`);
    return part;
  });
}
