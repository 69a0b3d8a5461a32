import { ContainerClient, type StoragePipelineOptions } from '@azure/storage-blob';
import { startAzurite } from '../../emulator/azurite.ts';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import type { Emulator, RecordedRequest } from '../../emulator/emulator.ts';

/** A storage account (Azurite) under its public name, with one container and one blob in it. */
export interface Storage {
  readonly account: string;
  readonly serviceUrl: string;
  readonly container: string;
  readonly blob: string;
  stop(): Promise<void>;
}

export async function startStorage(azure: Emulator): Promise<Storage> {
  const { ca, proxy } = azure;
  const azurite = await startAzurite(ca.issue);
  const account = 'devstoreaccount1';
  const container = 'reports';
  const blob = '2026.csv';
  const token = await storageToken(azure, 3600);
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  // The client passes `tlsOptions` to its pipeline, but its type does not have it.
  const options: StoragePipelineOptions & { tlsOptions: { ca: string } } = { tlsOptions: { ca: ca.pem } };
  const client = new ContainerClient(`${azurite.blobUrl}/${container}`, credential, options);
  await client.create();
  await client.getBlockBlobClient(blob).upload(blob, blob.length);
  for (const host of azurite.hosts) proxy.map(host, azurite.port);
  return {
    account,
    serviceUrl: `https://${account}.blob.core.windows.net/`,
    container,
    blob,
    stop: () => azurite.stop(),
  };
}

/** A client asks Entra for a token. */
export const isTokenRequest = ({ leg, method }: RecordedRequest): boolean =>
  leg === 'entra' && method === 'POST';

/**
 * Entra's next tokens (default: one) are for storage and live only so many seconds. Returns that token. SDKs replace a
 * token minutes before its end, except Python's: it keeps a new token until the end, for half a minute at least.
 */
export async function shortenNextTokens(azure: Emulator, lifetime: number, times = 1): Promise<string> {
  const token = await storageToken(azure, lifetime);
  const body = { token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token: token };
  azure.faults.queue('entra', { status: 200, body }, times, isTokenRequest);
  return token;
}

function storageToken({ entra }: Emulator, lifetime: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return entra.sign({
    aud: 'https://storage.azure.com',
    iss: `https://sts.windows.net/${tenantIds.contoso}/`,
    appid: clientIds.deployer,
    tid: tenantIds.contoso,
    iat: now,
    nbf: now,
    exp: now + lifetime,
  });
}
