import { azurePipelinesState, cleanupState } from '../hosts/saved-state.ts';
import { nodeIsTooOld } from './old-node.ts';
import { startFailure } from './start-failure.ts';

const recorded = azurePipelinesState(cleanupState);
if (recorded !== '' && !nodeIsTooOld()) {
  void Promise.all([import('../hosts/azure-pipelines.ts'), import('../cleanup.ts')]).then(
    ([{ azurePipelines }, { cleanUp }]) => cleanUp(azurePipelines, recorded),
    (error) => process.stdout.write(`##vso[task.logissue type=warning]${startFailure(error)}\n`),
  );
}
