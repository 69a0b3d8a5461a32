import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from './certificates.ts';

export interface RunningAzurite {
  readonly port: number;
  /** `https://127.0.0.1:PORT/devstoreaccount1`, for a `BlobServiceClient`. */
  readonly blobUrl: string;
  stop(): Promise<void>;
}

/** Azurite's well-known account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const ACCOUNT = 'devstoreaccount1';

/**
 * Starts Azurite's blob service, a storage service that nobody here wrote, on a free loopback port. It takes tokens
 * (`--oauth basic`: issuer, audience and times, not the signature), which needs https.
 *
 * @param issue a certificate for these names, from the embedded Azure's authority
 */
export async function startAzurite(
  issue: (names: readonly string[]) => IssuedCertificate,
): Promise<RunningAzurite> {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-azurite-'));
  const certificate = issue(['localhost', '127.0.0.1', `${ACCOUNT}.blob.core.windows.net`]);
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, certificate.cert);
  await writeFile(keyFile, certificate.key, { mode: 0o600 });

  const child = spawn(
    process.execPath,
    [
      createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', '0'],
      '--inMemoryPersistence',
      ...['--oauth', 'basic', '--cert', certFile, '--key', keyFile],
      // It lags behind the API versions that SDKs send.
      '--skipApiVersionCheck',
      '--disableTelemetry',
      '--silent',
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: quietEnvironment() },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await portOf(child);
    return { port, blobUrl: `https://127.0.0.1:${port}/${ACCOUNT}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nothing of ours is Azurite's business, neither proxies nor Node options. */
function quietEnvironment(): Record<string, string> {
  const { PATH = '', HOME = tmpdir() } = process.env;
  return { PATH, HOME };
}

/** The port that Azurite says it listens on, once it does. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      said += chunk.toString('utf8');
      const port = /successfully listens on https:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`Azurite ended with ${code} before it listened:\n${said}`)),
    );
  });
}
