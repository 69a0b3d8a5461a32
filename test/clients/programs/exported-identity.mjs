// Signs in with nothing but the variables that the step exported, and prints as JSON what it could do.
//
//   node exported-identity.mjs BLOB_SERVICE_URL CONTAINER
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';

const [serviceUrl, container] = process.argv.slice(2);
const credential = new DefaultAzureCredential();
const tokens = [];
// One credential, asked twice for the same scope.
for (const _ of [1, 2]) tokens.push((await credential.getToken('https://storage.azure.com/.default')).token);
const blobs = [];
const client = new BlobServiceClient(serviceUrl, credential).getContainerClient(container);
for await (const { name } of client.listBlobsFlat()) blobs.push(name);
console.log(JSON.stringify({ tokens, blobs }));
