import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { machineBehind } from '../../src/endpoint/own-endpoint.ts';
import { detectMachine, type MachineFacts } from '../../src/exchange/machine.ts';
import { startTestEndpoint } from './a-running-endpoint.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const facts = (variables: MachineFacts['variables']): MachineFacts => ({
  variables,
  arcAgentInstalled: false,
});

/** What our own step finds in the environment of a command that `run` started. */
async function inside(machine: MachineFacts['variables']): Promise<MachineFacts> {
  const { url, secret } = await startTestEndpoint({ machine });
  return facts({ IDENTITY_ENDPOINT: url, IDENTITY_HEADER: secret });
}

test('an endpoint of others is left alone', async () => {
  const own = facts({ IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token', IDENTITY_HEADER: 'x' });
  expect(await machineBehind(own)).toBe(own);
  expect(await machineBehind(facts({}))).toEqual(facts({}));
});

test('behind it are IMDS, or the endpoint of App Service with its header', async () => {
  const imds = await machineBehind(await inside({}));
  expect(detectMachine(imds)).toMatchObject({ kind: 'imds', endpoint: 'http://169.254.169.254' });
  const moved = { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:4040' };
  expect((await machineBehind(await inside(moved))).variables).toEqual(moved);
  for (const IDENTITY_ENDPOINT of [
    'http://127.0.0.1:41741/msi/token/',
    'http://localhost:42356/msi/token',
    'http://169.254.129.5:8081/msi/token',
    'http://[fe80::1]/msi/token',
  ]) {
    const variables = { IDENTITY_ENDPOINT, IDENTITY_HEADER: 'machine secret' };
    const found = await machineBehind(await inside(variables));
    expect(found.variables).toEqual(variables);
    expect(detectMachine(found)).toMatchObject({ kind: 'app-service', secret: 'machine secret' });
  }
});

describe('is not followed', () => {
  test.each([
    { IDENTITY_ENDPOINT: 'http://10.0.0.1/msi/token', IDENTITY_HEADER: 'x' },
    { IDENTITY_ENDPOINT: 'http://evil.example/msi/token', IDENTITY_HEADER: 'x' },
    { IDENTITY_ENDPOINT: 'http://169.254.1.1.evil.example/msi/token', IDENTITY_HEADER: 'x' },
    { IDENTITY_ENDPOINT: 'http://127.0.0.1@evil.example/msi/token', IDENTITY_HEADER: 'x' },
    { IDENTITY_ENDPOINT: 'file:///127.0.0.1', IDENTITY_HEADER: 'x' },
    { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://10.0.0.1' },
    { MSI_ENDPOINT: 'https://evil.example' },
    { IMDS_ENDPOINT: 'nonsense' },
    { IDENTITY_ENDPOINT: 'http://127.0.0.1:9/entra-app-token/msi/token', IDENTITY_HEADER: 'x' },
  ])('%j', async (machine) => {
    await expect(machineBehind(await inside(machine))).rejects.toMatchObject({ code: 'unusable-answer' });
  });

  test.each([
    'http://10.0.0.1:80/entra-app-token/msi/token',
    'https://127.0.0.1:80/entra-app-token/msi/token',
    'http://evil.example/entra-app-token/msi/token',
  ])('our path at another address, %s', async (IDENTITY_ENDPOINT) => {
    await expect(machineBehind(facts({ IDENTITY_ENDPOINT, IDENTITY_HEADER: 'x' }))).rejects.toMatchObject({
      code: 'unusable-answer',
    });
  });
});

test('an endpoint that has ended is an error, and IMDS is not asked', async () => {
  const { url, secret, stop, stopped } = await startTestEndpoint();
  stop();
  await stopped;
  await expect(
    machineBehind(facts({ IDENTITY_ENDPOINT: url, IDENTITY_HEADER: secret })),
  ).rejects.toMatchObject({ code: 'no-answer', detail: { address: new URL(url).host } });
});

test('an endpoint that does not accept the header is an error', async () => {
  const { url } = await startTestEndpoint();
  for (const IDENTITY_HEADER of ['stale', undefined]) {
    const variables = { IDENTITY_ENDPOINT: url, ...(IDENTITY_HEADER && { IDENTITY_HEADER }) };
    await expect(machineBehind(facts(variables))).rejects.toMatchObject({ code: 'refused' });
  }
});

test.each(['not JSON', '{}', '{"variables":1}', 'null', `{"variables":{}${' '.repeat(70_000)}}`])(
  'another program that listens there by now is an error: %.20s',
  async (body) => {
    const server = createServer((_, response) => response.end(body));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const IDENTITY_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}/entra-app-token/msi/token`;
    await expect(machineBehind(facts({ IDENTITY_ENDPOINT, IDENTITY_HEADER: 'x' }))).rejects.toMatchObject({
      name: 'OwnEndpointError',
    });
  },
);
