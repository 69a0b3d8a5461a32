import {
  BlobServiceClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { WELL_KNOWN_KEY } from './azurite.ts';

export interface Container {
  /** `https://127.0.0.1:PORT/ACCOUNT/CONTAINER` */
  readonly url: string;
  /** The certificate authority of the service, as PEM. */
  readonly ca: string;
}

/** Creates the container as its owner, with a small blob for each name. */
export async function fillContainer({ url, ca }: Container, names: readonly string[]): Promise<void> {
  const [account = '', container = ''] = new URL(url).pathname.split('/').slice(1);
  const owner = new StorageSharedKeyCredential(account, WELL_KNOWN_KEY);
  const service = new BlobServiceClient(new URL(`/${account}`, url).href, owner, clientOptions(ca));
  const client = service.getContainerClient(container);
  await client.create();
  for (const name of names) await client.getBlockBlobClient(name).upload(name, name.length);
}

/** The client passes `tlsOptions` to its pipeline, but its type does not have them. */
export function clientOptions(
  ca: string,
): StoragePipelineOptions & { readonly tlsOptions: { readonly ca: string } } {
  return { tlsOptions: { ca }, retryOptions: { maxTries: 1 } };
}
