import { request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { clouds, cloudsWithoutPreset } from '../../src/azure/clouds.ts';
import { createTokenCache } from '../../src/endpoint/token-cache.ts';
import type { AppToken } from '../../src/exchange/request.ts';
import { virtualClock } from '../exchange/virtual-clock.ts';
import { appId, arm, event, minute, startTestEndpoint } from './a-running-endpoint.ts';
import { ask } from './endpoint-client.ts';

test('a token has the fields that clients need, in the forms that they accept', async () => {
  const endpoint = await startTestEndpoint();
  const { status, headers, json } = await endpoint.token(`resource=${arm}`);
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('application/json');
  expect(headers['cache-control']).toBe('no-store');
  expect(json).toEqual({
    access_token: 'token-1',
    expires_on: String((endpoint.clock.date() + 60 * minute) / 1000),
    resource: arm,
    token_type: 'Bearer',
    client_id: appId,
  });
  expect(endpoint.handOuts).toEqual([
    { resource: arm, expiresOn: new Date(endpoint.clock.date() + 60 * minute) },
  ]);
});

describe('every form of a request leads to the app', () => {
  test.each([
    ['no selector', `resource=${arm}`],
    ['client_id', `resource=${arm}&client_id=${appId}`],
    ['another client_id', `resource=${arm}&client_id=11111111-0000-4000-8000-000000000001`],
    ['principal_id', `principal_id=11111111-0000-4000-8000-000000000001&resource=${arm}`],
    ['object_id', `object_id=11111111-0000-4000-8000-000000000001&resource=${arm}`],
    ['mi_res_id', `mi_res_id=/subscriptions/1/x&resource=${arm}`],
    ['msi_res_id', `msi_res_id=%2Fsubscriptions%2F1%2Fx&resource=${arm}`],
    ['percent-encoded', `resource=${encodeURIComponent(arm)}`],
    ['a scope', `scope=${arm}/.default`],
    ['a resource written as a scope', `resource=${arm}/.default`],
    ['an unknown parameter', `resource=${arm}&xms_cc=cp1`],
  ])('%s', async (_, query) => {
    const endpoint = await startTestEndpoint();
    expect((await endpoint.token(query)).json).toMatchObject({ access_token: 'token-1' });
    expect(endpoint.exchanges).toEqual([`${arm}/.default`]);
  });

  test.each(['2019-08-01', '2020-06-01', '2025-03-30'])('api-version %s', async (version) => {
    const { url, secret } = await startTestEndpoint();
    const answer = await ask(`${url}?resource=${arm}&api-version=${version}`, {
      'x-identity-header': secret,
    });
    expect(answer.status).toBe(200);
  });

  test('a slash at the end of the resource is part of the audience, and stays', async () => {
    const endpoint = await startTestEndpoint();
    expect((await endpoint.token(`resource=${arm}/`)).json.resource).toBe(`${arm}/`);
    await endpoint.token('resource=2ff814a6-3304-4ab8-81cb-cd0e6f879c1d');
    await endpoint.token('resource=api%3A%2F%2Forders');
    expect(endpoint.exchanges).toEqual([
      `${arm}//.default`,
      '2ff814a6-3304-4ab8-81cb-cd0e6f879c1d/.default',
      'api://orders/.default',
    ]);
  });
});

describe('a request that cannot be answered gets 400 in the protocol’s form, and no exchange is made', () => {
  test.each([
    ['no api-version', '?resource=https://a.example', 'malformed', 'api-version'],
    ['an old api-version', '?api-version=2017-09-01&resource=https://a.example', 'malformed', 'api-version'],
    ['no resource', '?api-version=2019-08-01', 'malformed', 'no-resource'],
    ['an empty resource', '?api-version=2019-08-01&resource=', 'malformed', 'no-resource'],
    ['no query', '', 'malformed', 'api-version'],
    [
      'a resource twice',
      '?api-version=2019-08-01&resource=https://a.example&resource=https://b.example',
      'malformed',
      'repeated-parameter',
    ],
    [
      'resource and scope',
      '?api-version=2019-08-01&resource=https://a.example&scope=https://b.example',
      'malformed',
      'two-resources',
    ],
    [
      'two scopes in one',
      '?api-version=2019-08-01&resource=https://a.example%20https://b.example',
      'malformed',
      'unusable-resource',
    ],
    [
      'a line break',
      '?api-version=2019-08-01&resource=https://a.example%0a::warning::',
      'malformed',
      'unusable-resource',
    ],
    [
      'a very long resource',
      `?api-version=2019-08-01&resource=https://${'a'.repeat(600)}.example`,
      'malformed',
      'unusable-resource',
    ],
  ])('%s', async (_, query, kind, problem) => {
    const endpoint = await startTestEndpoint();
    const { status, json } = await ask(`${endpoint.url}${query}`, { 'x-identity-header': endpoint.secret });
    expect(status).toBe(400);
    expect(json).toEqual({ statusCode: 400, message: `because: ${kind}` });
    expect(endpoint.refusals).toEqual([{ kind, problem }]);
    expect(endpoint.exchanges).toEqual([]);
  });

  const audiences = [...Object.values(clouds), ...cloudsWithoutPreset].map(({ audience }) => audience);
  test.each([
    ...audiences,
    'api://azureadtokenexchange/.default',
    'AzureADTokenExchange',
    'fb60f99c-7a34-4190-8149-302f77469936',
  ])('the token-exchange audience %s', async (resource) => {
    const endpoint = await startTestEndpoint();
    const { status } = await endpoint.token(`resource=${encodeURIComponent(resource)}`);
    expect(status).toBe(400);
    expect(endpoint.refusals).toEqual([{ kind: 'exchange-audience', resource }]);
    expect(endpoint.exchanges).toEqual([]);
  });
});

describe('a token is kept', () => {
  test('for its own resource, until less than five minutes are left', async () => {
    const endpoint = await startTestEndpoint();
    const next = async (): Promise<string> => (await endpoint.token(`resource=${arm}`)).json.access_token;
    expect(await next()).toBe('token-1');
    endpoint.clock.advance(55 * minute);
    expect(await next()).toBe('token-1');
    endpoint.clock.advance(1);
    expect(await next()).toBe('token-2');
    expect((await endpoint.token(`resource=${arm}/`)).json.access_token).toBe('token-3');
    expect(await next()).toBe('token-2');
  });

  test('and is handed out again only if a new one has even less time', async () => {
    const lifetimes = [4, 1, 10];
    const endpoint = await startTestEndpoint({
      exchange: async (_, number, clock) => ({
        token: `token-${number}`,
        expiresOn: new Date(clock.date() + (lifetimes[number - 1] ?? 0) * minute),
      }),
    });
    const got: string[] = [];
    for (const _ of [1, 2, 3]) got.push((await endpoint.token(`resource=${arm}`)).json.access_token);
    expect(got).toEqual(['token-1', 'token-1', 'token-3']);
  });
});

describe('parallel requests', () => {
  test('that arrive during an exchange for the same resource wait for it', async () => {
    const { happened: gate, happen: open } = event<AppToken>();
    let exchanges = 0;
    const clock = virtualClock();
    const cache = createTokenCache(
      async () => ({
        token: () => {
          exchanges += 1;
          return gate;
        },
      }),
      2 * minute,
      clock,
    );
    const waiting = [1, 2, 3].map(() => cache.token(`${arm}/.default`));
    const token = { token: 'shared', expiresOn: new Date(clock.date() + 60 * minute) };
    open(token);
    expect(await Promise.all(waiting)).toEqual([token, token, token]);
    expect(exchanges).toBe(1);
  });

  test('get their token also if the client that asked first leaves', async () => {
    const { happened: gate, happen: open } = event();
    const { happened: begun, happen: begin } = event();
    const endpoint = await startTestEndpoint({
      exchange: async (_, number, clock) => {
        begin();
        await gate;
        return { token: `token-${number}`, expiresOn: new Date(clock.date() + 60 * minute) };
      },
    });
    const impatient = request(`${endpoint.url}?api-version=2019-08-01&resource=${arm}`, {
      headers: { 'x-identity-header': endpoint.secret },
      agent: false,
    });
    impatient.on('error', () => undefined);
    impatient.end();
    await begun;
    const others = [1, 2, 3].map(() => endpoint.token(`resource=${arm}`));
    const { happened: closed, happen: close } = event();
    impatient.once('close', () => close());
    impatient.destroy();
    await closed;
    open();
    for (const { json } of await Promise.all(others)) expect(json.access_token).toBe('token-1');
    expect(endpoint.exchanges).toHaveLength(1);
  });

  test('for several resources do not wait for each other', async () => {
    const waiting = new Map<string, (token: AppToken) => void>();
    const endpoint = await startTestEndpoint({
      exchange: (scope) => new Promise((resolve) => void waiting.set(scope, resolve)),
    });
    const expiresOn = new Date(endpoint.clock.date() + 60 * minute);
    const slow = endpoint.token('resource=https://slow.example');
    const fast = endpoint.token('resource=https://fast.example');
    while (waiting.size < 2) await new Promise(setImmediate);
    waiting.get('https://fast.example/.default')?.({ token: 'fast', expiresOn });
    expect((await fast).json.access_token).toBe('fast');
    waiting.get('https://slow.example/.default')?.({ token: 'slow', expiresOn });
    expect((await slow).json.access_token).toBe('slow');
  });
});

test('more than 30 exchanges in a minute are refused; tokens that are kept need none', async () => {
  const endpoint = await startTestEndpoint();
  for (let number = 1; number <= 30; number += 1) {
    expect((await endpoint.token(`resource=https://a.example/${number}`)).status).toBe(200);
  }
  const { status, json } = await endpoint.token('resource=https://a.example/31');
  expect({ status, json }).toEqual({
    status: 400,
    json: { statusCode: 400, message: 'because: too-many-exchanges' },
  });
  expect((await endpoint.token('resource=https://a.example/30')).status).toBe(200);
  endpoint.clock.advance(minute);
  expect((await endpoint.token('resource=https://a.example/31')).status).toBe(200);
  expect(endpoint.exchanges).toHaveLength(31);
});

test('a failed exchange is answered once with 400, is reported, and is tried again by the next request', async () => {
  const failure = new Error('refused');
  const endpoint = await startTestEndpoint({
    exchange: async (_, number, clock) => {
      if (number === 1) throw failure;
      return { token: 'later', expiresOn: new Date(clock.date() + 60 * minute) };
    },
  });
  const { status, json } = await endpoint.token(`resource=${arm}`);
  expect({ status, json }).toEqual({
    status: 400,
    json: { statusCode: 400, message: 'because: exchange-failed' },
  });
  expect(endpoint.refusals).toEqual([{ kind: 'exchange-failed', resource: arm, error: failure }]);
  expect(endpoint.handOuts).toEqual([]);
  expect((await endpoint.token(`resource=${arm}`)).json.access_token).toBe('later');
});

test('each exchange has the whole time budget, however long the endpoint lives', async () => {
  const left: number[] = [];
  const endpoint = await startTestEndpoint({
    exchange: async (_, __, clock, budget) => {
      left.push(budget.remaining());
      return { token: 'x', expiresOn: new Date(clock.date() + minute) };
    },
  });
  await endpoint.token(`resource=${arm}`);
  endpoint.clock.advance(24 * 60 * minute);
  await endpoint.token(`resource=${arm}`);
  expect(left).toEqual([2 * minute, 2 * minute]);
});

describe('with a list of allowed scopes', () => {
  test.each([
    ['https://management.azure.com/.default', 'https://management.core.windows.net/'],
    ['https://management.azure.com/.default', 'https://management.azure.com'],
    ['https://management.core.windows.net/.default', 'https://management.azure.com/'],
    ['https://management.usgovcloudapi.net/.default', 'https://management.core.usgovcloudapi.net/'],
    ['https://vault.azure.net/.default', 'https://vault.azure.net/'],
    ['https://vault.azure.net//.default', 'https://VAULT.azure.net'],
  ])('%s admits %s', async (allowed, resource) => {
    const endpoint = await startTestEndpoint({ allow: [allowed] });
    expect((await endpoint.token(`resource=${resource}`)).status).toBe(200);
  });

  test.each([
    ['https://management.azure.com/.default', 'https://graph.microsoft.com'],
    ['https://vault.azure.net/.default', 'https://vault.azure.net.evil.example'],
    ['https://vault.azure.net/.default', 'https://vault.azure.net/secrets'],
    ['https://vault.azure.net/.default', 'https://management.core.windows.net'],
  ])('%s does not admit %s', async (allowed, resource) => {
    const endpoint = await startTestEndpoint({ allow: [allowed] });
    expect((await endpoint.token(`resource=${resource}`)).status).toBe(403);
    expect(endpoint.refusals).toEqual([{ kind: 'not-allowed', resource, allowed: [allowed] }]);
    expect(endpoint.exchanges).toEqual([]);
  });
});
