import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { ask, claimsOf, type RawAnswer } from './raw-request.ts';
import { ARM_SCOPE, askEntra } from './token-requests.ts';

const DEVOPS = '499b84ac-1321-427f-aa17-267ca6975798';
const FEED = '/contoso/_packaging/packages';

let azure: Emulator;
let software: Server;
/** What the feed software received. */
let seen: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
beforeAll(async () => {
  azure = await startEmulator();
  software = createServer((request, response) => {
    seen.push({ path: `${request.method} ${request.url}`, headers: request.headers });
    request.resume().on('end', () => response.end('a package'));
  });
  await new Promise<void>((listening) => software.listen(0, '127.0.0.1', listening));
  const { port } = software.address() as AddressInfo;
  azure.feeds.serve(`${FEED.slice(1)}/npm/registry`, port);
  azure.feeds.serve(`${FEED.slice(1)}/pypi`, port);
  azure.feeds.serve(`${FEED.slice(1)}/pypi/upload`, port);
});
afterAll(async () => {
  await azure.stop();
  await new Promise((closed) => software.close(closed));
});
beforeEach(() => {
  seen = [];
  azure.clearRequests();
});

async function token(
  clientId: string = clientIds.deployer,
  scope = `${DEVOPS}/.default`,
  tenant: string = tenantIds.contoso,
): Promise<string> {
  const answer = await askEntra(azure, { tenant, form: { client_id: clientId, scope } });
  return String(answer.json()['access_token']);
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const askFeed = (
  authorization?: string,
  path = '/npm/registry/greeting',
  method = 'GET',
): Promise<RawAnswer> =>
  ask(`${azure.feeds.url}${FEED}${path}`, {
    method,
    ca: azure.ca.pem,
    headers: authorization === undefined ? {} : { authorization },
  });

test('an app’s token for Azure DevOps opens the feed, as a bearer token or as the password of any user', async () => {
  const good = await token();
  for (const authorization of [`Bearer ${good}`, basic('feed', good), basic('anybody', good)]) {
    expect(await askFeed(authorization)).toMatchObject({ status: 200, text: 'a package' });
  }
  expect(azure.requests.filter(({ leg }) => leg === 'feeds').map(({ status }) => status)).toEqual([
    200, 200, 200,
  ]);
});

test('the feed software sees the path below its part and the public address, and never the token', async () => {
  await askFeed(basic('feed', await token()), '/npm/registry/@contoso%2fgreeting?write=true');
  await askFeed(basic('feed', await token()), '/pypi/simple/greeting/');
  await askFeed(basic('feed', await token()), '/pypi/upload/', 'POST');
  expect(seen.map(({ path }) => path)).toEqual([
    'GET /@contoso%2fgreeting?write=true',
    'GET /simple/greeting/',
    'POST /',
  ]);
  expect(seen[1]?.headers).toMatchObject({
    'x-forwarded-proto': 'https',
    'x-forwarded-host': `pkgs.dev.azure.com${FEED}/pypi`,
  });
  expect(JSON.stringify(seen)).not.toContain('eyJ');
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined, undefined]);
});

test.each([
  ['no token', () => undefined],
  ['no user name', async () => basic('', await token())],
  ['a token for another resource', async () => `Bearer ${await token(clientIds.deployer, ARM_SCOPE)}`],
  ['an app that is no member', async () => basic('feed', await token(clientIds.administrator))],
  [
    'the app’s token of another tenant',
    async () => basic('feed', await token(clientIds.multitenant, `${DEVOPS}/.default`, tenantIds.fabrikam)),
  ],
  [
    'a token that is over',
    async () => {
      const exp = Math.floor(Date.now() / 1000) - 1;
      return basic('feed', await azure.entra.sign({ ...claimsOf(await token()), exp }));
    },
  ],
  [
    'a token that somebody else signed',
    async () => {
      const [header, payload, signature = ''] = (await token()).split('.');
      const other = signature.startsWith('A') ? 'B' : 'A';
      return basic('feed', [header, payload, `${other}${signature.slice(1)}`].join('.'));
    },
  ],
  ['a word', () => basic('feed', 'secret')],
])('%s: 401, and the feed software hears nothing', async (_title, authorization) => {
  const answer = await askFeed(await authorization());
  expect(answer.status).toBe(401);
  expect(answer.text).toContain('TF400813');
  expect(answer.headers['www-authenticate']).toBe(
    `Bearer authorization_uri=https://login.microsoftonline.com/${tenantIds.contoso}, Basic realm="https://pkgs.dev.azure.com/"`,
  );
  expect(seen).toEqual([]);
});

test.each([
  ['PUT', '/npm/registry/greeting', 403],
  ['DELETE', '/npm/registry/greeting', 403],
  ['POST', '/pypi/upload/', 403],
  ['POST', '/npm/registry/-/npm/v1/security/advisories/bulk', 200],
  ['GET', '/npm/registry/greeting', 200],
])('a reader’s %s %s: %i', async (method, path, status) => {
  const answer = await askFeed(basic('feed', await token(clientIds.multitenant)), path, method);
  expect(answer.status).toBe(status);
  expect(seen).toHaveLength(status === 200 ? 1 : 0);
});

test('a publisher can publish', async () => {
  expect((await askFeed(basic('feed', await token()), '/npm/registry/greeting', 'PUT')).status).toBe(200);
});

test.each([
  '/contoso/_packaging/other/npm/registry/greeting',
  '/fabrikam/_packaging/packages/x',
  `${FEED}/nuget/x`,
])('%s: 404', async (path) => {
  const answer = await ask(`${azure.feeds.url}${path}`, {
    ca: azure.ca.pem,
    headers: { authorization: `Bearer ${await token()}` },
  });
  expect(answer.status).toBe(404);
  expect(seen).toEqual([]);
});
