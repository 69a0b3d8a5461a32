import { expect, test } from '@jest/globals';
import { aadsts } from '../../emulator/aadsts.ts';
import { cloudNames, clouds } from '../../emulator/clouds.ts';
import { worldFor } from '../../emulator/default-world.ts';

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

test.each(Object.entries(aadsts))('AADSTS%s has a source', (_code, row) => {
  expect(row.source).toMatch(/^(text|list|unconfirmed): \S/);
  expect(row.status).toBeGreaterThanOrEqual(400);
});

test('no two clouds share a host or an audience', () => {
  const rows = cloudNames.map((name) => clouds[name]);
  expect(unique(rows.flatMap((one) => [...one.authorityHosts, ...one.armHosts, ...one.graphHosts]))).toBe(
    true,
  );
  expect(unique(rows.flatMap((one) => [one.exchangeUri, one.exchangeAppId]))).toBe(true);
});

test.each(cloudNames)('in the default world of %s every ID and address is unique', (cloud) => {
  const world = worldFor(cloud);
  expect(unique(world.resources.flatMap((one) => [one.appId, ...one.identifierUris]))).toBe(true);
  expect(
    unique([
      ...world.applications.flatMap((one) => [...new Set([one.clientId, one.objectId])]),
      ...world.agentIdentities.map((one) => one.clientId),
      ...world.applications.flatMap((one) => Object.values(one.servicePrincipals).map((sp) => sp.objectId)),
      ...world.identities.flatMap((one) => [one.clientId, one.objectId, one.resourceId]),
      ...world.tenants.flatMap((one) => [one.id, ...one.domains]),
    ]),
  ).toBe(true);
});

test('a world is plain data that a test can clone', () => {
  expect(structuredClone(worldFor('china'))).toEqual(worldFor('china'));
});
