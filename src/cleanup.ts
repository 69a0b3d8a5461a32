import { endEndpoint } from './handover/endpoint-end.ts';
import { readRecords, removeDirectory } from './handover/removal.ts';
import type { Host } from './hosts/host.ts';
import { describeEndpointEnd, describeRemoval, unknownRecords } from './messages/cleanup.ts';

/**
 * The step's clean-up: removes what the step recorded before it wrote it, and says so. Never throws and never fails the
 * job; a second run finds nothing to do.
 *
 * @param recorded the saved state of the step
 */
export async function cleanUp(
  host: Pick<Host, 'temporaryFolder' | 'info' | 'warning'>,
  recorded: string,
): Promise<void> {
  const cleanup = readRecords(recorded);
  if (cleanup === undefined) {
    host.warning(unknownRecords);
    return;
  }
  for (const record of cleanup.records) {
    if (record.kind === 'endpoint') {
      const end = await endEndpoint(record, host.temporaryFolder(), !cleanup.finished);
      const text = describeEndpointEnd(end);
      if (end.kind === 'failed') host.warning(text);
      else host.info(text);
      continue;
    }
    // A step that has not ended may still be running, in a container that a cancel does not reach.
    const removal = removeDirectory(record.path, host.temporaryFolder(), !cleanup.finished);
    const text = describeRemoval(removal);
    if (removal.kind === 'removed' || removal.kind === 'absent') host.info(text);
    else host.warning(text);
  }
}
