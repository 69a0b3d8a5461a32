import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds } from '../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { failurePicture, failurePictureFile } from '../scripts/failure-picture.ts';
import { goodInputs, oneOfEach, runStepOn } from './scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const log = async (): Promise<string> => {
  const [github] = oneOfEach;
  if (github === undefined) throw new Error('no host');
  // With so little time the step does not try again. The picture shows no line about tries.
  const outcome = await runStepOn(github, azure, {
    ...goodInputs,
    'client-id': clientIds.wrongSubject,
    'timeout-seconds': '2',
  });
  return outcome.log;
};

test('the picture of a failure shows what the action prints (npm run pictures draws it)', async () => {
  expect(readFileSync(failurePictureFile, 'utf8')).toBe(failurePicture(await log()));
});

test('a log without one of the lines is not drawn', () => {
  expect(() => failurePicture('Could not get a token for x')).toThrow('The log has no line that starts with');
});
