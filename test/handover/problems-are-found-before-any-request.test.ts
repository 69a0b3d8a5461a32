import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { JobEnvironment } from '../../src/handover/job-environment.ts';
import { readRecords } from '../../src/handover/removal.ts';
import { prepareTools } from '../../src/handover/tools.ts';
import type { Host } from '../../src/hosts/host.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { standInAz, tempFolder } from './temp-folder.ts';

const id = '11111111-2222-3333-4444-555555555555';
const inputs: Readonly<Record<string, string>> = {
  'client-id': id,
  'tenant-id': id,
  'managed-identity-client-id': id,
  export: 'azure-sdk',
  login: 'azure-cli',
};
const request = readStepRequest((name) => inputs[name] ?? '');

/** A host that has a folder and takes the record for the clean-up. Any other call is a defect this early. */
const hostWith = (folder: string, saved: string[] = []): Host =>
  new Proxy({} as Host, {
    get: (_, name) => {
      if (name === 'temporaryFolder') return () => folder;
      if (name === 'saveState') return (_: string, value: string) => void saved.push(value);
      throw new Error(`the host was asked for ${String(name)}`);
    },
  });
const inJob = (variables: Readonly<Record<string, string>>): JobEnvironment => ({
  variables,
  windows: false,
});
const kind = (expected: string) =>
  expect.objectContaining({ detail: expect.objectContaining({ kind: expected }) });

test('nothing is wrong: only the record for the clean-up is written', () => {
  using place = tempFolder();
  standInAz(place.folder, '');
  const saved: string[] = [];
  const host = hostWith(place.folder, saved);
  const { directory, finish } = prepareTools(host, request, inJob({ PATH: place.folder }), undefined);
  expect(readdirSync(place.folder)).toEqual(['az']);
  expect(readRecords(saved[0] ?? '')).toEqual({
    version: 1,
    finished: false,
    records: [{ kind: 'directory', path: directory }],
  });
  finish();
  expect(readRecords(saved[1] ?? '')).toMatchObject({ finished: true });
});

test('a variable that would make a tool act as somebody else', () => {
  using place = tempFolder();
  standInAz(place.folder, '');
  const variables = { PATH: place.folder, AZURE_CLIENT_SECRET: 'x' };
  expect(() => prepareTools(hostWith(place.folder), request, inJob(variables), undefined)).toThrow(
    kind('conflicting-variables'),
  );
});

test('a variable that would make az work in another cloud, although nothing is exported', () => {
  using place = tempFolder();
  standInAz(place.folder, '');
  const login = readStepRequest((name) => (name === 'export' ? '' : (inputs[name] ?? '')));
  const variables = { PATH: place.folder, AZURE_CLOUD_NAME: 'AzureChinaCloud' };
  expect(() => prepareTools(hostWith(place.folder), login, inJob(variables), undefined)).toThrow(
    kind('conflicting-variables'),
  );
});

test('no az', () => {
  using place = tempFolder();
  expect(() =>
    prepareTools(hostWith(place.folder), request, inJob({ PATH: place.folder }), undefined),
  ).toThrow(kind('tool-missing'));
});

test('no temporary folder', () => {
  using place = tempFolder();
  standInAz(place.folder, '');
  expect(() => prepareTools(hostWith(''), request, inJob({ PATH: place.folder }), undefined)).toThrow(
    kind('no-temporary-folder'),
  );
});
