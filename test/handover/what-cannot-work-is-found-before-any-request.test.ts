import { expect, test } from '@jest/globals';
import { readyTools } from '../../src/handover/tools.ts';
import type { Host } from '../../src/hosts/host.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { standInAz, workshop } from './workshop.ts';

const id = '11111111-2222-3333-4444-555555555555';
const inputs: Readonly<Record<string, string>> = {
  'client-id': id,
  'tenant-id': id,
  'managed-identity-client-id': id,
  export: 'azure-sdk',
  login: 'azure-cli',
};
const request = readStepRequest((name) => inputs[name] ?? '');

/** A host that may only be asked for its folder: nothing else is done this early. */
const hostWith = (folder: string): Host =>
  new Proxy({} as Host, {
    get: (_, name) => {
      if (name === 'temporaryFolder') return () => folder;
      throw new Error(`the host was asked for ${String(name)}`);
    },
  });
const kind = (expected: string) =>
  expect.objectContaining({ problem: expect.objectContaining({ kind: expected }) });

test('all is well, and nothing is written yet', () => {
  using place = workshop();
  standInAz(place.folder, '');
  expect(() => readyTools(hostWith(place.folder), request, { PATH: place.folder }, undefined)).not.toThrow();
});

test('a variable that would make a tool act as somebody else', () => {
  using place = workshop();
  standInAz(place.folder, '');
  const variables = { PATH: place.folder, AZURE_CLIENT_SECRET: 'x' };
  expect(() => readyTools(hostWith(place.folder), request, variables, undefined)).toThrow(
    kind('rival-variables'),
  );
});

test('no az', () => {
  using place = workshop();
  expect(() => readyTools(hostWith(place.folder), request, { PATH: place.folder }, undefined)).toThrow(
    kind('tool-missing'),
  );
});

test('no temporary folder', () => {
  using place = workshop();
  standInAz(place.folder, '');
  expect(() => readyTools(hostWith(''), request, { PATH: place.folder }, undefined)).toThrow(
    kind('no-temporary-folder'),
  );
});
