/**
 * Lists the blobs of a container. The credential comes from environment variables only:
 *
 *   AZURE_STORAGE_BLOB_URL=https://ACCOUNT.blob.core.windows.net node list-blobs.mjs CONTAINER
 */
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';

const url = process.env.AZURE_STORAGE_BLOB_URL;
const container = process.argv[2];
if (!url || !container) {
  console.error(
    'Usage: AZURE_STORAGE_BLOB_URL=<address of the blob service> node list-blobs.mjs <container>',
  );
  process.exit(2);
}

const service = new BlobServiceClient(url, new DefaultAzureCredential());
for await (const blob of service.getContainerClient(container).listBlobsFlat()) {
  console.log(blob.name);
}
