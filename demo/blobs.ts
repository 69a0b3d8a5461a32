import {
  BlobServiceClient,
  ContainerClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';

export interface Container {
  readonly url: string;
  /** The certificate authority of the service's certificate, PEM. */
  readonly ca: string;
}

/** Azurite's well-known account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const owner = new StorageSharedKeyCredential(
  'devstoreaccount1',
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

/** Makes the container, as its owner, and puts a small blob under each name. */
export async function fillContainer({ url, ca }: Container, names: readonly string[]): Promise<void> {
  const [account, container] = [url.slice(0, url.lastIndexOf('/')), url.slice(url.lastIndexOf('/') + 1)];
  const service = new BlobServiceClient(account, owner, options(ca));
  const client = service.getContainerClient(container);
  await client.create();
  for (const name of names) await client.getBlockBlobClient(name).upload(name, name.length);
}

/** The blobs' names, seen with nothing but the token. */
export async function listBlobs(container: Container, token: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const blob of withToken(container, token).listBlobsFlat()) names.push(blob.name);
  return names;
}

/**
 * What the service says to a token that is not for it.
 *
 * @throws when it takes the token
 */
export async function refusesToken(container: Container, token: string): Promise<string> {
  try {
    await listBlobs(container, token);
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode !== undefined) return `refused with ${statusCode} ${code ?? ''}`.trim();
    throw error;
  }
  throw new Error('The storage service took a token for another audience.');
}

function withToken({ url, ca }: Container, token: string): ContainerClient {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
  return new ContainerClient(url, credential, options(ca));
}

/** The client passes `tlsOptions` on to its pipeline, though its own type does not name them. */
function options(ca: string): StoragePipelineOptions & { readonly tlsOptions: { readonly ca: string } } {
  return { tlsOptions: { ca }, retryOptions: { maxTries: 1 } };
}
