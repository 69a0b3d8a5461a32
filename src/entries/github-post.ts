import { privateDirectoryState } from '../handover/state.ts';
import { githubState } from '../hosts/saved-state.ts';

const recorded = githubState(privateDirectoryState);
if (recorded !== '') {
  void Promise.all([import('../hosts/github.ts'), import('../handover/clean-up.ts')]).then(
    ([{ github }, { cleanUp }]) => cleanUp(github, recorded),
  );
}
