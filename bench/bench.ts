/**
 * `npm run bench`: compares this action and this task with other programs that do the same. Each run is a whole process,
 * measured from outside. Writes `docs/benchmarks.md` and its chart. With `--quick` it runs less and writes nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAzure } from './azure-process.ts';
import { drawChart } from './chart.ts';
import { checkGoals } from './goals.ts';
import { findAzureCli, installContenders } from './install-contenders.ts';
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
  const contenders = await installContenders(root, folder, azure.addresses, az);
  const machine = describeMachine(contenders.nodeVersions, az);
  for (const scenario of scenarios) {
    process.stderr.write(`measuring: ${scenario.name}\n`);
    const rounds = quick ? scenario.quickRounds : scenario.rounds;
    await runScenario(scenario, rounds, contenders.find, azure, launcher, results);
  }
  contenders.remove();

  const goals = checkGoals(results, root);
  console.log(machine.map(([name, value]) => `${name}: ${value}`).join('\n'));
  for (const { name } of scenarios) {
    const table = name === 'growth' ? growthTable(results) : scenarioTable(results, name);
    console.log(`\n${name}\n${asText(table)}`);
  }
  console.log(`\nsizes\n${asText(sizesTable(root))}`);
  console.log(`\ngoals\n${asText(goalsTable(goals))}`);
  if (!launcher.measuresMemory)
    console.log('\nMemory was not measured, because this machine has no python3.');

  const seconds = Math.round((performance.now() - began) / 1000);
  if (quick) {
    console.log(`\n${seconds} seconds. A quick run writes nothing.`);
  } else {
    const template = readFileSync(join(root, 'bench', 'benchmarks.template.md'), 'utf8');
    writeFileSync(
      join(root, 'docs', 'benchmarks.md'),
      fillPage(template, { results, goals, machine, root, seconds }),
    );
    writeFileSync(join(root, 'docs', 'benchmarks.svg'), drawChart(results));
    console.log(`\n${seconds} seconds. Written: docs/benchmarks.md, docs/benchmarks.svg`);
  }
} finally {
  launcher.close();
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
}
