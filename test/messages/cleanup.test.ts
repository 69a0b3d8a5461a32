import { expect, test } from '@jest/globals';
import type { Removal } from '../../src/handover/removal.ts';
import { describeRemoval, unknownRecords } from '../../src/messages/cleanup.ts';

const path = '/temp/entra-app-token-1';
const notOurs = (reason: Extract<Removal, { kind: 'not-ours' }>['reason']): Removal => ({
  kind: 'not-ours',
  path,
  reason,
});

test.each<readonly [string, Removal]>([
  [`Removed ${path}.`, { kind: 'removed', path, contents: [] }],
  [`Removed ${path} with the identity’s token.`, { kind: 'removed', path, contents: ['federated-token'] }],
  [
    `Removed ${path} with the Azure CLI’s session and the identity’s token.`,
    { kind: 'removed', path, contents: ['azure-cli', 'other', 'federated-token'] },
  ],
  [`Removed ${path}.`, { kind: 'removed', path, contents: ['other'] }],
  [`Nothing to remove: ${path} does not exist.`, { kind: 'absent', path }],
  [`Did not remove ${path}: its name is not one that this step creates.`, notOurs('name')],
  [`Did not remove ${path}: it is not directly in the job’s temporary folder.`, notOurs('place')],
  [`Did not remove ${path}: it is a link now.`, notOurs('link')],
  [`Did not remove ${path}: it is not a directory.`, notOurs('not-a-directory')],
  [
    `Could not remove ${path}: EBUSY. Remove it by hand. It may hold a token of the identity, which is valid for up to 24 hours.`,
    { kind: 'failed', path, detail: 'EBUSY' },
  ],
])('%s', (line, removal) => {
  expect(describeRemoval(removal)).toBe(line);
});

test('records of another version: the user learns what to remove by hand', () => {
  expect(unknownRecords).toBe(
    'The clean-up cannot read what the step recorded, because another version of the step wrote it or a step of the job changed it. Remove the directories entra-app-token-… in the job’s temporary folder by hand.',
  );
});
