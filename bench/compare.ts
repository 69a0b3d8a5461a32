/**
 * `npm run bench:compare -- FOLDER`: measures what a change gains. Runs the action of this checkout and the action of
 * another one in turn, with one scope. The other checkout must be built.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeOrOwn } from '../test/harness/nodes.ts';
import { type Azure, type Delays, startAzure } from './azure-process.ts';
import { type InstalledStep, installAction } from './hosts.ts';
import { type Launcher, startLauncher } from './launcher.ts';
import { realistic } from './scenarios.ts';
import { scopesFor } from './scopes.ts';
import { ratioOf, spreadOf } from './statistics.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [other] = process.argv.slice(2);
if (other === undefined)
  throw new Error('Usage: npm run bench:compare -- FOLDER, the folder of another checkout of this project');

const rounds = 40;
const scenarios: readonly (readonly [name: string, delays: Delays])[] = [
  ['loopback', { identity: 0, entra: 0 }],
  ['real delays', realistic],
];

const folder = mkdtempSync(join(tmpdir(), 'compare-'));
const azure = await startAzure();
const launcher = await startLauncher(root, folder);
try {
  const install = (from: string, name: string): Promise<InstalledStep> => {
    const home = join(folder, name);
    mkdirSync(home);
    return installAction(from, home, azure.addresses);
  };
  const steps = [await install(root, 'this'), await install(resolve(other), 'other')] as const;
  for (const [name, delays] of scenarios) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round <= rounds; round += 1) {
      for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const wall = await measure(steps[index], delays, azure, launcher);
        if (round > 0) times[index].push(wall);
      }
    }
    const [ours, theirs] = times.map((values) => spreadOf(values).median.toFixed(1));
    const { value, low, high } = ratioOf(times[0], times[1]);
    console.log(
      `${name}: this ${ours} ms, the other ${theirs} ms, ratio ${value.toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`,
    );
  }
  for (const step of steps) step.remove();
} finally {
  launcher.close();
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The wall time of one run, in milliseconds. */
async function measure(step: InstalledStep, delays: Delays, server: Azure, by: Launcher): Promise<number> {
  step.reset();
  await server.begin(delays);
  const run = await by.run({
    argv: [nodeOrOwn(24).path, step.main],
    environment: step.environment(scopesFor(1)),
    workingDirectory: step.workingDirectory,
  });
  if (run.code !== 0 || !step.handedOver(run)) throw new Error(`A run failed:\n${run.stdout.slice(-2000)}`);
  return run.cost.wall;
}
