import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningAzurite, startAzurite } from '../../emulator/azurite.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { askEntra, assertionOf } from './exchange.ts';
import { ask, type RawAnswer } from './raw-request.ts';

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

const listContainers = (token: string): Promise<RawAnswer> =>
  ask(`${azurite.blobUrl}?comp=list`, {
    ca: azure.ca.pem,
    headers: { authorization: `Bearer ${token}`, 'x-ms-version': '2021-12-02' },
  });

test.each(['https://storage.azure.com/.default', 'https://storage.azure.com//.default'])(
  'Azurite takes the token for %s',
  async (scope) => {
    const token = String((await askEntra(azure, { form: { scope } })).json()['access_token']);
    const answer = await listContainers(token);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<EnumerationResults');
  },
);

test.each([
  ['an app token for Resource Manager', async () => String((await askEntra(azure)).json()['access_token'])],
  ['the assertion itself', () => assertionOf(azure)],
])('Azurite refuses %s', async (_what, token) => {
  expect((await listContainers(await token())).status).toBeGreaterThanOrEqual(400);
});
