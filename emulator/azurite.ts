import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from './certificate-authority.ts';
import { blobHost } from './clouds.ts';
import { storageAccounts } from './default-world.ts';

export interface RunningAzurite {
  readonly port: number;
  /** `https://127.0.0.1:PORT/devstoreaccount1`, for a `BlobServiceClient`. */
  readonly blobUrl: string;
  /** The public blob host of each account, for `proxy.map`. */
  readonly hosts: readonly string[];
  stop(): Promise<void>;
}

/** Azurite's well-known account and its public key. All accounts have this key: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const WELL_KNOWN_ACCOUNT = 'devstoreaccount1';
export const WELL_KNOWN_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const ACCOUNTS = [WELL_KNOWN_ACCOUNT, ...storageAccounts];

/**
 * Starts Azurite's blob service on a loopback port. It has Azurite's well-known account and the storage accounts
 * of the default world. It accepts tokens (`--oauth basic`: Azurite checks issuer, audience and lifetime, but not the
 * signature), and therefore needs HTTPS.
 *
 * @param issue issues a certificate of the embedded Azure
 * @param wantedPort default: any free port
 */
export async function startAzurite(
  issue: (names: readonly string[]) => Promise<IssuedCertificate>,
  wantedPort = 0,
): Promise<RunningAzurite> {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-azurite-'));
  const hosts = ACCOUNTS.map((name) => blobHost('public', name));
  const certificate = await issue(['localhost', '127.0.0.1', ...hosts]);
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, certificate.cert);
  await writeFile(keyFile, certificate.key, { mode: 0o600 });

  const child = spawn(
    process.execPath,
    [
      ...STOPS_WITH_US,
      createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js'),
      '--blobHost',
      '127.0.0.1',
      '--blobPort',
      String(wantedPort),
      '--inMemoryPersistence',
      '--oauth',
      'basic',
      '--cert',
      certFile,
      '--key',
      keyFile,
      // SDKs send API versions that this Azurite does not know yet.
      '--skipApiVersionCheck',
      '--disableTelemetry',
      '--silent',
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: azuriteEnvironment() },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await portOf(child);
    return { port, blobUrl: `https://127.0.0.1:${port}/${WELL_KNOWN_ACCOUNT}`, hosts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The channel to this process closes when this process ends, even if it is killed. */
const STOPS_WITH_US = ['--import', "data:text/javascript,process.once('disconnect', () => process.exit())"];

/** Keeps our proxy settings and Node options away from Azurite. */
function azuriteEnvironment(): Record<string, string> {
  const { PATH = '', HOME = tmpdir() } = process.env;
  const accounts = ACCOUNTS.map((name) => `${name}:${WELL_KNOWN_KEY}`);
  return { PATH, HOME, AZURITE_ACCOUNTS: accounts.join(';') };
}

/** Resolves with Azurite's port when Azurite prints that it listens. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const port = /successfully listens on https:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`Azurite exited with code ${code} before it listened:\n${output}`)),
    );
  });
}
