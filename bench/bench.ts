/**
 * `npm run bench`: this action and this task beside what else does the same, as whole processes measured from
 * outside. Writes `docs/benchmarks.md` and its chart; with `--quick` it runs less and writes nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAzure } from './azure-process.ts';
import { drawChart } from './chart.ts';
import { findAzureCli, installField } from './field.ts';
import { judgeGoals } from './goals.ts';
import { startLauncher } from './launcher.ts';
import { describeMachine } from './machine.ts';
import { fillPage } from './page.ts';
import { Results, runScenario, scenarios } from './scenarios.ts';
import { asText, goalsTable, growthTable, scenarioTable, sizesTable } from './tables.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const quick = process.argv.includes('--quick');

const began = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const az = findAzureCli();
const azure = await startAzure();
const launcher = await startLauncher(root, folder);
const results = new Results();
try {
  const field = await installField(root, folder, azure.addresses, az);
  const machine = describeMachine(field.nodeVersions, az);
  for (const scenario of scenarios) {
    process.stderr.write(`measuring: ${scenario.name}\n`);
    const rounds = quick ? scenario.quickRounds : scenario.rounds;
    await runScenario(scenario, rounds, field.contender, azure, launcher, results);
  }
  field.remove();

  const verdicts = judgeGoals(results, root);
  console.log(machine.map(([name, value]) => `${name}: ${value}`).join('\n'));
  for (const { name } of scenarios) {
    const table = name === 'growth' ? growthTable(results) : scenarioTable(results, name);
    console.log(`\n${name}\n${asText(table)}`);
  }
  console.log(`\nsizes\n${asText(sizesTable(root))}`);
  console.log(`\ngoals\n${asText(goalsTable(verdicts))}`);
  if (!launcher.measuresMemory) console.log('\nMemory was not measured: there is no python3 here.');

  const seconds = Math.round((performance.now() - began) / 1000);
  if (quick) {
    console.log(`\n${seconds} seconds. A quick run writes nothing.`);
  } else {
    const template = readFileSync(join(root, 'bench', 'benchmarks.template.md'), 'utf8');
    writeFileSync(
      join(root, 'docs', 'benchmarks.md'),
      fillPage(template, { results, verdicts, machine, root, seconds }),
    );
    writeFileSync(join(root, 'docs', 'benchmarks.svg'), drawChart(results));
    console.log(`\n${seconds} seconds. Written: docs/benchmarks.md, docs/benchmarks.svg`);
  }
} finally {
  launcher.close();
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
}
