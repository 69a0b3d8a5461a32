import { nodeIsTooOld, oldNodeMessage } from './old-node.ts';
import { startFailure } from './start-failure.ts';

if (nodeIsTooOld()) {
  fail(oldNodeMessage());
} else {
  void Promise.all([import('../hosts/azure-pipelines.ts'), import('../step.ts')]).then(
    ([{ azurePipelines }, { runStep }]) => runStep(azurePipelines),
    (error) => fail(startFailure(error)),
  );
}

/** Without the task library. */
function fail(text: string): void {
  process.stdout.write(`##vso[task.logissue type=error]${text}\n##vso[task.complete result=Failed]${text}\n`);
}
