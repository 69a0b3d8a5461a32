import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { gitHere } from '../handover/repositories.ts';
import { ask, type RawAnswer } from './raw-request.ts';
import { askEntra } from './token-requests.ts';

/** Whom Azure Repos lets in. Real clients are in `test/handover/git-reaches-azure-repos.test.ts`. */

const DEVOPS_SCOPE = '499b84ac-1321-427f-aa17-267ca6975798/.default';
const PATH = '/contoso/Platform/_git/empty/info/refs?service=git-upload-pack';

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'azure-repos-'));
  gitHere(folder, 'init', '--quiet', '--bare', 'empty.git');
  azure.azureRepos.serve('contoso/Platform/_git/empty', join(folder, 'empty.git'));
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = (authorization?: string, path = PATH, host = 'dev.azure.com'): Promise<RawAnswer> =>
  ask(`${azure.azureRepos.url}${path}`, {
    ca: azure.ca.pem,
    headers: { host, ...(authorization !== undefined && { authorization }) },
  });
const basic = (password: string, user = 'any'): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function appToken(
  clientId: string = clientIds.deployer,
  scope = DEVOPS_SCOPE,
  tenant: string = tenantIds.contoso,
): Promise<string> {
  const answer = await askEntra(azure, { tenant, form: { client_id: clientId, scope } });
  return String(answer.json()['access_token']);
}

test('a member’s token is accepted at both addresses, as the password of any user and as it is', async () => {
  const token = await appToken();
  const old = PATH.replace('/contoso', '');
  const answers = await Promise.all([
    get(basic(token)),
    get(basic(token, '')),
    get(`Bearer ${token}`),
    get(basic(token), old, 'contoso.visualstudio.com'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

describe('401 with a challenge', () => {
  test.each<readonly [string, () => Promise<string | undefined>]>([
    ['without credentials', async () => undefined],
    [
      'for a token of another audience',
      async () => basic(await appToken(clientIds.deployer, 'https://graph.microsoft.com/.default')),
    ],
    ['for an app that is no member', async () => basic(await appToken(clientIds.administrator))],
    [
      'for a token of another tenant',
      async () => basic(await appToken(clientIds.multitenant, DEVOPS_SCOPE, tenantIds.fabrikam)),
    ],
    ['for a token as the user name', async () => basic('', await appToken())],
    ['for anything else', async () => basic('secret')],
  ])('%s', async (_title, authorization) => {
    const answer = await get(await authorization());
    expect(answer.status).toBe(401);
    expect(String(answer.headers['www-authenticate'])).toContain('Basic realm=');
  });
});

test('404 for a member who asks for another repository or organization', async () => {
  const token = basic(await appToken());
  const other = await get(token, PATH.replace('empty', 'other'));
  const organization = await get(token, PATH.replace('contoso', 'nobody'));
  expect([other.status, organization.status]).toEqual([404, 404]);
});
