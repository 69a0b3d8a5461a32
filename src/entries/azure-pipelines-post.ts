import { privateDirectoryState } from '../handover/state.ts';
import { azurePipelinesState } from '../hosts/saved-state.ts';

const recorded = azurePipelinesState(privateDirectoryState);
if (recorded !== '') {
  void Promise.all([import('../hosts/azure-pipelines.ts'), import('../handover/clean-up.ts')]).then(
    ([{ azurePipelines }, { cleanUp }]) => cleanUp(azurePipelines, recorded),
  );
}
