import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, oneOfEach, runStepOn } from './hosts-under-test.ts';

const apis = Array.from({ length: 20 }, (_, index) => `api://contoso-many-${index}`);

let azure: Emulator;
beforeAll(async () => {
  const world = worldFor('public');
  const resources = apis.map((uri, index) => ({
    displayName: uri,
    appId: `a9100000-4444-4000-8000-0000000000${String(index).padStart(2, '0')}`,
    identifierUris: [uri],
    accessTokenVersion: 1 as const,
  }));
  azure = await startEmulator({ ...world, resources: [...world.resources, ...resources] });
});
afterAll(() => azure.stop());

describe.each(oneOfEach)('$title', (host) => {
  test('twenty requests are on their way before the first is answered', async () => {
    azure.clearRequests();
    azure.delays.set('entra', 1_000);
    const toEntra = ({ leg, method }: { leg: string; method: string }) =>
      leg === 'entra' && method === 'POST';
    const step = runStepOn(host, azure, { ...goodInputs, scopes: apis.join('\n') });
    const underWay = await azure.untilRequests(apis.length, toEntra);
    expect(underWay.map(({ status }) => status)).toEqual(apis.map(() => undefined));
    const outcome = await step;
    expect(outcome.errors).toEqual([]);
    expect(outcome.transcript.raw.stderr).toBe('');
    expect(Object.keys(JSON.parse(outcome.outputs['access-tokens'] ?? '{}'))).toEqual(apis);
    expect(azure.requests.filter(({ leg }) => leg !== 'proxy')).toHaveLength(1 + apis.length);
  });
});
