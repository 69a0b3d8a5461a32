import {
  BlobServiceClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningAzurite, startAzurite } from '../../emulator/azurite.ts';
import { storageAccounts } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, type RawAnswer } from './raw-request.ts';
import { askEntra, assertionOf } from './token-requests.ts';

let azure: Emulator;
let azurite: RunningAzurite;

beforeAll(async () => {
  azure = await startEmulator();
  azurite = await startAzurite(azure.ca.issue);
});
afterAll(async () => {
  await azurite.stop();
  await azure.stop();
});

const listContainers = (token: string, url: string = azurite.blobUrl): Promise<RawAnswer> =>
  ask(`${url}?comp=list`, {
    ca: azure.ca.pem,
    headers: { authorization: `Bearer ${token}`, 'x-ms-version': '2021-12-02' },
  });

test.each(['https://storage.azure.com/.default', 'https://storage.azure.com//.default'])(
  'Azurite accepts the token for %s',
  async (scope) => {
    const token = String((await askEntra(azure, { form: { scope } })).json()['access_token']);
    const answer = await listContainers(token);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<EnumerationResults');
  },
);

test('Azurite has the storage accounts of the examples', async () => {
  const scope = 'https://contosodata.blob.core.windows.net/.default';
  const token = String((await askEntra(azure, { form: { scope } })).json()['access_token']);
  for (const account of storageAccounts) {
    const url = azurite.blobUrl.replace('devstoreaccount1', account);
    const expected = account === 'contosodata' ? 200 : 403;
    expect((await listContainers(token, url)).status).toBe(expected);
  }
});

test.each(['devstoreaccount1', 'contosostate'])('%s has the well-known key', async (account) => {
  const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
  // The SDK passes this option on to its HTTP pipeline, but its type does not have it.
  const options: StoragePipelineOptions & { tlsOptions: { ca: string } } = {
    tlsOptions: { ca: azure.ca.pem },
  };
  const service = new BlobServiceClient(
    azurite.blobUrl.replace('devstoreaccount1', account),
    new StorageSharedKeyCredential(account, key),
    options,
  );
  await service.getContainerClient('reports').create();
  expect(await service.getContainerClient('reports').exists()).toBe(true);
});

test.each([
  ['an app token for Resource Manager', async () => String((await askEntra(azure)).json()['access_token'])],
  ['the assertion itself', () => assertionOf(azure)],
])('Azurite rejects %s', async (_what, token) => {
  expect((await listContainers(await token())).status).toBeGreaterThanOrEqual(400);
});
