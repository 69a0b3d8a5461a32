import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  agentIdentityIds,
  clientIds,
  displayNames,
  identities,
  tenantIds,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { inputsOf, namedValues, situations } from '../../emulator/situations.ts';
import { askBlueprint, askEntra, assertionOf, codeOf } from './token-requests.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

test.each(situations)('$setUpFor: $app gives $result', async (situation) => {
  const { app, tenant = 'contoso', identity = 'runner', agent, result } = situation;
  const assertion = await assertionOf(azure, identities[identity].clientId);
  const request = { tenant: tenantIds[tenant], form: { client_id: clientIds[app] }, assertion };
  const answer = await (agent === undefined
    ? askEntra(azure, request)
    : askEntra(azure, {
        tenant: tenantIds[tenant],
        form: { client_id: agentIdentityIds[agent] },
        assertion: await askBlueprint(azure, clientIds[app], agentIdentityIds[agent], request),
      }));
  expect(answer.status === 200 ? 'tokens' : codeOf(answer)).toBe(result);
});

test('every application of the default world is a situation', () => {
  expect([...new Set(situations.map(({ app }) => app))].sort()).toEqual(Object.keys(clientIds).sort());
});

test('the display names are different, and stand for the IDs', () => {
  const names = Object.values(displayNames);
  expect(new Set(names).size).toBe(names.length);
  for (const situation of situations) {
    expect(namedValues['client-id']?.[displayNames[situation.app]]).toBe(clientIds[situation.app]);
    for (const [name, value] of Object.entries(inputsOf(situation))) {
      if (name === 'tenant-id' || name.startsWith('managed-'))
        expect(namedValues[name]?.[value]).toMatch(/^[0-9a-f-]{36}$/u);
    }
  }
});
