import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { clientIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, windowsHosts } from './windows-hosts.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

describe.each(windowsHosts)('$title on Windows', (host) => {
  test('runs on Windows, under Windows’ own rules', async () => {
    using job = host.start(azure);
    expect(
      await job.laterStep('console.log(JSON.stringify([process.platform, process.cwd().slice(1, 3)]))'),
    ).toEqual(['win32', ':\\']);
  });

  test('three scopes become masked tokens of the app', async () => {
    using job = host.start(azure);
    azure.clearRequests();
    const { succeeded, errors, values, masks, transcript } = await job.step({
      ...goodInputs,
      scopes: 'arm\nGRAPH_TOKEN = graph\nORDERS = api://contoso-orders',
    });
    expect(errors).toEqual([]);
    expect(succeeded).toBe(true);
    const tokens: Record<string, string> = JSON.parse(values['access-tokens'] ?? '');
    expect(Object.keys(tokens)).toEqual(['arm', 'GRAPH_TOKEN', 'ORDERS']);
    for (const token of Object.values(tokens)) {
      const { appid, azp } = decodeJwt(token);
      expect(appid ?? azp).toBe(clientIds.deployer);
      expect(masks).toContain(token);
    }
    expect(values).toMatchObject({ 'access-token': tokens['arm'], GRAPH_TOKEN: tokens['GRAPH_TOKEN'] });
    expect(azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy')).toEqual([
      'imds',
      'entra',
      'entra',
      'entra',
    ]);
    const assertion = azure.requests.at(-1)?.form.get('client_assertion') ?? '';
    expect(masks).toContain(assertion);
    assertNoSecretLeaks(transcript, [...Object.values(tokens), assertion], {
      outputs: ['access-token', 'access-tokens', 'accessToken', 'accessTokens'],
      variables: ['GRAPH_TOKEN', 'ORDERS', 'accessToken', 'accessTokens'],
    });

    // Nothing was written, so there is nothing to say.
    const [post] = await job.post();
    expect(post).toMatchObject({ succeeded: true, errors: [] });
    expect(post?.transcript.raw).toEqual({ stdout: '', stderr: '' });
  });

  test('a failure names its cause and fails the step', async () => {
    using job = host.start(azure);
    const { succeeded, errors, transcript } = await job.step({
      ...goodInputs,
      'client-id': clientIds.disabled,
    });
    expect(succeeded).toBe(false);
    expect(errors).toHaveLength(1);
    expect(transcript.displayed).toContain('AADSTS7000112');
  });
});
