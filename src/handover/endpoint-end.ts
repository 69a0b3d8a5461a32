import { lstatSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import { askOwnEndpoint, isOwnAddress } from '../endpoint/own-endpoint.ts';
import { HandoverError, systemWords } from './errors.ts';
import { isPrivateName, privatePath } from './private-directory.ts';
import type { EndpointRecord } from './removal.ts';

/** The end of the name of a marker. What is before it nobody can predict. */
const markerSuffix = '.endpoint';

/** The file while which exists an endpoint of this job may run. */
export function markerPath(temporaryFolder: string): string {
  return `${privatePath(temporaryFolder)}${markerSuffix}`;
}

/** @throws HandoverError if the system refuses, or a clean-up was there already */
export function writeMarker(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const detail = systemWords(error);
    throw new HandoverError({ kind: 'not-written', what: 'marker', path, detail }, { cause: error });
  }
}

/** What became of the endpoint that was to end. */
export type EndpointEnd =
  | { readonly kind: 'ended'; readonly address: string }
  /** It was never started, or it has ended already. */
  | { readonly kind: 'absent' }
  /** It did not answer. It ends by itself, because its marker is gone. */
  | { readonly kind: 'silent'; readonly address: string; readonly detail: string }
  | { readonly kind: 'failed'; readonly address: string; readonly marker: string; readonly detail: string };

/** Milliseconds. */
const patience = 3_000;

/**
 * Ends an endpoint, and makes sure that it cannot go on. Never throws. A second run finds nothing to do.
 *
 * @param block keeps a step that is still running from starting the endpoint after this
 */
export async function endEndpoint(
  { marker, at }: EndpointRecord,
  temporaryFolder: string,
  block: boolean,
): Promise<EndpointEnd> {
  const address = at && isOwnAddress(at.url) ? new URL(at.url).host : '';
  let words = '';
  let wasThere = false;
  if (at && address !== '') {
    try {
      const { status } = await askOwnEndpoint('DELETE', at.url, at.secret, patience);
      // Any other answer is of another program, which has the port now.
      wasThere = status === 204;
    } catch (error) {
      if (code(error) !== 'ECONNREFUSED') words = systemWords(error);
    }
  }
  try {
    removeMarker(marker, temporaryFolder, block);
  } catch (error) {
    if (!wasThere && words !== '') return { kind: 'failed', address, marker, detail: systemWords(error) };
  }
  if (wasThere) return { kind: 'ended', address };
  return words === '' ? { kind: 'absent' } : { kind: 'silent', address, detail: words };
}

/** Removes an empty file with our own kind of name, directly under the job's temporary folder and not a link. */
export function removeMarker(path: string, temporaryFolder: string, block = false): void {
  const name = basename(path);
  if (!name.endsWith(markerSuffix) || !isPrivateName(name.slice(0, -markerSuffix.length))) return;
  if (!isAbsolute(path) || !isAbsolute(temporaryFolder)) return;
  if (lstatSync(dirname(path), { throwIfNoEntry: false }) === undefined) return;
  if (realpathSync(dirname(path)) !== realpathSync(temporaryFolder)) return;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && (!stats.isFile() || stats.size > 0)) return;
  rmSync(path, { force: true });
  // A directory, which the endpoint does not take for its marker. The host empties the folder after the job.
  if (block) mkdirSync(path);
}

function code(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
