import { readFileSync } from 'node:fs';

/**
 * Mutation tests, see docs/testing.md: Stryker changes one source file in one small way after the other, and reports the
 * changes that no test notices. `npm run mutate` runs it once for each file.
 *
 * test/mutated-files.json names the test files that must notice a change in a source file. They are few, because Jest
 * loads all of them for each change.
 */
const source = process.env['MUTATED_FILE'] ?? 'src/azure/clouds.ts';
const areas = JSON.parse(readFileSync('test/mutated-files.json', 'utf8'));
const tests = Object.values(areas).flatMap((files) => files[source] ?? []);
const results = `build/mutations/${source}`;

export default {
  plugins: ['@stryker-mutator/jest-runner'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: {
    configFile: 'jest.config.js',
    config: { testMatch: tests.map((name) => `<rootDir>/test/${name}.test.ts`) },
    enableFindRelatedTests: false,
  },
  mutate: [source],
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // A busy machine must not look like a noticed change.
  timeoutMS: 60_000,
  // Jest keeps the modules of each run in memory. A new process frees them.
  maxTestRunnerReuse: 50,
  // Stryker would not test the mutants of a table again after a test was added.
  incremental: false,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `${results}/report.json` },
  tempDirName: 'build/mutations/sandbox',
  // TypeScript 7 does not have the interface with which Stryker would rewrite tsconfig.json.
  ignorePatterns: ['ado-task/*/*.js', 'build', 'dist', 'docs', 'examples', 'infra', 'tsconfig.json'],
  disableTypeChecks: false,
  // Most mutants of a table are static: each needs all tests of its file, and they are few.
  warnings: { slow: false },
};
