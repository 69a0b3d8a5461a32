/**
 * `npm run mutate -- [AREA or FILE]...`: mutation tests of the source files in test/mutated-files.json, or of those
 * areas or files only. Prints the changes that no test noticed and the score of each area.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

const lowest = 90;

/** Area → source file → the test files that must notice a change in it. */
const areas = JSON.parse(readFileSync('test/mutated-files.json', 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

/** The report's schema: https://github.com/stryker-mutator/mutation-testing-elements */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
}

const reportOf = (source: string): string => `build/mutations/${source}/report.json`;

function mutate(source: string): void {
  rmSync(reportOf(source), { force: true });
  const stryker = 'node_modules/@stryker-mutator/core/bin/stryker.js';
  spawnSync(process.execPath, [stryker, 'run', 'stryker.config.mjs'], {
    env: { ...process.env, MUTATED_FILE: source },
    stdio: 'inherit',
  });
}

function statuses(source: string): readonly string[] {
  const { files } = JSON.parse(readFileSync(reportOf(source), 'utf8')) as Report;
  return Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
}

const wanted = process.argv.slice(2);
const chosen = Object.entries(areas).flatMap(([area, files]) =>
  Object.keys(files)
    .filter((source) => wanted.length === 0 || wanted.includes(area) || wanted.includes(source))
    .map((source) => ({ area, source })),
);
for (const { source } of chosen) mutate(source);

process.stdout.write('\n| area | mutants | noticed | score |\n| --- | --- | --- | --- |\n');
for (const area of new Set(chosen.map((one) => one.area))) {
  const sources = chosen.filter((one) => one.area === area).map(({ source }) => source);
  const all = sources.filter((source) => existsSync(reportOf(source))).flatMap(statuses);
  const noticed = all.filter((status) => status === 'Killed' || status === 'Timeout').length;
  const missed = all.filter((status) => status === 'Survived' || status === 'NoCoverage').length;
  const score = (100 * noticed) / (noticed + missed);
  process.stdout.write(`| ${area} | ${noticed + missed} | ${noticed} | ${score.toFixed(1)} % |\n`);
  if (!(score >= lowest)) process.exitCode = 1;
}
const unreported = chosen.filter(({ source }) => !existsSync(reportOf(source)));
for (const { source } of unreported) process.stderr.write(`${source}: Stryker wrote no report.\n`);
if (chosen.length === 0 || unreported.length > 0) process.exitCode = 1;
