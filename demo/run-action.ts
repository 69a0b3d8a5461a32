/**
 * `npm run emulator -- --run`: runs the built action once, as GitHub's runner does, and shows its log and the names of
 * what it hands over. Reads `{inputs, environment}` as JSON from its standard input.
 */
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { nodeOrOwn } from '../test/harness/nodes.ts';
import { RunnerJob } from '../test/harness/runner.ts';
import { builtBundles } from './bundles.ts';

interface Wanted {
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
if (builtBundles(root).action === 'changed') {
  process.stderr.write('The sources have changed since dist/ was built. To run them: npm run build\n');
}
const { inputs, environment } = JSON.parse(await text(process.stdin)) as Wanted;
const job = new RunnerJob({
  actionDirectory: root,
  uses: 'entra-app-token',
  environment,
  node: nodeOrOwn(24).path,
});
try {
  const { conclusion, outputs, exported } = await job.step({ inputs });
  await job.post();
  const names = (values: Readonly<Record<string, string>>): string =>
    Object.keys(values).join(', ') || 'none';
  process.stdout.write(
    [
      job.displayed,
      '',
      `Result: ${conclusion}`,
      `Outputs: ${names(outputs)}`,
      `Variables of later steps: ${names(exported)}`,
      '',
    ].join('\n'),
  );
  process.exitCode = conclusion === 'success' ? 0 : 1;
} finally {
  job.close();
}
