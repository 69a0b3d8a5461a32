import {
  BlobServiceClient,
  ContainerClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';

export interface Container {
  readonly url: string;
  /** The certificate authority of the service, as PEM. */
  readonly ca: string;
}

/** Azurite's well-known account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const owner = new StorageSharedKeyCredential(
  'devstoreaccount1',
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

/** Creates the container as its owner, with a small blob for each name. */
export async function fillContainer({ url, ca }: Container, names: readonly string[]): Promise<void> {
  const [account, container] = [url.slice(0, url.lastIndexOf('/')), url.slice(url.lastIndexOf('/') + 1)];
  const service = new BlobServiceClient(account, owner, options(ca));
  const client = service.getContainerClient(container);
  await client.create();
  for (const name of names) await client.getBlockBlobClient(name).upload(name, name.length);
}

/** The names of the blobs, read with only the token. */
export async function listBlobs(container: Container, token: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const blob of withToken(container, token).listBlobsFlat()) names.push(blob.name);
  return names;
}

/**
 * Tries a token with another audience, and returns how the service rejects it.
 *
 * @throws when the service accepts the token
 */
export async function rejectToken(container: Container, token: string): Promise<string> {
  try {
    await listBlobs(container, token);
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode !== undefined) return `rejected with ${statusCode} ${code ?? ''}`.trim();
    throw error;
  }
  throw new Error('The storage service accepted a token with another audience.');
}

function withToken({ url, ca }: Container, token: string): ContainerClient {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
  return new ContainerClient(url, credential, options(ca));
}

/** The client passes `tlsOptions` to its pipeline, but its type does not have them. */
function options(ca: string): StoragePipelineOptions & { readonly tlsOptions: { readonly ca: string } } {
  return { tlsOptions: { ca }, retryOptions: { maxTries: 1 } };
}
