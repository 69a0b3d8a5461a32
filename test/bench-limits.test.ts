import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codeLimits, codeSize, requestsFor } from '../bench/limits.ts';
import { customApis, scopesFor } from '../bench/scopes.ts';
import { worldFor } from '../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { goodInputs, hostsUnderTest } from './scenarios/hosts-under-test.ts';

/** Limits for requests and code size. The benchmark measures times; tests never do. */

let azure: Emulator;
beforeAll(async () => {
  const world = worldFor('public');
  azure = await startEmulator({ ...world, resources: [...world.resources, ...customApis] });
});
afterAll(() => azure.stop());

describe.each(hostsUnderTest)('requests on $title', (host) => {
  test.each([
    { scopes: 1, authority: 'the cloud’s' },
    { scopes: 1, authority: 'another' },
    { scopes: 20, authority: 'the cloud’s' },
    { scopes: 20, authority: 'another' },
  ])(
    'one request for the identity and one for each of $scopes scopes, authority host: $authority',
    async (row) => {
      const ownAuthority = row.authority === 'another';
      const job = host.job(azure, ownAuthority ? { proxy: false } : {});
      azure.clearRequests();
      const { succeeded, outputs } = await job.step({
        ...goodInputs,
        scopes: scopesFor(row.scopes).join('\n'),
        ...(ownAuthority && { 'authority-host': azure.entra.url }),
      });
      const posts = await job.post();
      job.close();

      expect(succeeded).toBe(true);
      expect(posts.map((post) => post.succeeded)).toEqual([true]);
      expect(Object.keys(JSON.parse(outputs['access-tokens'] ?? ''))).toHaveLength(row.scopes);
      const legs = azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy');
      expect(legs).toHaveLength(requestsFor(row.scopes));
      expect(legs.filter((leg) => leg === 'imds')).toHaveLength(1);
    },
  );
});

test.each(codeLimits)('the code in $folder has at most $bytes bytes', ({ folder, bytes }) => {
  const size = codeSize(join(process.cwd(), folder));
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThanOrEqual(bytes);
});
