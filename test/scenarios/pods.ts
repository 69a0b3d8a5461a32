import { execFileSync, spawn } from 'node:child_process';
import {
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceAccountTokenRequest } from '../../emulator/cluster-issuer.ts';
import { clientIds, runnerServiceAccount, tenantIds } from '../../emulator/default-world.ts';
import type { Emulator } from '../../emulator/emulator.ts';
import type { Inputs } from './hosts-under-test.ts';

/** A pod's folder with its projected token, which the kubelet replaces as a whole. */
export interface ProjectedToken extends Disposable {
  readonly folder: string;
  readonly path: string;
  /** Inputs of a step that presents this token. */
  readonly inputs: Inputs;
  /** Replaces the token as the kubelet does: a new folder, then a link to it, renamed over the old link. */
  project(token: string): void;
}

/**
 * A pipe that nobody writes to. Who waits for its writer is let go after a while, so that it fails its own test and does
 * not hold the whole run. The file `PATH.let-go` then shows that somebody waited.
 */
export function makePipe(path: string): void {
  execFileSync('mkfifo', [path]);
  const letGo = 'sleep 5; if [ -p "$0" ]; then : > "$0.let-go"; exec 3<>"$0"; fi';
  spawn('sh', ['-c', letGo, path], { stdio: 'ignore', detached: true }).unref();
}

/** A file that no memory can hold. It takes no space on the disk. */
export function makeHugeFile(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 64 * 1024 ** 3);
}

/** `request`: what differs from the token of the service account that the app trusts. */
export const podToken = (
  { cluster }: Emulator,
  request: Partial<ServiceAccountTokenRequest> = {},
): Promise<string> => cluster.token({ ...runnerServiceAccount, ...request });

export async function projectedToken(
  azure: Emulator,
  request: Partial<ServiceAccountTokenRequest> = {},
): Promise<ProjectedToken> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pod-')));
  const path = join(folder, 'azure-identity-token');
  let count = 0;
  const project = (token: string): void => {
    count += 1;
    const version = mkdtempSync(join(folder, '..version-'));
    writeFileSync(join(version, 'azure-identity-token'), token, { mode: 0o644 });
    symlinkSync(version, join(folder, `..data-${count}`));
    renameSync(join(folder, `..data-${count}`), join(folder, '..data'));
    if (count === 1) symlinkSync(join('..data', 'azure-identity-token'), path);
  };
  project(await podToken(azure, request));
  return {
    folder,
    path,
    project,
    inputs: {
      'client-id': clientIds.podDeployer,
      'tenant-id': tenantIds.contoso,
      'federated-token-file': path,
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
